//! What an event stream of the inner service passes through: the filter of lists, and then the rewriter of IDs.

use std::cell::{Cell, RefCell};
use std::task::{Context, Poll, ready};

use axum_core::body::Body;
use bytes::Bytes;

use super::authorization::{ListStream, Sent};
use super::exchange::Exchange;
use super::stream_data::poll_data;
use crate::auth::BoxError;
use crate::policy::ListError;
use crate::session::{EndpointUrl, Rewriter, StreamBinding};

/// The stages of one event stream.
pub(super) struct EventStages {
    lists: Option<ListStream>,
    rewriter: Rewriter,
    /// Whether a warning about an endpoint that cannot be bound was logged.
    has_warned: Cell<bool>,
    has_ended: bool,
}

impl EventStages {
    pub(super) fn new(lists: Option<ListStream>) -> Self {
        Self { lists, rewriter: Rewriter::new(), has_warned: Cell::new(false), has_ended: false }
    }

    /// Returns the next bytes of the stream, which are not empty.
    pub(super) fn poll(
        &mut self,
        body: &mut Body,
        exchange: &Exchange,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BoxError>>> {
        while !self.has_ended {
            let next = match &mut self.lists {
                Some(lists) => ready!(lists.poll(body, exchange, cx)),
                None => ready!(poll_data(body, cx)).map(|data| data.map(Sent::Server)),
            };
            let bytes = match next {
                // Nothing in it is bound, and it is no message of the server, after which no endpoint is bound.
                Some(Ok(Sent::Layer(events))) => return Poll::Ready(Some(Ok(events))),
                Some(Ok(Sent::Server(bytes))) => {
                    self.rewrite(exchange, |rewriter, ids| rewriter.push(bytes, ids))
                }
                Some(Err(error)) => {
                    self.has_ended = true;
                    if error.is::<ListError>() {
                        exchange.log_withheld(&format!("an event stream ends: {error}"));
                    }
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    self.has_ended = true;
                    self.rewrite(exchange, |rewriter, ids| rewriter.finish(ids))
                }
            };
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(bytes)));
            }
        }
        Poll::Ready(None)
    }

    fn rewrite(
        &mut self,
        exchange: &Exchange,
        rewrite: impl FnOnce(&mut Rewriter, &StreamBinding<'_>) -> Bytes,
    ) -> Bytes {
        let Exchange { principal, state, is_get, .. } = exchange;
        let handle = RefCell::new(self.lists.as_mut().and_then(ListStream::handle));
        let on_endpoint = |url: EndpointUrl<'_>| {
            if let Some(handle) = &mut *handle.borrow_mut() {
                handle.has_endpoint(principal, url);
            }
        };
        let binding = StreamBinding {
            session_ids: &state.config.session_ids,
            principal,
            is_get: *is_get,
            has_warned: &self.has_warned,
            on_endpoint: &on_endpoint,
        };
        rewrite(&mut self.rewriter, &binding)
    }
}
