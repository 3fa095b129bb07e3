//! The request's body on its way in, which ends with the credential as the response does.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum_core::Error;
use axum_core::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::auth::{CredentialExpired, Ending, Principal};

/// Ends the body when the credential of this principal does. A body that is complete already, and
/// that of a principal whose credential does not end, stays as it is.
pub(crate) fn bound(body: Body, principal: &Principal) -> Body {
    let lifetime = principal.lifetime();
    match lifetime.is_bounded() && !http_body::Body::is_end_stream(&body) {
        true => Body::new(Bound { body, ending: Some(lifetime.ending()) }),
        false => body,
    }
}

struct Bound {
    body: Body,
    /// `None` once the credential has ended.
    ending: Option<Ending>,
}

impl http_body::Body for Bound {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let Some(ending) = &mut this.ending else { return Poll::Ready(None) };
        if ending.as_mut().poll(cx).is_ready() {
            (this.body, this.ending) = (Body::empty(), None);
            return Poll::Ready(Some(Err(Error::new(CredentialExpired))));
        }
        Pin::new(&mut this.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.ending.is_none() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use allocation_counter::measure;
    use tokio_util::sync::CancellationToken;

    use super::*;

    #[test]
    fn only_what_may_have_to_end_is_wrapped() {
        let forever = Principal::new("alice");
        let revocable = forever.clone().revoked_by(CancellationToken::new());
        for (principal, body, is_wrapped) in [
            (&forever, Body::from("body"), false),
            (&revocable, Body::empty(), false),
            (&revocable, Body::from("body"), true),
        ] {
            let mut body = Some(body);
            let counted = measure(|| body = body.take().map(|body| bound(body, principal)));
            assert_eq!(counted.count_total > 0, is_wrapped, "{principal:?}");
        }
    }
}
