//! A response that is one JSON text, which may be a list.

use std::collections::VecDeque;
use std::fmt::Display;

use axum_core::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt as _;

use super::filtered::Filtered;
use super::lists::{Shown, filter};
use super::resumed::Resumed;
use crate::layer::body_budget::Limits;
use crate::layer::collect_body::collect_response;
use crate::layer::exchange::Exchange;
use crate::layer::response::{is_encoded, is_event_stream, is_part};
use crate::policy::{Classifier, MAX_UNDECIDED, Verdict, is_json};

/// Header fields that depend on the whole body: its length, its version, and its digests (RFC 9530, RFC 3230).
const BODY_FIELDS: [&str; 6] =
    ["content-length", "etag", "content-digest", "repr-digest", "digest", "content-md5"];

/// A response that may be a list, which is filtered before its head is sent.
pub(in crate::layer) struct PendingList(Exchange);

impl PendingList {
    /// Returns what the response to this exchange must pass through, if it may be a list.
    pub(in crate::layer) fn of(exchange: &Exchange) -> Option<Self> {
        let may_be = matches!(exchange.filtered, Filtered::Unasked | Filtered::Everything);
        may_be.then(|| Self(exchange.clone()))
    }

    /// Returns the response with the elements that the principal may use. A response that cannot be read is withheld.
    pub(in crate::layer) async fn filter(self, response: Response<Body>) -> Response<Body> {
        let (mut head, mut body) = response.into_parts();
        let passes = !head.status.is_success() || is_event_stream(&head.headers);
        if passes {
            return Response::from_parts(head, body); // a stream is filtered as it comes
        }
        if self.0.filtered == Filtered::Unasked {
            return self.filter_unasked(head, body).await;
        }
        if matches!(head.status, StatusCode::ACCEPTED | StatusCode::NO_CONTENT) {
            // The answer comes on the stream of the session, where it is filtered.
            for name in [CONTENT_LENGTH, CONTENT_TYPE, CONTENT_ENCODING] {
                head.headers.remove(name);
            }
            return Response::from_parts(head, Body::empty());
        }
        if body.size_hint().exact() == Some(0) {
            // There is no list in it. Some servers of HTTP+SSE accept messages with the status 200.
            return Response::from_parts(head, body);
        }
        if let Err(cause) = check(head.status, &head.headers) {
            return self.0.unprotectable(cause);
        }
        match self.filtered(&mut body).await {
            Ok((body, _)) => list(head, body),
            Err(cause) => self.0.unprotectable(&cause),
        }
    }

    /// Returns the response to a request that asked for no list. It passes as it comes, unless it is a list after all.
    async fn filter_unasked(self, head: Parts, mut body: Body) -> Response<Body> {
        if body.size_hint().exact() == Some(0) {
            return Response::from_parts(head, body);
        }
        if is_part(head.status, &head.headers) || is_encoded(&head.headers) {
            return self.0.unprotectable(
                "a response that is encoded, or a part of one, cannot be told from a list: compress it outside of the layer",
            );
        }
        if !may_be_list(&mut body).await {
            return Response::from_parts(head, body);
        }
        if let Err(cause) = check(head.status, &head.headers) {
            return self.0.unprotectable(cause);
        }
        match self.filtered(&mut body).await {
            Ok((body, true)) => list(head, body),
            Ok((body, false)) => Response::from_parts(head, body),
            Err(cause) => self.0.unprotectable(&cause),
        }
    }

    /// Returns the body with the elements that the principal may use, and whether it was changed.
    async fn filtered(&self, body: &mut Body) -> Result<(Body, bool), String> {
        let Exchange { principal, state, .. } = &self.0;
        let limits = Limits {
            body: state.config.authorization.list_limit,
            total: state.config.body_limits.total,
        };
        let unread = |error: &dyn Display| format!("the list was not read: {error}");
        let collected = collect_response(body, principal, limits, &state.body_budget).await;
        let collected = collected.map_err(|rejection| unread(&rejection))?;
        let bytes = collected.bytes;
        match filter(state.clone(), principal.clone(), bytes.to_vec()).await {
            Ok(Shown::Unchanged) => Ok((Body::from(bytes), false)),
            Ok(Shown::Changed(body)) => Ok((Body::from(body), true)),
            Ok(Shown::Nothing) => Ok((Body::empty(), true)),
            Err(error) => Err(unread(&error)),
        }
    }
}

/// Returns the response with the filtered body of a list.
fn list(mut head: Parts, body: Body) -> Response<Body> {
    for name in BODY_FIELDS {
        head.headers.remove(name);
    }
    head.headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Response::from_parts(head, body)
}

/// Reads the beginning of a body, until it is known whether it may be a list. The body stays as it was.
async fn may_be_list(body: &mut Body) -> bool {
    let mut classifier = Classifier::new();
    let (mut read, mut failed, mut left) = (VecDeque::new(), None, MAX_UNDECIDED);
    let mut verdict = Verdict::Undecided;
    while verdict == Verdict::Undecided
        && let Some(frame) = body.frame().await
    {
        match frame {
            Ok(frame) => {
                if let Some(data) = frame.data_ref() {
                    let beginning = &data[..data.len().min(left)];
                    verdict = classifier.push(beginning);
                    left -= beginning.len();
                    if verdict == Verdict::Undecided && beginning.len() < data.len() {
                        verdict = Verdict::Whole;
                    }
                }
                read.push_back(frame);
            }
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    Resumed::replace(body, read, failed);
    verdict == Verdict::Whole
}

/// Checks that a response can be read as every client reads it.
fn check(status: StatusCode, headers: &HeaderMap) -> Result<(), &'static str> {
    if is_part(status, headers) {
        Err("the response to a list request is a part of a list")
    } else if is_encoded(headers) {
        Err("the list in an encoded response cannot be read: compress it outside of the layer")
    } else if is_json(headers) {
        Ok(())
    } else {
        Err("the response to a list request is neither JSON nor an event stream")
    }
}
