//! The protected resource (RFC 9728): its identifier, its metadata document, and what the layer says of
//! it in challenges.

mod identifier;

pub use self::identifier::{InvalidResource, Resource};
