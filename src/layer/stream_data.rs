//! The data of an event stream.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum_core::body::Body;
use bytes::Bytes;
use http_body::Body as _;

use crate::auth::BoxError;

/// Returns the next data of a body. Trailers are dropped, which no client of event streams reads.
pub(super) fn poll_data(
    body: &mut Body,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, BoxError>>> {
    loop {
        match ready!(Pin::new(&mut *body).poll_frame(cx)) {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Poll::Ready(Some(Ok(data)));
                }
            }
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into_inner()))),
            None => return Poll::Ready(None),
        }
    }
}
