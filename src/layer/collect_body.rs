//! Request bodies that the layer reads itself: as a whole, to verify them, or to their end, because
//! the request is rejected.

use std::pin::pin;
use std::time::Duration;

use axum_core::body::Body;
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::Instant;

use super::body_budget::{Budget, Limits, Share};
use super::deadline::in_time;
use crate::auth::{BoxError, Principal, Rejection, RejectionKind};

/// The time in which a body must arrive.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// In each window this much of a body must arrive. A body that stalls holds its share for no longer.
const WINDOW: Duration = Duration::from_secs(5);
const MIN_PER_WINDOW: usize = 16 * 1024;

/// How much of a rejected request's body is read and dropped, and for how long.
const DRAIN_LIMIT: usize = 8 * 1024 * 1024;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// A whole body, with its share of the budget.
pub(crate) struct Collected {
    pub(crate) bytes: Bytes,
    pub(crate) share: Share,
}

/// Collects the body of a request of this principal. Trailers are dropped: no verification covers them.
pub(crate) async fn collect(
    body: &mut Body,
    principal: &Principal,
    limits: Limits,
    budget: &Budget,
) -> Result<Collected, Rejection> {
    collect_at_pace(body, principal, limits, budget, MIN_PER_WINDOW).await
}

/// Collects the body of a response to this principal. The inner service may take its time within the whole limit.
pub(crate) async fn collect_response(
    body: &mut Body,
    principal: &Principal,
    limits: Limits,
    budget: &Budget,
) -> Result<Collected, Rejection> {
    collect_at_pace(body, principal, limits, budget, 0).await
}

async fn collect_at_pace(
    body: &mut Body,
    principal: &Principal,
    limits: Limits,
    budget: &Budget,
    min_per_window: usize,
) -> Result<Collected, Rejection> {
    if body.size_hint().lower() > limits.body as u64 {
        return Err(too_large(limits.body)); // as its length is announced
    }
    let share = budget.share(principal, limits);
    let pace = Pace { window: None, arrived: 0, min_per_window };
    let whole = pin!(read_whole(body, share, limits.body, pace));
    in_time(READ_TIMEOUT, whole).await.unwrap_or_else(|| Err(too_slow()))
}

async fn read_whole(
    body: &mut Body,
    mut share: Share,
    limit: usize,
    mut pace: Pace,
) -> Result<Collected, Rejection> {
    let announced = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
    let mut body = Limited::new(body, limit);
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = pace.next(&mut body).await? {
        let Ok(data) = frame.map_err(|error| unreadable(error, limit))?.into_data() else {
            continue;
        };
        if first.is_empty() && joined.is_empty() {
            share.grow_to(data.len())?;
            first = data; // most bodies arrive in one piece, and are not copied
            continue;
        }
        if joined.is_empty() {
            let length = announced.unwrap_or(0).max(first.len() + data.len());
            share.grow_to(length)?;
            joined.reserve(length);
            joined.extend_from_slice(&first);
            first = Bytes::new();
        }
        // The capacity counts, not what has arrived: a buffer that grows is larger.
        let length = joined.len() + data.len();
        if length > joined.capacity() {
            let doubled = length.max(joined.capacity().saturating_mul(2).min(limit));
            share.grow_to(doubled)?;
            joined.reserve(doubled - joined.len());
        }
        joined.extend_from_slice(&data);
    }
    let bytes = if joined.is_empty() { first } else { joined.freeze() };
    Ok(Collected { bytes, share })
}

/// Reads and drops the rest of a rejected request's body, within limits. Returns whether it reached
/// the end.
///
/// Otherwise hyper closes the connection with unread data: the client sees a broken connection
/// instead of the response, and so does its next request.
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

/// Ensures that enough of a body arrives in each window of time.
struct Pace {
    window: Option<Instant>,
    arrived: usize,
    min_per_window: usize,
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
            let frame = if left.is_zero() { None } else { in_time(left, pin!(body.frame())).await };
            if let Some(frame) = frame {
                let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
                self.arrived = self.arrived.saturating_add(data.map_or(0, Bytes::len));
                return Ok(frame);
            }
            if self.arrived < self.min_per_window {
                return Err(too_slow());
            }
            (self.window, self.arrived) = (None, 0);
        }
    }
}

fn too_slow() -> Rejection {
    Rejection::bad_request("the body did not arrive in time")
}

fn too_large(limit: usize) -> Rejection {
    Rejection::new(RejectionKind::BodyTooLarge, format!("the body is larger than {limit} bytes"))
}

fn unreadable(error: BoxError, limit: usize) -> Rejection {
    if error.is::<LengthLimitError>() {
        too_large(limit)
    } else {
        Rejection::bad_request("the body could not be read").caused_by(error)
    }
}
