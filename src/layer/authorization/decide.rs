//! The decision about the messages of a request.

use std::pin::pin;

use axum_core::body::Body;
use http::header::ACCEPT_ENCODING;
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use super::config::AUTHORIZER;
use super::filtered::Filtered;
use super::refuse::{Refused, Stop};
use crate::auth::{Rejection, RejectionKind, original_uri};
use crate::layer::admit::prevent_upgrade;
use crate::layer::collect_body::Collected;
use crate::layer::exchange::Exchange;
use crate::layer::gate::Gate;
use crate::layer::guarded::guarded;
use crate::policy::json_rpc::INVALID_REQUEST;
use crate::policy::{
    Authorizer as _, BoxAuthorizer, Call, Decision, Message, MessageError, Messages, Refusal,
    RefusalKind, TargetKind, read_messages,
};
use crate::telemetry::audit;

const AMBIGUOUS: &str = "an argument that decides can be read in more than one way: send each name once, and spell it exactly";

impl<A> Gate<A> {
    /// Reads the messages of a request, and refuses the request if one of them is not allowed. The body is collected,
    /// unless it was collected before.
    pub(in crate::layer) async fn authorize(
        &self,
        head: &mut Parts,
        body: &mut Body,
        exchange: &mut Exchange,
        collected: Option<Collected>,
    ) -> Result<Option<Collected>, Stop>
    where
        A: crate::auth::Authenticator,
    {
        let authorization = &self.state.config.authorization;
        if !authorization.must_read(head, &exchange.principal) {
            return Ok(collected);
        }
        let Some(authorizer) = authorization.authorizer(head) else { return Ok(collected) };
        if authorization.is_dry_run {
            return self.try_out(authorizer, head, body, exchange, collected).await;
        }
        prevent_upgrade(head)?;
        let collected = match collected {
            Some(collected) => collected,
            None => self.collect(body, &exchange.principal).await?,
        };
        let path = original_uri(head).path();
        let messages = read_messages(head, path, &collected.bytes).map_err(unreadable)?;
        exchange.is_restricted = true;
        if let Some(messages) = &messages {
            let decisions = self.decide_all(authorizer, exchange, messages, false).await?;
            if decisions.iter().flatten().any(|decision| !decision.is_allowed()) {
                let refused = Refused { head, exchange, messages, decisions: &decisions };
                return Err(refused.stop());
            }
            if messages.ask_for_list() {
                exchange.filtered = Filtered::Everything;
            } else {
                exchange.filtered = Filtered::Unasked;
                if messages.subscribe() {
                    exchange.kept_open_at = Some(path.into());
                }
            }
        }
        if !exchange.lifetime.is_active() {
            return Err(self.state.expired(&exchange.scheme).into());
        }
        if exchange.filtered != Filtered::Nothing && head.headers.contains_key(ACCEPT_ENCODING) {
            // The response must be read.
            head.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        Ok(Some(collected))
    }

    /// Decides about each message that is not a response, and logs it.
    pub(super) async fn decide_all(
        &self,
        authorizer: &BoxAuthorizer,
        exchange: &Exchange,
        messages: &Messages<'_>,
        is_dry_run: bool,
    ) -> Result<Vec<Option<Decision>>, Rejection> {
        let limit = self.state.config.authenticator_timeout;
        let principal = &exchange.principal;
        let all = pin!(async {
            let mut decisions = Vec::with_capacity(messages.as_slice().len());
            for message in messages.as_slice() {
                let Some(call) = message.call() else {
                    decisions.push(None);
                    continue;
                };
                decisions.push(Some(match authorizer.authorize_now(principal, call) {
                    Some(decision) => decision,
                    None => authorizer.authorize(principal, call).await,
                }));
            }
            decisions
        });
        let decisions = guarded(limit, AUTHORIZER, all).await.unwrap_or_else(|interrupted| {
            let unavailable = || Refusal::unavailable().caused_by(interrupted).into();
            let messages = messages.as_slice().iter();
            messages.map(|message| message.call().map(|_| unavailable())).collect()
        });
        let ambiguous =
            |message: &&Message<'_>| message.call().is_some_and(Call::has_ambiguous_argument);
        if let Some(message) = messages.as_slice().iter().find(ambiguous) {
            if !is_dry_run {
                return Err(reject_ambiguous(message));
            }
            audit::would_reject(exchange.principal.name(), AMBIGUOUS);
            return Ok(decisions);
        }
        let mut refusals = decisions.iter().flatten().filter_map(Decision::refusal);
        let refuses = !is_dry_run && refusals.next().is_some();
        for (message, decision) in messages.as_slice().iter().zip(&decisions) {
            if let (Some(call), Some(decision)) = (message.call(), decision) {
                let outcome = match decision.refusal().map(Refusal::kind) {
                    None if refuses => audit::Outcome::BatchRefused,
                    None => audit::Outcome::Allowed,
                    Some(RefusalKind::Unavailable) => audit::Outcome::Unavailable,
                    Some(_) if is_dry_run => audit::Outcome::WouldRefuse,
                    Some(RefusalKind::NotPermitted) => audit::Outcome::NotPermitted,
                    Some(RefusalKind::ArgumentsRefused) => audit::Outcome::ArgumentsRefused,
                };
                report(exchange, call, decision, outcome);
            }
        }
        Ok(decisions)
    }
}

/// Rejects a message with an argument that a rule asks for, and that parsers could read in different ways.
fn reject_ambiguous(message: &Message<'_>) -> Rejection {
    let id = message.id().map_or("null", |id| id.echoed());
    Rejection::bad_request(AMBIGUOUS).with_json_rpc(INVALID_REQUEST, id)
}

/// Rejects a body that cannot be read, or can be read in more than one way.
fn unreadable(error: MessageError<'_>) -> Rejection {
    let kind = match error.status() {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => RejectionKind::UnsupportedMediaType,
        _ => RejectionKind::BadRequest,
    };
    Rejection::new(kind, error.to_string()).with_json_rpc(error.code(), error.id().echoed())
}

fn report(exchange: &Exchange, call: &Call<'_>, decision: &Decision, outcome: audit::Outcome) {
    let refusal = decision.refusal();
    let target = match refusal {
        Some(refusal) => refusal.refused(call),
        None => call.targets().first(),
    };
    audit::decision(
        &exchange.state.counters,
        audit::Decision {
            principal: exchange.principal.name(),
            issuer: exchange.principal.issuer(),
            method: call.method(),
            kind: target.map_or("method", |target| TargetKind::as_str(target.kind())),
            name: target.map(|target| target.name()),
            outcome,
            rule: decision.rule(),
            cause: refusal.and_then(Refusal::cause).map(ToString::to_string),
        },
    );
}
