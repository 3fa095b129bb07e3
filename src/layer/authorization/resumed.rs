//! Bodies of which a part was read already.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum_core::Error;
use axum_core::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::auth::BoxError;

/// A body of which a part was read already.
pub(super) struct Resumed {
    read: VecDeque<Frame<Bytes>>,
    /// The error after that part.
    error: Option<Error>,
    rest: Body,
}

impl Resumed {
    /// Puts what was read of a body before the rest of it.
    pub(super) fn replace(body: &mut Body, read: VecDeque<Frame<Bytes>>, error: Option<Error>) {
        let rest = std::mem::take(body);
        *body = Body::new(Self { read, error, rest });
    }
}

impl http_body::Body for Resumed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(frame) = self.read.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        if let Some(error) = self.error.take() {
            return Poll::Ready(Some(Err(error.into_inner())));
        }
        Pin::new(&mut self.rest).poll_frame(cx).map_err(Error::into_inner)
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.error.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let read: usize = self.read.iter().filter_map(Frame::data_ref).map(Bytes::len).sum();
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(read as u64));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(read as u64));
        }
        hint
    }
}
