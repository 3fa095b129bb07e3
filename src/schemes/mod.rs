//! The schemes, each an [`Authenticator`](crate::auth::Authenticator) in a folder of its own.
//!
//! A scheme uses every room below, and no other scheme.

mod authorization_header;
mod basic;
mod bearer;
#[cfg(feature = "hmac")]
mod signature;

pub use self::basic::Basic;
#[cfg(feature = "htpasswd")]
pub use self::basic::{HtpasswdFile, HtpasswdFileHandle};
pub use self::bearer::{Bearer, BearerHandle, BearerToken};
#[cfg(feature = "rmcp-client")]
pub use self::signature::SigningClient;
#[cfg(feature = "hmac")]
pub use self::signature::{
    Authority, AuthorityError, HttpSignature, HttpSignatureHandle, KeyError, PathPrefix,
    PathPrefixError, SignError, SignLayer, SignLayerError, SignService, Signer,
};
