//! Where other crates meet this one: the [`Principal`](crate::auth::Principal) as an extractor of
//! axum and of rmcp.
//!
//! It uses `auth` alone.

mod axum;
#[cfg(feature = "rmcp")]
mod rmcp;
