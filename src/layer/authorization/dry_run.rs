//! Dry runs: the log is the only effect of a decision.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use axum_core::Error;
use axum_core::body::Body;
use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http_body::{Body as _, Frame};
use http_body_util::BodyExt as _;

use super::refuse::Stop;
use super::resumed::Resumed;
use crate::auth::{Authenticator, original_uri};
use crate::layer::collect_body::Collected;
use crate::layer::deadline::in_time;
use crate::layer::exchange::Exchange;
use crate::layer::gate::Gate;
use crate::policy::{BoxAuthorizer, read_messages};
use crate::telemetry::audit;

/// The time in which a body must arrive. A later one is forwarded without a decision.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

impl<A: Authenticator> Gate<A> {
    /// Decides about the messages of a request, logs the decisions, and lets the request pass.
    pub(super) async fn try_out(
        &self,
        authorizer: &BoxAuthorizer,
        head: &Parts,
        body: &mut Body,
        exchange: &Exchange,
        collected: Option<Collected>,
    ) -> Result<Option<Collected>, Stop> {
        let collected = match collected {
            Some(collected) => collected,
            None => match self.try_to_collect(body, exchange).await {
                Ok(collected) => collected,
                Err(reason) => {
                    audit::would_reject(exchange.principal.name(), &reason);
                    return Ok(None);
                }
            },
        };
        let uri = original_uri(head).clone();
        match read_messages(head, uri.path(), &collected.bytes) {
            Ok(None) => {}
            Ok(Some(messages)) => {
                self.decide_all(authorizer, exchange, &messages, true).await?;
            }
            Err(error) => audit::would_reject(exchange.principal.name(), &error.to_string()),
        }
        Ok(Some(collected))
    }

    /// Collects a body within the limits, and replaces it by what was collected. If that is not possible, the body has
    /// everything that was read of it, and what follows.
    async fn try_to_collect(
        &self,
        body: &mut Body,
        exchange: &Exchange,
    ) -> Result<Collected, String> {
        let limits = self.state.config.body_limits;
        let length = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
        let Some(length) = length.filter(|length| *length <= limits.body) else {
            return Err(
                "the body was not read: its length is not known, or is above the limit".to_owned()
            );
        };
        let mut share = self.state.body_budget.share(&exchange.principal, limits);
        if let Err(rejection) = share.grow_to(length) {
            return Err(rejection.to_string());
        }
        let mut read = VecDeque::new();
        let failed = match in_time(READ_TIMEOUT, pin!(read_frames(body, &mut read))).await {
            Some(Ok(())) => None,
            Some(Err(error)) => Some(Some(error)),
            None => Some(None),
        };
        if let Some(error) = failed {
            let reason = match &error {
                Some(error) => format!("the body could not be read: {error}"),
                None => "the body did not arrive in time".to_owned(),
            };
            Resumed::replace(body, read, error);
            return Err(reason);
        }
        let bytes = joined(read);
        *body = Body::from(bytes.clone());
        Ok(Collected { bytes, share })
    }
}

/// Reads a body to its end. What was read is there even if the future is dropped.
async fn read_frames(body: &mut Body, read: &mut VecDeque<Frame<Bytes>>) -> Result<(), Error> {
    while let Some(frame) = body.frame().await {
        read.push_back(frame?);
    }
    Ok(())
}

fn joined(frames: VecDeque<Frame<Bytes>>) -> Bytes {
    let mut data = frames.into_iter().filter_map(|frame| frame.into_data().ok());
    let first = data.next().unwrap_or_default();
    let Some(second) = data.next() else { return first };
    let mut joined = BytesMut::from(first);
    joined.extend_from_slice(&second);
    data.for_each(|data| joined.extend_from_slice(&data));
    joined.freeze()
}
