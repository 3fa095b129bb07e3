//! The schemes, each an [`Authenticator`](crate::auth::Authenticator) in a folder of its own.
//!
//! A scheme uses every room below, and no other scheme.

mod authorization_header;
mod basic;
mod bearer;
#[cfg(feature = "oauth")]
mod oauth;
#[cfg(feature = "hmac")]
mod signature;

pub(crate) use self::authorization_header::credential;
pub use self::basic::*;
pub use self::bearer::{Bearer, BearerHandle, BearerToken};
#[cfg(feature = "oauth")]
pub use self::oauth::*;
#[cfg(feature = "hmac")]
pub use self::signature::*;
