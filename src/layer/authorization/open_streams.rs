//! The event streams that are open in this process: the responses of HTTP+SSE travel on them, and clients are told on
//! them that lists have changed.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::capabilities::Announced;
use super::endpoint::Endpoint;
use crate::auth::Principal;
use crate::policy::{Authorizer as _, BoxAuthorizer};
use crate::session::EndpointUrl;

/// How many events may wait for a client that does not read.
const MAX_WAITING: usize = 32;

/// How many paths are remembered with what the servers behind them announced.
const MAX_PATHS: usize = 64;

/// The event streams that are open in this process. Clones share them.
#[derive(Clone, Default)]
pub(in crate::layer) struct OpenStreams {
    streams: Arc<Mutex<Streams>>,
    hasher: RandomState,
}

/// A path, as far as it matters here. It takes no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::layer) struct PathId(u64);

#[derive(Default)]
struct Streams {
    last: u64,
    open: HashMap<u64, OpenStream>,
    endpoints: HashMap<(Principal, Endpoint), u64>,
    /// What the servers at these paths announced to sessions that are not bound to one stream.
    announced: HashMap<PathId, Announced>,
}

struct OpenStream {
    path: PathId,
    sender: Sender<Sent>,
    /// What the server announced on the stream itself.
    announced: Option<Announced>,
    /// A change waits to be told, so that another one need not be.
    has_changed: bool,
}

enum Sent {
    Event(Bytes),
    ListsChanged(Bytes),
}

/// The stream is not in this process, or its client does not read.
#[derive(Debug)]
pub(super) struct NotDelivered;

impl OpenStreams {
    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what stands for a path.
    pub(in crate::layer) fn path_id(&self, path: &str) -> PathId {
        PathId(self.hasher.hash_one(path))
    }

    /// Adds a stream that a request to this path opens.
    pub(in crate::layer) fn open(&self, path: &str) -> StreamHandle {
        let (sender, receiver) = channel(MAX_WAITING);
        let stream =
            OpenStream { path: self.path_id(path), sender, announced: None, has_changed: false };
        let mut streams = self.lock();
        streams.last += 1;
        let id = streams.last;
        streams.open.insert(id, stream);
        StreamHandle {
            streams: self.clone(),
            id,
            path: path.into(),
            receiver,
            endpoint: None,
            has_announced: false,
        }
    }

    /// Returns whether the stream of this endpoint is in this process.
    pub(super) fn has(&self, principal: &Principal, endpoint: &Endpoint) -> bool {
        self.lock().endpoints.contains_key(&(principal.clone(), endpoint.clone()))
    }

    /// Sends events on the stream of an endpoint: all or none.
    pub(super) fn send(
        &self,
        principal: &Principal,
        endpoint: &Endpoint,
        events: Vec<Bytes>,
    ) -> Result<(), NotDelivered> {
        let streams = self.lock();
        let id = streams.endpoints.get(&(principal.clone(), endpoint.clone()));
        let stream = id.and_then(|id| streams.open.get(id)).ok_or(NotDelivered)?;
        let places = stream.sender.try_reserve_many(events.len()).map_err(|_| NotDelivered)?;
        for (place, event) in places.zip(events) {
            place.send(Sent::Event(event));
        }
        Ok(())
    }

    /// Remembers what the server at a path announced to a session.
    pub(super) fn announce(&self, path: PathId, announced: Announced) {
        let at_paths = &mut self.lock().announced;
        if at_paths.len() < MAX_PATHS || at_paths.contains_key(&path) {
            at_paths.insert(path, announced);
        }
    }

    /// Tells clients of every change of an authorizer that lists have changed.
    pub(in crate::layer) fn announce_changes_of(&self, authorizer: &BoxAuthorizer) {
        let (streams, hasher) = (Arc::downgrade(&self.streams), self.hasher.clone());
        for changes in authorizer.changes() {
            let (streams, hasher) = (streams.clone(), hasher.clone());
            changes.on_change(move || match streams.upgrade() {
                Some(streams) => {
                    Self { streams, hasher: hasher.clone() }.lists_have_changed();
                    true
                }
                None => false,
            });
        }
    }

    fn lists_have_changed(&self) {
        let Streams { open, announced, .. } = &mut *self.lock();
        for stream in open.values_mut().filter(|stream| !stream.has_changed) {
            let announced = stream.announced.as_ref().or_else(|| announced.get(&stream.path));
            if let Some(announced) = announced.filter(|announced| !announced.is_empty()) {
                let events = announced.list_changed();
                stream.has_changed = stream.sender.try_send(Sent::ListsChanged(events)).is_ok();
            }
        }
    }
}

/// The end of an open stream that its response body holds. The stream is removed when it is dropped.
pub(in crate::layer) struct StreamHandle {
    streams: OpenStreams,
    id: u64,
    path: Box<str>,
    receiver: Receiver<Sent>,
    /// Where clients of HTTP+SSE send the messages of this stream to.
    endpoint: Option<(Principal, Endpoint)>,
    has_announced: bool,
}

impl StreamHandle {
    /// Returns what is to be sent on the stream, once there is something.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        match self.receiver.poll_recv(cx) {
            Poll::Ready(Some(Sent::Event(event))) => Poll::Ready(event),
            Poll::Ready(Some(Sent::ListsChanged(events))) => {
                if let Some(stream) = self.streams.lock().open.get_mut(&self.id) {
                    stream.has_changed = false;
                }
                Poll::Ready(events)
            }
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    /// Takes note of an endpoint in an event of the stream.
    pub(in crate::layer) fn has_endpoint(&mut self, principal: &Principal, url: EndpointUrl<'_>) {
        let Some(endpoint) = Endpoint::in_event(url, &self.path) else { return };
        if self.endpoint.is_none() {
            let key = (principal.clone(), endpoint);
            self.streams.lock().endpoints.insert(key.clone(), self.id);
            self.endpoint = Some(key);
        }
    }

    /// Returns whether the server announced on the stream what it tells.
    pub(super) fn has_announced(&self) -> bool {
        self.has_announced
    }

    /// Takes note of what the server announced on the stream.
    pub(super) fn announce(&mut self, announced: Announced) {
        self.has_announced = true;
        if let Some(stream) = self.streams.lock().open.get_mut(&self.id) {
            stream.announced = Some(announced);
        }
    }
}

impl Drop for StreamHandle {
    fn drop(&mut self) {
        let mut streams = self.streams.lock();
        streams.open.remove(&self.id);
        // A later stream may have the same endpoint.
        if let Some(key) = &self.endpoint
            && streams.endpoints.get(key) == Some(&self.id)
        {
            streams.endpoints.remove(key);
        }
    }
}

impl fmt::Debug for OpenStreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OpenStreams").field(&self.lock().open.len()).finish()
    }
}
