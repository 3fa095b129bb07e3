//! A response that is one JSON text with a list.

use axum_core::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Body as _;

use super::filtered::Filtered;
use super::lists::{Shown, filter};
use crate::layer::body_budget::Limits;
use crate::layer::collect_body::collect_response;
use crate::layer::exchange::Exchange;
use crate::layer::response::{is_encoded, is_event_stream, is_part};
use crate::policy::is_json;

/// Header fields that depend on the whole body: its length, its version, and its digests (RFC 9530, RFC 3230).
const BODY_FIELDS: [&str; 6] =
    ["content-length", "etag", "content-digest", "repr-digest", "digest", "content-md5"];

/// The response to a request for a list, which is filtered before its head is sent.
pub(in crate::layer) struct PendingList(Exchange);

impl PendingList {
    /// Returns what the response to this exchange must pass through, if the client asked for a list.
    pub(in crate::layer) fn of(exchange: &Exchange) -> Option<Self> {
        (exchange.filtered == Filtered::Everything).then(|| Self(exchange.clone()))
    }

    /// Returns the response with the elements that the principal may use. A response that cannot be read is withheld.
    pub(in crate::layer) async fn filter(self, response: Response<Body>) -> Response<Body> {
        let (mut head, mut body) = response.into_parts();
        let passes = !head.status.is_success() || is_event_stream(&head.headers);
        if passes {
            return Response::from_parts(head, body); // a stream is filtered as it comes
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
        let Exchange { principal, state, .. } = &self.0;
        let limits = Limits {
            body: state.config.authorization.list_limit,
            total: state.config.body_limits.total,
        };
        let collected =
            match collect_response(&mut body, principal, limits, &state.body_budget).await {
                Ok(collected) => collected,
                Err(rejection) => {
                    return self.0.unprotectable(&format!("the list was not read: {rejection}"));
                }
            };
        let bytes = collected.bytes;
        let body = match filter(state.clone(), principal.clone(), bytes.to_vec()).await {
            Ok(Shown::Unchanged) => Body::from(bytes),
            Ok(Shown::Changed(body)) => Body::from(body),
            Ok(Shown::Nothing) => Body::empty(),
            Err(error) => return self.0.unprotectable(&format!("the list was not read: {error}")),
        };
        for name in BODY_FIELDS {
            head.headers.remove(name);
        }
        head.headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        Response::from_parts(head, body)
    }
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
