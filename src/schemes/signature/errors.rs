//! The rejections that several steps of the verification share.

use std::fmt;

use super::wire::base::BaseError;
use crate::auth::Rejection;

pub(super) fn malformed<E: fmt::Display>(field: &'static str) -> impl Fn(E) -> Rejection {
    move |error| {
        let message = format!("the {field} field does not have its form");
        Rejection::bad_request(message).caused_by(error)
    }
}

pub(super) fn unsignable(error: BaseError) -> Rejection {
    Rejection::bad_request(format!("the signature cannot be checked: {error}"))
}

pub(super) fn unavailable(error: axum_core::BoxError) -> Rejection {
    Rejection::unavailable().caused_by(error)
}
