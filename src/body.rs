//! A request body that must be seen whole before anything acts on it.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum_core::body::Body;
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::service::in_time;
use crate::{Reason, Rejection};

/// As much as rmcp accepts.
pub(crate) const DEFAULT_LIMIT: usize = 4 * 1024 * 1024;
pub(crate) const DEFAULT_TOTAL_LIMIT: usize = 64 * 1024 * 1024;

/// How long a body may take to arrive.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How many bytes are being collected now, by all requests together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collecting(Arc<AtomicUsize>);

/// The bytes of one request among them, given back when it is dropped.
struct Share<'c> {
    of: &'c Collecting,
    bytes: usize,
}

impl Share<'_> {
    fn grow(&mut self, bytes: usize, total_limit: usize) -> Result<(), Rejection> {
        self.bytes += bytes;
        match self.of.0.fetch_add(bytes, Relaxed).saturating_add(bytes) > total_limit {
            true => Err(Rejection::unavailable().caused_by("too many bodies are being collected")),
            false => Ok(()),
        }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.of.0.fetch_sub(self.bytes, Relaxed);
    }
}

/// Collects the body. Trailers are dropped: no check covers them.
pub(crate) async fn collect(
    body: Body,
    limit: usize,
    collecting: &Collecting,
    total_limit: usize,
) -> Result<Bytes, Rejection> {
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit)); // it says so beforehand
    }
    let whole = pin!(async {
        let mut share = Share { of: collecting, bytes: 0 };
        let mut body = pin!(Limited::new(body, limit));
        let mut first = Bytes::new();
        let mut joined = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|error| unreadable(error, limit))?.into_data() else {
                continue;
            };
            share.grow(data.len(), total_limit)?;
            match (first.is_empty(), joined.is_empty()) {
                (true, true) => first = data, // most bodies come in one piece, and are not copied
                (false, true) => {
                    joined.extend_from_slice(&first);
                    joined.extend_from_slice(&data);
                }
                _ => joined.extend_from_slice(&data),
            }
        }
        Ok(if joined.is_empty() { first } else { joined.freeze() })
    });
    in_time(READ_TIMEOUT, whole)
        .await
        .unwrap_or_else(|| Err(Rejection::bad_request("the body did not arrive in time")))
}

fn too_large(limit: usize) -> Rejection {
    Rejection::new(Reason::BodyTooLarge, format!("the body is larger than {limit} bytes"))
}

fn unreadable(error: axum_core::BoxError, limit: usize) -> Rejection {
    match error.is::<LengthLimitError>() {
        true => too_large(limit),
        false => Rejection::bad_request("the body could not be read").caused_by(error),
    }
}
