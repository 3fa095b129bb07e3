//! Authenticators that need no credentials.

use http::request::Parts;

use crate::auth::{AuthScheme, Authenticated, Authenticator, Challenge, Principal, Rejection};

const TEST: AuthScheme = AuthScheme::from_static("Test");

/// Authenticates every request as one principal, see [`always()`].
#[derive(Clone, Debug)]
pub struct Always(Principal);

/// Authenticates every request as this principal. For tests only.
pub fn always(principal: impl Into<Principal>) -> Always {
    Always(principal.into())
}

impl Authenticator for Always {
    async fn authenticate(&self, _: &Parts) -> Result<Authenticated, Rejection> {
        Ok(Authenticated::new(self.0.clone()).scheme(TEST))
    }

    fn authenticate_now(&self, _: &Parts) -> Option<Result<Authenticated, Rejection>> {
        Some(Ok(Authenticated::new(self.0.clone()).scheme(TEST)))
    }
}

/// Rejects every request, see [`never()`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Never;

/// Rejects every request with 401, as if it had no credential. For tests only.
pub fn never() -> Never {
    Never
}

impl Authenticator for Never {
    async fn authenticate(&self, _: &Parts) -> Result<Authenticated, Rejection> {
        Err(Rejection::missing(Challenge::new(TEST)))
    }

    fn authenticate_now(&self, _: &Parts) -> Option<Result<Authenticated, Rejection>> {
        Some(Err(Rejection::missing(Challenge::new(TEST))))
    }

    fn challenges(&self) -> Vec<Challenge> {
        vec![Challenge::new(TEST)]
    }
}
