//! The response to a request with a message that is refused.

use axum_core::body::Body;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};

use super::endpoint::Endpoint;
use crate::auth::{AuthScheme, Rejection};
use crate::layer::exchange::Exchange;
use crate::policy::json_rpc::{INVALID_REQUEST, batch, error, tool_error};
use crate::policy::{Call, Decision, Message, Messages, Refusal, RefusalKind};
use crate::telemetry;

/// The error for a message that is allowed, but not executed, as another one of its batch is refused.
const REFUSED_BATCH: &str = "no message of the batch was executed, because one of them is refused";

/// Why a request is not forwarded.
pub(in crate::layer) enum Stop {
    Rejected(Rejection),
    /// A message of the request is refused.
    Refused(Response<Body>),
}

impl Stop {
    pub(in crate::layer) fn into_response(
        self,
        reject: impl FnOnce(Rejection) -> Response<Body>,
    ) -> Response<Body> {
        match self {
            Self::Rejected(rejection) => reject(rejection),
            Self::Refused(response) => response,
        }
    }
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// Messages, at least one of which is refused.
pub(super) struct Refused<'r> {
    pub(super) head: &'r Parts,
    pub(super) exchange: &'r Exchange,
    pub(super) messages: &'r Messages<'r>,
    /// In the order of the messages; `None` for responses.
    pub(super) decisions: &'r [Option<Decision>],
}

impl<'r> Refused<'r> {
    /// Returns the response. It is sent where the client waits for it, in the form that clients show to their users.
    pub(super) fn stop(&self) -> Stop {
        let Exchange { principal, state, .. } = self.exchange;
        let answers = self.answers();
        let endpoint = Endpoint::of(self.head, &state.config.session_ids);
        let is_known = state.open_streams.has(principal, &endpoint);
        let is_legacy = is_known || endpoint.is_session();
        if answers.is_empty() {
            return self.rejection().into(); // notifications have no answer
        }
        if let Some(rejection) = self.insufficient_scope().filter(|_| !is_legacy) {
            return rejection.into();
        }
        if is_legacy {
            let events = answers.iter().map(|answer| event(answer)).collect();
            if state.open_streams.send(principal, &endpoint, events).is_err() {
                let cause = "the event stream of this session is not in this process, or its client does not read";
                return self.rejection().caused_by(cause).into();
            }
        }
        let authorization = &state.config.authorization;
        let status = match (authorization.refuses_by_status, is_legacy) {
            (true, _) if self.is_unavailable() => StatusCode::SERVICE_UNAVAILABLE,
            (true, _) => StatusCode::FORBIDDEN,
            (false, true) => StatusCode::ACCEPTED,
            (false, false) => StatusCode::OK,
        };
        telemetry::refused(self.exchange.scheme.to_cow());
        if status == StatusCode::ACCEPTED {
            return Stop::Refused(response(status, Bytes::new()));
        }
        let body = match (self.messages, &answers[..]) {
            (Messages::Single(_), [answer]) => answer.clone(),
            _ => batch(&answers),
        };
        Stop::Refused(response(status, body.into()))
    }

    /// Returns an answer to each request, also to those that are allowed: none of a batch is executed.
    fn answers(&self) -> Vec<String> {
        let messages = self.messages.as_slice().iter().zip(self.decisions);
        let answers = messages.filter_map(|(message, decision)| {
            let Message::Request { id, call } = message else { return None };
            Some(match decision.as_ref().and_then(Decision::refusal) {
                None => error(*id, INVALID_REQUEST, REFUSED_BATCH),
                Some(refusal) => {
                    let message = refusal.message(&self.exchange.principal, call);
                    if is_for_model(refusal, call) {
                        tool_error(*id, &message)
                    } else {
                        error(*id, refusal.code(call), &message)
                    }
                }
            })
        });
        answers.collect()
    }

    /// Returns the first refusal, the call that it is about, and its ID.
    fn first(&self) -> Option<(&'r Refusal, &'r Call<'r>, &'r str)> {
        let messages = self.messages.as_slice().iter().zip(self.decisions);
        messages.into_iter().find_map(|(message, decision)| {
            let refusal = decision.as_ref()?.refusal()?;
            Some((refusal, message.call()?, message.id().map_or("null", |id| id.echoed())))
        })
    }

    fn is_unavailable(&self) -> bool {
        let refusals = self.decisions.iter().flatten().filter_map(Decision::refusal);
        refusals.into_iter().any(|refusal| refusal.kind() == RefusalKind::Unavailable)
    }

    /// Returns the rejection of the request, which refuses by its status.
    fn rejection(&self) -> Rejection {
        let Some((refusal, call, id)) = self.first() else { return Rejection::unavailable() };
        let message = refusal.message(&self.exchange.principal, call).into_owned();
        let rejection = match refusal.kind() {
            RefusalKind::Unavailable => Rejection::unavailable().with_message(message),
            _ => Rejection::forbidden(message),
        };
        rejection.with_json_rpc(refusal.code(call), id)
    }

    /// Returns the rejection that makes a client ask for more scopes, if the client can ask and the scopes would help.
    fn insufficient_scope(&self) -> Option<Rejection> {
        let Messages::Single(_) = self.messages else { return None };
        let (refusal, call, id) = self.first()?;
        let can_ask =
            self.exchange.resource.is_some() && self.exchange.scheme == AuthScheme::BEARER;
        if !can_ask || refusal.scopes().is_empty() {
            return None;
        }
        let message = refusal.message(&self.exchange.principal, call).into_owned();
        // A client that asks for these alone must not lose those that every request needs.
        let required = self.exchange.state.config.scopes.required().into_iter();
        let mut scopes: Vec<_> = required.flat_map(|scopes| scopes.split(' ')).collect();
        scopes.extend(refusal.scopes().iter().map(|scope| scope.as_str()));
        scopes.sort_unstable();
        scopes.dedup();
        let rejection = Rejection::insufficient_scope(scopes);
        Some(rejection.with_message(message).with_json_rpc(refusal.code(call), id))
    }
}

/// Returns whether to refuse the call of a tool by a result: models read results, not errors, and can correct arguments.
fn is_for_model(refusal: &Refusal, call: &Call<'_>) -> bool {
    refusal.kind() == RefusalKind::ArgumentsRefused && call.method() == "tools/call"
}

/// Returns the event that brings an answer over HTTP+SSE.
fn event(answer: &str) -> Bytes {
    format!("event: message\r\ndata: {answer}\r\n\r\n").into()
}

fn response(status: StatusCode, body: Bytes) -> Response<Body> {
    let has_body = !body.is_empty();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if has_body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
