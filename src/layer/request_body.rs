//! Request bodies that end when the credential expires or is revoked.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum_core::Error;
use axum_core::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::auth::{BoxError, CredentialExpired, Ended, Lifetime};

/// Ends the body when the lifetime ends. A body that is complete already stays as it is, and so does
/// one whose credential neither expires nor can be revoked.
pub(crate) fn bound(body: Body, lifetime: &Lifetime) -> Body {
    if lifetime.is_bounded() && !http_body::Body::is_end_stream(&body) {
        Body::new(Bound { body, ended: Some(lifetime.ended_owned()) })
    } else {
        body
    }
}

struct Bound {
    body: Body,
    /// `None` once the lifetime has ended.
    ended: Option<Ended>,
}

impl http_body::Body for Bound {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let Some(ended) = &mut this.ended else { return Poll::Ready(None) };
        if ended.as_mut().poll(cx).is_ready() {
            (this.body, this.ended) = (Body::empty(), None);
            return Poll::Ready(Some(Err(Box::new(CredentialExpired))));
        }
        // Unwrapped, as `Body` wraps it again: axum looks one level deep for the error of a limit.
        Pin::new(&mut this.body).poll_frame(cx).map_err(Error::into_inner)
    }

    fn is_end_stream(&self) -> bool {
        self.ended.is_none() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use allocation_counter::measure;

    use super::*;
    use crate::auth::Revocation;

    #[test]
    fn only_bodies_that_may_have_to_end_are_wrapped() {
        let unbounded = Lifetime::default();
        let mut revocable = Lifetime::default();
        revocable.add_revocation(Revocation::new());
        for (lifetime, body, is_wrapped) in [
            (&unbounded, Body::from("body"), false),
            (&revocable, Body::empty(), false),
            (&revocable, Body::from("body"), true),
        ] {
            let mut body = Some(body);
            let counted = measure(|| body = body.take().map(|body| bound(body, lifetime)));
            assert_eq!(counted.count_total > 0, is_wrapped, "{lifetime:?}");
        }
    }
}
