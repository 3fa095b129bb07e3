//! Request bodies that the layer itself reads: whole, before anything acts on them, or to the end,
//! because the request is refused.

use std::pin::pin;
use std::time::Duration;

use axum_core::body::Body;
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::Instant;

use super::body_budget::{Budget, Limits, Share};
use super::deadline::in_time;
use crate::auth::{Principal, Rejection, RejectionKind};

/// How long a body may take to arrive …
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// … and how much of it must arrive in how long: a body that stalls holds its share for no longer.
const WINDOW: Duration = Duration::from_secs(5);
const LEAST_PER_WINDOW: usize = 16 * 1024;

/// How much of a refused request's body is read and dropped, and for how long.
const DRAIN_LIMIT: usize = 8 * 1024 * 1024;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// Collects a body of this principal, and what it holds of the budget. Trailers are dropped: no
/// check covers them.
pub(crate) async fn collect(
    body: &mut Body,
    principal: &Principal,
    limits: Limits,
    budget: &Budget,
) -> Result<(Bytes, Share), Rejection> {
    if body.size_hint().lower() > limits.body as u64 {
        return Err(too_large(limits.body)); // it says so beforehand
    }
    let share = budget.share(principal, limits);
    let whole = pin!(read_whole(body, share, limits.body));
    in_time(READ_TIMEOUT, whole).await.unwrap_or_else(|| Err(too_slow()))
}

async fn read_whole(
    body: &mut Body,
    mut share: Share,
    limit: usize,
) -> Result<(Bytes, Share), Rejection> {
    let announced = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
    let mut body = Limited::new(body, limit);
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    let mut pace = Pace::default();
    while let Some(frame) = pace.next(&mut body).await? {
        let Ok(data) = frame.map_err(|error| unreadable(error, limit))?.into_data() else {
            continue;
        };
        if first.is_empty() && joined.is_empty() {
            share.grow_to(data.len())?;
            first = data; // most bodies come in one piece, and are not copied
            continue;
        }
        if joined.is_empty() {
            let length = announced.unwrap_or(0).max(first.len() + data.len());
            share.grow_to(length)?;
            joined.reserve(length);
            joined.extend_from_slice(&first);
            first = Bytes::new();
        }
        // What is held, not what has arrived: a buffer that grows is larger.
        let length = joined.len() + data.len();
        if length > joined.capacity() {
            let doubled = length.max(joined.capacity().saturating_mul(2).min(limit));
            share.grow_to(doubled)?;
            joined.reserve(doubled - joined.len());
        }
        joined.extend_from_slice(&data);
    }
    Ok((if joined.is_empty() { first } else { joined.freeze() }, share))
}

/// Reads and drops the rest of a refused request's body, as far as the limits go.
///
/// Without that, hyper closes the connection with data unread: the client sees a broken connection
/// instead of the answer, and so does its next request. Returns whether the end was reached.
pub(crate) async fn drain(body: &mut Body) -> bool {
    let rest = pin!(async {
        let mut left = DRAIN_LIMIT;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            let length = frame.data_ref().map_or(0, Bytes::len);
            let Some(less) = left.checked_sub(length) else { return false };
            left = less;
        }
        true
    });
    in_time(DRAIN_TIMEOUT, rest).await.unwrap_or(false)
}

/// Sees to it that enough of a body arrives in each window of time.
#[derive(Default)]
struct Pace {
    window: Option<Instant>,
    arrived: usize,
}

impl Pace {
    async fn next<B>(
        &mut self,
        body: &mut B,
    ) -> Result<Option<Result<http_body::Frame<Bytes>, B::Error>>, Rejection>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        loop {
            let started = *self.window.get_or_insert_with(Instant::now);
            let left = WINDOW.saturating_sub(started.elapsed());
            let frame = match left.is_zero() {
                true => None,
                false => in_time(left, pin!(body.frame())).await,
            };
            if let Some(frame) = frame {
                let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
                self.arrived = self.arrived.saturating_add(data.map_or(0, Bytes::len));
                return Ok(frame);
            }
            if self.arrived < LEAST_PER_WINDOW {
                return Err(too_slow());
            }
            *self = Self::default();
        }
    }
}

fn too_slow() -> Rejection {
    Rejection::bad_request("the body did not arrive in time")
}

fn too_large(limit: usize) -> Rejection {
    Rejection::new(RejectionKind::BodyTooLarge, format!("the body is larger than {limit} bytes"))
}

fn unreadable(error: axum_core::BoxError, limit: usize) -> Rejection {
    match error.is::<LengthLimitError>() {
        true => too_large(limit),
        false => Rejection::bad_request("the body could not be read").caused_by(error),
    }
}
