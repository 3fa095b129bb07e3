//! Response bodies that pass through stages, if they are event streams, and that end when the credential expires or is
//! revoked.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum_core::Error;
use axum_core::body::Body;
use bytes::Bytes;
use http_body::Frame;

use super::event_stages::EventStages;
use super::exchange::Exchange;
use crate::auth::{BoxError, CredentialExpired, Ended};
use crate::telemetry::{self, OpenStream};

/// A response body that passes through stages, or that ends with the credential.
pub(super) struct ProtectedBody {
    body: Body,
    exchange: Exchange,
    /// What an event stream passes through.
    stages: Option<EventStages>,
    is_stream: bool,
    ended: Option<Ended>,
    _counted: Option<OpenStream>,
}

impl ProtectedBody {
    pub(super) fn new(
        body: Body,
        exchange: Exchange,
        stages: Option<EventStages>,
        is_stream: bool,
        ended: Option<Ended>,
        counted: Option<OpenStream>,
    ) -> Self {
        Self { body, exchange, stages, is_stream, ended, _counted: counted }
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
        match &mut this.stages {
            Some(stages) => {
                let next = stages.poll(&mut this.body, &this.exchange, cx);
                if let Poll::Ready(None | Some(Err(_))) = next {
                    this.body = Body::empty(); // that of the inner service is dropped
                    this.stages = None;
                }
                next.map_ok(Frame::data)
            }
            None => Pin::new(&mut this.body).poll_frame(cx).map_err(Error::into_inner),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stages.is_none() && self.body.is_end_stream()
    }
}

impl ProtectedBody {
    /// Ends the body, and drops that of the inner service. Everything but an event stream ends with
    /// an error, so that a truncated body is not mistaken for a complete one.
    fn end(&mut self) -> Option<Result<Frame<Bytes>, BoxError>> {
        telemetry::response_ended(self.exchange.principal.name());
        (self.body, self.stages, self.ended) = (Body::empty(), None, None);
        (!self.is_stream).then(|| Err(CredentialExpired.into()))
    }
}
