//! The answer to a signal.

use std::time::Duration;

use axum_core::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use super::refusal::{Refusal, unverified};
use crate::auth::BoxError;
use crate::schemes::Unverified;

/// What became of a signal.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It was taken, whether or not it concerns this server.
    Accepted,
    Refused(Refusal),
    /// It may be good, and has to be sent again.
    Unavailable {
        retry_after: Duration,
        cause: BoxError,
    },
}

impl Answer {
    /// The signal could not be made known to every replica.
    pub(super) fn not_revoked(cause: BoxError) -> Self {
        Self::Unavailable { retry_after: Duration::from_secs(1), cause }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Unverified> for Answer {
    fn from(error: Unverified) -> Self {
        let cause = error.to_string();
        match unverified(error) {
            Ok(refusal) => Self::Refused(refusal),
            Err(retry_after) => Self::Unavailable { retry_after, cause: cause.into() },
        }
    }
}

/// How a kind of signal is answered.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// RFC 8935 §2.2 and §2.3.
    SecurityEvent,
    /// OpenID Connect Back-Channel Logout 1.0 §2.8.
    Logout,
}

impl Form {
    pub(super) fn accepted(self) -> Response<Body> {
        respond(
            match self {
                Self::SecurityEvent => StatusCode::ACCEPTED,
                Self::Logout => StatusCode::OK,
            },
            None,
        )
    }

    pub(super) fn refused(self, refusal: &Refusal) -> Response<Body> {
        let (code, description) = (refusal.code.as_str(), refusal.description);
        let body = match self {
            Self::SecurityEvent => json!({"err": code, "description": description}),
            Self::Logout => json!({"error": "invalid_request", "error_description": description}),
        };
        respond(StatusCode::BAD_REQUEST, Some(body.to_string()))
    }
}

fn respond(status: StatusCode, body: Option<String>) -> Response<Body> {
    let has_body = body.is_some();
    let mut response = Response::new(body.map_or_else(Body::empty, Body::from));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if has_body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static("en"));
    }
    response
}
