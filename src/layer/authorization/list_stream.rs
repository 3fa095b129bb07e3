//! An event stream whose lists are filtered, and on which the layer sends events of its own.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum_core::body::Body;
use bytes::Bytes;

use super::capabilities::Announced;
use super::lists::{Shown, filter, filter_now};
use super::open_streams::{PathId, StreamHandle};
use crate::auth::BoxError;
use crate::layer::exchange::Exchange;
use crate::layer::stream_data::poll_data;
use crate::policy::{EventFilter, ListError, Part, WholeEvent};

/// The first stage of an event stream. It filters lists as they come, and sends events of the layer between others.
pub(in crate::layer) struct ListStream {
    filter: EventFilter,
    /// The parts that were read and not sent yet.
    parts: VecDeque<Part>,
    deciding: Option<Deciding>,
    /// Why the stream ends after these parts.
    failed: Option<ListError>,
    place: Place,
    has_ended: bool,
}

/// What kind of stream it is.
enum Place {
    /// One that a client keeps open.
    KeptOpen(StreamHandle),
    /// The response to a request that may begin a session, until the announcements of the server were read.
    Response(PathId),
    Other,
}

/// What is sent next.
pub(in crate::layer) enum Sent {
    /// Bytes of the server's stream.
    Server(Bytes),
    /// Whole events of the layer, between two of the server's.
    Layer(Bytes),
}

type Deciding = Pin<Box<dyn Future<Output = Result<Bytes, ListError>> + Send>>;

impl ListStream {
    /// Creates the filter of a stream that a client keeps open.
    pub(in crate::layer) fn kept_open(list_limit: usize, handle: StreamHandle) -> Self {
        Self::new(list_limit, Place::KeptOpen(handle))
    }

    /// Creates the filter of a stream that is a response. `begins` is the path of a request that may begin a session.
    pub(in crate::layer) fn response(list_limit: usize, begins: Option<PathId>) -> Self {
        Self::new(list_limit, begins.map_or(Place::Other, Place::Response))
    }

    fn new(list_limit: usize, place: Place) -> Self {
        Self {
            filter: EventFilter::new(list_limit),
            parts: VecDeque::new(),
            deciding: None,
            failed: None,
            place,
            has_ended: false,
        }
    }

    /// Returns the stream's place among the open ones, if it is one of them.
    pub(in crate::layer) fn handle(&mut self) -> Option<&mut StreamHandle> {
        match &mut self.place {
            Place::KeptOpen(handle) => Some(handle),
            Place::Response(_) | Place::Other => None,
        }
    }

    /// Returns the next bytes of the stream. After an error nothing more may be sent.
    pub(in crate::layer) fn poll(
        &mut self,
        body: &mut Body,
        exchange: &Exchange,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Sent, BoxError>>> {
        let from_server = |decided: Result<Bytes, ListError>| {
            Poll::Ready(Some(decided.map(Sent::Server).map_err(Into::into)))
        };
        loop {
            if let Some(deciding) = &mut self.deciding {
                let decided = ready!(deciding.as_mut().poll(cx));
                self.deciding = None;
                return from_server(decided);
            }
            match self.parts.pop_front() {
                Some(Part::Passing(bytes)) => return from_server(Ok(bytes)),
                Some(Part::Event(event)) => match self.decide(event, exchange) {
                    Some(decided) => return from_server(decided),
                    None => continue,
                },
                None => {}
            }
            if let Some(error) = self.failed.take() {
                return Poll::Ready(Some(Err(error.into())));
            }
            if self.has_ended {
                return Poll::Ready(None);
            }
            if self.filter.is_between_events()
                && let Place::KeptOpen(handle) = &mut self.place
                && let Poll::Ready(event) = handle.poll(cx)
            {
                return Poll::Ready(Some(Ok(Sent::Layer(event))));
            }
            match ready!(poll_data(body, cx)) {
                Some(Ok(data)) => {
                    let Exchange { principal, state, .. } = exchange;
                    let reads_all = matches!(self.place, Place::Response(_));
                    let is_off = || !reads_all && !state.config.authorization.filters(principal);
                    self.failed = self.filter.push(data, &is_off, &mut self.parts).err();
                    if self.failed.is_some() && !state.config.authorization.filters(principal) {
                        // The stream was read for the announcements of the server, and for nothing else.
                        (self.failed, self.place) = (None, Place::Other);
                        self.parts.push_back(self.filter.give_up());
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    self.has_ended = true;
                    self.parts.extend(self.filter.finish());
                }
            }
        }
    }

    /// Returns the bytes that are sent for an event, or starts to wait for the decision.
    fn decide(
        &mut self,
        event: WholeEvent,
        exchange: &Exchange,
    ) -> Option<Result<Bytes, ListError>> {
        let Exchange { principal, state, .. } = exchange;
        let authorization = &state.config.authorization;
        let data = event.data();
        self.read_announced(&data, exchange);
        let authorizer =
            authorization.authorizer.as_ref().filter(|_| authorization.filters(principal));
        let Some(authorizer) = authorizer else { return Some(Ok(event.unchanged())) };
        if let Some(shown) = filter_now(authorizer, principal, &data) {
            return Some(shown.map(|shown| send(event, shown)));
        }
        let shown = filter(state.clone(), principal.clone(), data);
        self.deciding = Some(Box::pin(async move { shown.await.map(|shown| send(event, shown)) }));
        None
    }

    /// Reads the announcements of the server, once.
    fn read_announced(&mut self, data: &[u8], exchange: &Exchange) {
        match &mut self.place {
            Place::KeptOpen(handle) if !handle.has_announced() => {
                if let Some(announced) = Announced::read(data) {
                    handle.announce(announced);
                }
            }
            Place::Response(at) => {
                if let Some(announced) = Announced::read(data) {
                    exchange.state.open_streams.announce(*at, announced);
                    self.place = Place::Other;
                }
            }
            Place::KeptOpen(_) | Place::Other => {}
        }
    }
}

fn send(event: WholeEvent, shown: Shown) -> Bytes {
    match shown {
        Shown::Nothing => Bytes::new(),
        Shown::Unchanged => event.unchanged(),
        Shown::Changed(data) => event.with_data(data),
    }
}
