//! The JSON response to `initialize`. It passes unchanged, and a copy is read for what the server announces.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum_core::Error;
use axum_core::body::Body;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

use super::capabilities::Announced;
use super::open_streams::{OpenStreams, PathId};
use crate::auth::BoxError;

/// The maximum of the copy, in bytes. Servers send a few hundred bytes, and their instructions.
const MAX_READ: usize = 64 * 1024;

/// A body that passes unchanged. A copy of it is read at its end.
pub(in crate::layer) struct Initialized {
    body: Body,
    copy: Option<Vec<u8>>,
    open_streams: OpenStreams,
    at: PathId,
}

impl Initialized {
    pub(in crate::layer) fn new(body: Body, open_streams: OpenStreams, at: PathId) -> Self {
        Self { body, copy: Some(Vec::new()), open_streams, at }
    }

    fn copy(&mut self, data: &Bytes) {
        match &mut self.copy {
            Some(copy) if copy.len() + data.len() <= MAX_READ => copy.extend_from_slice(data),
            copy => *copy = None,
        }
        if self.body.is_end_stream() {
            self.read();
        }
    }

    fn read(&mut self) {
        let announced = self.copy.take().and_then(|copy| Announced::read(&copy));
        if let Some(announced) = announced {
            self.open_streams.announce(self.at, announced);
        }
    }
}

impl http_body::Body for Initialized {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.copy(data);
                }
            }
            Some(Err(_)) => self.copy = None,
            None => self.read(),
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Error::into_inner)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
