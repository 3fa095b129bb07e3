//! The rejections that several steps of the verification share.

use std::time::Duration;

use http::HeaderValue;
use http::header::RETRY_AFTER;

use super::wire::base::BaseError;
use crate::auth::{BoxError, Rejection};

pub(super) fn malformed<E: Into<BoxError>>(field: &'static str) -> impl Fn(E) -> Rejection {
    move |error| {
        let message = format!("the {field} field does not have its form");
        Rejection::bad_request(message).caused_by(error)
    }
}

pub(super) fn unsignable(error: BaseError) -> Rejection {
    Rejection::bad_request(format!("the signature cannot be checked: {error}"))
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
