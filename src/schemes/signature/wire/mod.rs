//! What client and server exchange: the signature base (RFC 9421 §2.5), structured fields
//! (RFC 9651), and digests of bodies (RFC 9530).
//!
//! It parses and serializes, and decides nothing. It uses no other file of this crate.

pub(super) mod base;
pub(super) mod digest;
pub(super) mod fields;
