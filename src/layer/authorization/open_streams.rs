//! The event streams that are open in this process. The responses of HTTP+SSE are sent on them, and so is
//! `list_changed`.

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

/// The maximum of events that wait for a client which does not read.
const MAX_WAITING: usize = 32;

/// The maximum of paths for which the announcements of their servers are remembered.
const MAX_PATHS: usize = 64;

/// The event streams that are open in this process. Clones share them.
#[derive(Clone, Default)]
pub(in crate::layer) struct OpenStreams {
    streams: Arc<Mutex<Streams>>,
    hasher: RandomState,
}

/// The hash of a path, which takes no allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::layer) struct PathId(u64);

#[derive(Default)]
struct Streams {
    last: u64,
    open: HashMap<u64, OpenStream>,
    endpoints: HashMap<(Principal, Endpoint), u64>,
    /// The announcements of the servers at these paths, for sessions that are not bound to one stream.
    announced: HashMap<PathId, Announced>,
}

struct OpenStream {
    path: PathId,
    sender: Sender<Sent>,
    /// The announcements on the stream itself.
    announced: Option<Announced>,
    /// Whether `list_changed` waits to be sent, so that a second one is not needed.
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

    /// Returns the hash of a path.
    pub(in crate::layer) fn path_id(&self, path: &str) -> PathId {
        PathId(self.hasher.hash_one(path))
    }

    /// Adds a stream that a request to this path opened.
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

    /// Remembers the announcements of the server at a path.
    pub(super) fn announce(&self, path: PathId, announced: Announced) {
        let at_paths = &mut self.lock().announced;
        if at_paths.len() < MAX_PATHS || at_paths.contains_key(&path) {
            at_paths.insert(path, announced);
        }
    }

    /// Sends `list_changed` to clients after each change of an authorizer.
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

/// The receiving end of an open stream, which its response body holds. The stream is removed when this is dropped.
pub(in crate::layer) struct StreamHandle {
    streams: OpenStreams,
    id: u64,
    path: Box<str>,
    receiver: Receiver<Sent>,
    /// The endpoint to which the client of HTTP+SSE sends its messages.
    endpoint: Option<(Principal, Endpoint)>,
    has_announced: bool,
}

impl StreamHandle {
    /// Returns the next events of the layer for the stream, once there are some.
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

    /// Remembers the first endpoint in the events of the stream.
    pub(in crate::layer) fn has_endpoint(&mut self, principal: &Principal, url: EndpointUrl<'_>) {
        let Some(endpoint) = Endpoint::in_event(url, &self.path) else { return };
        if self.endpoint.is_none() {
            let key = (principal.clone(), endpoint);
            self.streams.lock().endpoints.insert(key.clone(), self.id);
            self.endpoint = Some(key);
        }
    }

    /// Returns whether announcements on the stream were read.
    pub(super) fn has_announced(&self) -> bool {
        self.has_announced
    }

    /// Remembers the announcements on the stream.
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
