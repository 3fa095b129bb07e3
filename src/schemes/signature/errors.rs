//! Errors of keys, and the rejections that several steps of the verification share.

use std::time::Duration;

use http::HeaderValue;
use http::header::RETRY_AFTER;

use super::wire::base::BaseError;
use crate::auth::{BoxError, Rejection};

/// A key cannot be used. The error names the key by its position, counted from 1, and never quotes
/// the secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There are no keys, so no request could ever be authenticated.
    #[error("no keys were given: add at least one")]
    NoKeys,
    /// A key ID is empty, too long, or has other characters than visible ASCII and spaces.
    #[error("key {position}: the key ID must be 1 to 256 characters of printable ASCII")]
    KeyId {
        /// Which key, counted from 1.
        position: usize,
    },
    /// A secret is too short.
    #[error("key {position}: the secret has {length} bytes, and must have 32 or more")]
    ShortSecret {
        /// Which key, counted from 1.
        position: usize,
        /// The length of the secret, in bytes.
        length: usize,
    },
    /// A key ID has more than two secrets, or the same one twice.
    #[error("key {position}: a key ID may have two secrets for rotation, and they must differ")]
    Rotation {
        /// Which key, counted from 1.
        position: usize,
    },
}

pub(super) fn malformed<E: Into<BoxError>>(field: &'static str) -> impl Fn(E) -> Rejection {
    move |error| Rejection::bad_request(format!("malformed `{field}` header")).caused_by(error)
}

pub(super) fn no_signature_base(error: BaseError) -> Rejection {
    Rejection::bad_request(format!("the signature cannot be verified: {error}"))
}

pub(super) fn unavailable(error: BoxError) -> Rejection {
    Rejection::unavailable().caused_by(error)
}

/// The replay store lost data: 503 until it can rule out that a signature was used before.
pub(super) fn unknown(retry_after: Duration) -> Rejection {
    let rounds_up = u64::from(retry_after.subsec_nanos() > 0);
    let seconds = retry_after.as_secs().saturating_add(rounds_up).max(1);
    Rejection::unavailable()
        .caused_by("the replay store lost data and may have seen this nonce")
        .with_header(RETRY_AFTER, HeaderValue::from(seconds))
}
