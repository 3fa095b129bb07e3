//! A request with a signal, within the limits of the layer.

use std::pin::pin;
use std::time::SystemTime;

use axum_core::body::Body;
use http::header::ALLOW;
use http::request::Parts;
use http::{HeaderValue, Method, Response};
use tracing::Level;

use crate::auth::{Attempt, Authenticator, Principal, Rejection, RejectionKind};
use crate::checks::check_duplicate_credentials;
use crate::layer::body_budget::Limits;
use crate::layer::collect_body::{Collected, collect};
use crate::layer::gate::{ATTEMPT_STORE, Gate};
use crate::rate_limit::{Decision, Outcome, Permit};
use crate::signals::{Answer, MAX_BODY, Receiver, Refusal};
use crate::telemetry::{self, LayerCounters, Rejected};

/// What errors call the verification and the application of a signal.
const SIGNAL: &str = "the receiver of signals";

/// Why a signal is not accepted.
enum Stop {
    /// The sender has to change something.
    Refused(Refusal),
    /// The layer rejects the request.
    Rejected(Rejection),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl<A: Authenticator> Gate<A> {
    /// Responds to a request for a path at which signals are received.
    pub(in crate::layer) async fn receive(
        &self,
        receiver: &Receiver,
        head: &Parts,
        body: &mut Body,
    ) -> Response<Body> {
        match self.receive_within_limits(receiver, head, body).await {
            Ok(()) => {
                telemetry::exempt(receiver.as_str(), head);
                receiver.accepted()
            }
            Err(Stop::Refused(refusal)) => {
                report(&self.state.counters, receiver, &refusal, head);
                receiver.refused(&refusal)
            }
            Err(Stop::Rejected(rejection)) => self.reject(head, rejection),
        }
    }

    async fn receive_within_limits(
        &self,
        receiver: &Receiver,
        head: &Parts,
        body: &mut Body,
    ) -> Result<(), Stop> {
        let config = &self.state.config;
        config.origins.check(&config.hosts, head)?;
        check_duplicate_credentials(head, &self.state.credential_headers)?;
        if head.method != Method::POST {
            return Err(only_post().into());
        }
        let permit = self.permit(head).await?;
        let received = self.receive_permitted(receiver, head, body).await;
        if let Some(permit) = permit {
            self.settle(permit, outcome(&received)).await?;
        }
        received
    }

    /// Checks the limit of failed attempts. A signature cannot be guessed: one attempt is as good as many at a time.
    async fn permit(&self, head: &Parts) -> Result<Option<Permit>, Rejection> {
        let Some(limiter) = &self.state.rate_limiter else { return Ok(None) };
        let (attempt, headers) = (Attempt::new().unguessable(), &self.state.credential_headers);
        let decision = pin!(limiter.decide_later(head, &attempt, headers, || None));
        let Decision { permit, .. } = self.guarded(ATTEMPT_STORE, decision).await?;
        Ok(permit)
    }

    async fn receive_permitted(
        &self,
        receiver: &Receiver,
        head: &Parts,
        body: &mut Body,
    ) -> Result<(), Stop> {
        let Some(revocations) = &self.state.config.revocations else {
            let cause =
                "signals are received, and nothing is revoked: call McpAuthLayer::revocations";
            return Err(unavailable().caused_by(cause).into());
        };
        receiver.check_head(head)?;
        let limits = Limits { body: MAX_BODY, ..self.state.config.body_limits };
        // One share of the budget for whatever strangers send here.
        let strangers = Principal::new(receiver.as_str());
        let Collected { bytes, share } =
            collect(body, &strangers, limits, &self.state.body_budget).await?;
        let answer =
            pin!(async { Ok(receiver.receive(&bytes, revocations, SystemTime::now()).await) });
        let answer = self.guarded(SIGNAL, answer).await?;
        drop(share);
        match answer {
            Answer::Accepted => Ok(()),
            Answer::Refused(refusal) => Err(refusal.into()),
            Answer::Unavailable { retry_after, cause } => {
                Err(unavailable().with_retry_after(retry_after).caused_by(cause).into())
            }
        }
    }
}

/// A refused signal is a failed attempt, unless its sender is authentic. So is a body that is too large or that does not
/// arrive: strangers share the room for bodies, and one that holds it would keep signals from being received.
fn outcome(received: &Result<(), Stop>) -> Outcome {
    use RejectionKind::{BadRequest, BodyTooLarge};
    match received {
        Ok(()) => Outcome::Authenticated,
        Err(Stop::Refused(refusal)) if !refusal.is_authentic() => Outcome::Failed,
        Err(Stop::Rejected(rejection)) if matches!(rejection.kind(), BadRequest | BodyTooLarge) => {
            Outcome::Failed
        }
        Err(_) => Outcome::Unknown,
    }
}

/// Logs a refused signal. What an authentic sender says is lost, which an operator should know.
fn report(counters: &LayerCounters, receiver: &Receiver, refusal: &Refusal, head: &Parts) {
    let level = if refusal.is_authentic() { Level::WARN } else { Level::INFO };
    let cause = refusal.cause();
    let rejected = Rejected { level, reason: receiver.as_str(), scheme: None, cause: Some(&cause) };
    telemetry::rejected(counters, rejected, head);
}

fn only_post() -> Rejection {
    Rejection::new(RejectionKind::MethodNotAllowed, "signals are sent by POST")
        .with_header(ALLOW, HeaderValue::from_static("POST"))
}

fn unavailable() -> Rejection {
    Rejection::unavailable().with_message("the signal cannot be processed now; send it again later")
}
