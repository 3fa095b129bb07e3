//! [`Principal`] as an extractor of axum.

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use crate::auth::{Challenge, Principal, Rejection};

impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Rejection;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, Rejection> {
        // Which schemes would do is not known here. The layer answers with the right challenges
        // long before; this is for routes that it does not guard.
        let missing = || Rejection::missing(Challenge::new("Bearer"));
        head.extensions.get::<Self>().cloned().ok_or_else(missing)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Principal {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        head: &mut Parts,
        _: &S,
    ) -> Result<Option<Self>, std::convert::Infallible> {
        Ok(head.extensions.get::<Self>().cloned())
    }
}
