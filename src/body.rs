//! Request bodies that the layer itself reads: whole, before anything acts on them, or to the end,
//! because the request is refused.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum_core::body::Body;
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::Instant;

use crate::deadline::in_time;
use crate::{Principal, Reason, Rejection};

/// As much as rmcp accepts.
pub(crate) const DEFAULT_LIMIT: usize = 4 * 1024 * 1024;
pub(crate) const DEFAULT_TOTAL_LIMIT: usize = 64 * 1024 * 1024;
/// Of the total, one principal may have one in so many parts.
const SHARE: usize = 8;

/// How long a body may take to arrive …
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// … and how much of it must arrive in how long: a body that stalls holds its share for no longer.
const WINDOW: Duration = Duration::from_secs(5);
const LEAST_PER_WINDOW: usize = 16 * 1024;

/// How much of a refused request's body is read and dropped, and for how long.
const DRAIN_LIMIT: usize = 8 * 1024 * 1024;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// How many bytes of bodies are held, in all and by each principal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Budget(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    total: usize,
    /// Those who hold something.
    by: HashMap<Principal, usize>,
}

/// What one request holds of the budget, given back when it is dropped.
pub(crate) struct Share {
    budget: Budget,
    principal: Principal,
    bytes: usize,
    total_limit: usize,
    principal_limit: usize,
}

/// How many bytes a body may have, and all bodies together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) body: usize,
    pub(crate) total: usize,
}

impl Budget {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn share(&self, principal: &Principal, limits: Limits) -> Share {
        Share {
            budget: self.clone(),
            principal: principal.clone(),
            bytes: 0,
            total_limit: limits.total,
            principal_limit: (limits.total / SHARE).max(limits.body),
        }
    }
}

impl Share {
    fn grow_to(&mut self, bytes: usize) -> Result<(), Rejection> {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return Ok(());
        }
        let full = |cause| Err(Rejection::unavailable().caused_by(cause));
        let mut held = self.budget.lock();
        if held.total.saturating_add(more) > self.total_limit {
            return full("too many request bodies are being held");
        }
        let own = held.by.get(&self.principal).map_or(0, |own| own.saturating_add(more));
        if own.max(more) > self.principal_limit {
            return full("too many request bodies of one principal are being held");
        }
        held.total += more;
        *held.by.entry(self.principal.clone()).or_default() += more;
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut held = self.budget.lock();
        held.total -= self.bytes;
        if let Some(own) = held.by.get_mut(&self.principal) {
            *own -= self.bytes;
            if *own == 0 {
                held.by.remove(&self.principal);
            }
        }
    }
}

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
    Rejection::new(Reason::BodyTooLarge, format!("the body is larger than {limit} bytes"))
}

fn unreadable(error: axum_core::BoxError, limit: usize) -> Rejection {
    match error.is::<LengthLimitError>() {
        true => too_large(limit),
        false => Rejection::bad_request("the body could not be read").caused_by(error),
    }
}
