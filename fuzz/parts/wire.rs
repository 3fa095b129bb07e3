//! The parts of `src/schemes/signature/wire` that read digests of bodies, compiled once more: they are not public.

#![allow(dead_code, unreachable_pub)]

#[path = "../../src/schemes/signature/wire/digest.rs"]
pub mod digest;
#[path = "../../src/schemes/signature/wire/fields.rs"]
pub mod fields;
