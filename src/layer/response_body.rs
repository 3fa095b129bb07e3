//! Response bodies whose IDs are bound, and that end when the credential expires or is revoked.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum_core::Error;
use axum_core::body::Body;
use bytes::Bytes;
use http_body::Frame;

use super::exchange::Exchange;
use crate::auth::{BoxError, CredentialExpired, Ended};
use crate::session::{Rewriter, StreamBinding};
use crate::telemetry::{self, OpenStream};

/// A response body whose IDs are bound, or that ends with the credential.
pub(super) struct ProtectedBody {
    body: Body,
    exchange: Exchange,
    /// Binds the IDs of an event stream.
    rewriter: Option<Rewriter>,
    /// Whether a warning about an endpoint that cannot be bound was logged.
    has_warned: Cell<bool>,
    is_stream: bool,
    ended: Option<Ended>,
    _counted: Option<OpenStream>,
}

impl ProtectedBody {
    pub(super) fn new(
        body: Body,
        exchange: Exchange,
        rewriter: Option<Rewriter>,
        is_stream: bool,
        ended: Option<Ended>,
        counted: Option<OpenStream>,
    ) -> Self {
        let has_warned = Cell::new(false);
        Self { body, exchange, rewriter, has_warned, is_stream, ended, _counted: counted }
    }
}

impl http_body::Body for ProtectedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if let Some(ended) = &mut this.ended
            && ended.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(this.end());
        }
        let Some(rewriter) = &mut this.rewriter else {
            return Pin::new(&mut this.body).poll_frame(cx).map_err(Error::into_inner);
        };
        let Exchange { principal, state, is_get, .. } = &this.exchange;
        let binding = StreamBinding {
            session_ids: &state.config.session_ids,
            principal,
            is_get: *is_get,
            has_warned: &this.has_warned,
        };
        loop {
            let bytes = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => rewriter.push(data, &binding),
                    Err(_) => continue, // trailers, which no client of event streams reads
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into_inner()))),
                None => {
                    let rest = rewriter.finish(&binding);
                    (this.body, this.rewriter) = (Body::empty(), None);
                    let rest = Some(rest).filter(|rest| !rest.is_empty());
                    return Poll::Ready(rest.map(|rest| Ok(Frame::data(rest))));
                }
            };
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rewriter.is_none() && self.body.is_end_stream()
    }
}

impl ProtectedBody {
    /// Ends the body, and drops that of the inner service. Everything but an event stream ends with
    /// an error, so that a truncated body is not mistaken for a complete one.
    fn end(&mut self) -> Option<Result<Frame<Bytes>, BoxError>> {
        telemetry::response_ended(self.exchange.principal.name());
        (self.body, self.rewriter, self.ended) = (Body::empty(), None, None);
        (!self.is_stream).then(|| Err(CredentialExpired.into()))
    }
}
