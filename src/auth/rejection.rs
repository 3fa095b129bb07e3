//! Why not: the status, challenges and public message of a refusal.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use axum_core::body::Body;
use axum_core::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::challenge::Challenge;

pub(crate) const DEFAULT_REALM: &str = "mcp";

/// What kind of refusal a [`Rejection`] is. Each has one status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// No credential: 401.
    Missing,
    /// A credential that no scheme recognizes, such as a token without `Bearer` in front of it: 401.
    Unrecognized,
    /// A credential of a known scheme that does not have its form: 401.
    Malformed,
    /// A credential that is wrong or has expired. Which part of it, is never told: 401.
    Invalid,
    /// A request that can be read in two ways, such as one with two `Authorization` fields, or
    /// whose body cannot be read at all: 400.
    BadRequest,
    /// A browser names a host that is not this server's, as in DNS rebinding: 403.
    ForeignHost,
    /// A web page of another origin made its browser ask: 403.
    ForeignOrigin,
    /// An OAuth discovery document that does not exist here: 404.
    NoDiscovery,
    /// An OAuth client registers itself (RFC 7591) without a credential, as MCP clients do that look
    /// for OAuth: 400. The body is OAuth's own form of an error, which they show.
    NoRegistration,
    /// The id of a session or an event that is somebody else's, or nobody's: 404.
    UnknownSession,
    /// A body over the limit that had to be checked: 413.
    BodyTooLarge,
    /// Too many failures: 429.
    TooManyRequests,
    /// Whether the credential is good cannot be said now: 503.
    Unavailable,
    /// The inner service's answer cannot be protected, such as a compressed stream of events: 502.
    UnprotectableResponse,
}

impl RejectionKind {
    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Missing | Self::Unrecognized | Self::Malformed | Self::Invalid => {
                StatusCode::UNAUTHORIZED
            }
            Self::BadRequest | Self::NoRegistration => StatusCode::BAD_REQUEST,
            Self::ForeignHost | Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::NoDiscovery | Self::UnknownSession => StatusCode::NOT_FOUND,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::UnprotectableResponse => StatusCode::BAD_GATEWAY,
        }
    }

    /// The name in the log.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unrecognized => "unrecognized",
            Self::Malformed => "malformed",
            Self::Invalid => "invalid",
            Self::BadRequest => "bad_request",
            Self::ForeignHost => "foreign_host",
            Self::ForeignOrigin => "foreign_origin",
            Self::NoDiscovery => "no_discovery",
            Self::NoRegistration => "no_registration",
            Self::UnknownSession => "unknown_session",
            Self::BodyTooLarge => "body_too_large",
            Self::TooManyRequests => "too_many_requests",
            Self::Unavailable => "unavailable",
            Self::UnprotectableResponse => "bad_answer",
        }
    }
}

/// Why a request was refused.
///
/// It becomes a response by itself: with the status of its [`RejectionKind`], one `WWW-Authenticate`
/// field for each [`Challenge`], `Cache-Control: no-store`, and a JSON-RPC error as the body,
/// whose code is the status and whose message MCP clients show to their users:
///
/// ```json
/// {"jsonrpc":"2.0","id":null,"error":{"code":401,"message":"…"}}
/// ```
///
/// It stays in the response's extensions, so that an outer layer can render it in another way.
///
/// ```
/// use mcp_auth_layer::{Challenge, RejectionKind, Rejection};
///
/// let rejection = Rejection::invalid(Challenge::new("ApiKey"));
/// assert_eq!(rejection.kind(), RejectionKind::Invalid);
/// assert_eq!(rejection.status(), 401);
/// ```
#[derive(Clone, Debug)]
pub struct Rejection(Box<Inner>); // it travels in `Result`s, most of which are `Ok`

#[derive(Clone, Debug)]
struct Inner {
    reason: RejectionKind,
    message: Cow<'static, str>,
    challenges: Vec<Challenge>,
    scheme: Option<&'static str>,
    retry_after: Option<Duration>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
    conclusive: bool,
}

impl Rejection {
    /// No credential of this scheme: 401. [`any_of`](crate::any_of) tries the next one.
    pub fn missing(challenge: Challenge) -> Self {
        let message =
            "authentication required: configure the credential in the client, as a header";
        let mut rejection = Self::unauthorized(RejectionKind::Missing, message, challenge);
        rejection.0.scheme = None; // none was recognized
        rejection
    }

    /// A credential of this scheme that does not have its form: 401.
    /// [`any_of`](crate::any_of) tries the next scheme.
    pub fn malformed(challenge: Challenge) -> Self {
        Self::unauthorized(
            RejectionKind::Malformed,
            "the credential does not have the form of its scheme",
            challenge,
        )
    }

    /// A credential that is wrong or has expired: 401. [`any_of`](crate::any_of) tries the next
    /// scheme.
    pub fn invalid(challenge: Challenge) -> Self {
        Self::unauthorized(
            RejectionKind::Invalid,
            "the credential is wrong or has expired",
            challenge,
        )
    }

    /// A request that can be read in two ways: 400, and no other scheme is tried.
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(RejectionKind::BadRequest, message)
    }

    /// Too many failures: 429 with `Retry-After`, in whole seconds, rounded up and at least one.
    pub fn too_many_requests(retry_after: Duration) -> Self {
        let message = "too many failed attempts; try again later";
        let mut rejection = Self::new(RejectionKind::TooManyRequests, message);
        rejection.0.retry_after = Some(retry_after);
        rejection
    }

    /// Whether the credential is good cannot be said, since what knows it is down, overloaded or
    /// too slow: 503, and no other scheme is tried. Say why with [`caused_by`](Self::caused_by):
    /// it is logged, and never sent.
    pub fn unavailable() -> Self {
        Self::new(RejectionKind::Unavailable, "authentication is unavailable; try again later")
    }

    pub(crate) fn new(reason: RejectionKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            reason,
            message: message.into(),
            challenges: Vec::new(),
            scheme: None,
            retry_after: None,
            headers: Vec::new(),
            cause: None,
            conclusive: reason.status() != StatusCode::UNAUTHORIZED,
        }))
    }

    fn unauthorized(reason: RejectionKind, message: &'static str, challenge: Challenge) -> Self {
        let mut rejection = Self::new(reason, message);
        rejection.0.scheme = Some(challenge.scheme());
        rejection.0.challenges.push(challenge);
        rejection
    }

    /// Replaces the public message, which the client is sent. Say what its user can do; never
    /// what exactly was wrong with the credential.
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Adds a header field to the answer.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Lets no other scheme admit the request, where [`any_of`](crate::any_of) would try one: what
    /// was presented is so broken that nothing else should make up for it.
    pub fn conclusive(mut self) -> Self {
        self.0.conclusive = true;
        self
    }

    #[cfg(feature = "hmac")]
    pub(crate) fn inconclusive(mut self) -> Self {
        self.0.conclusive = false;
        self
    }

    /// Tells a credential that came and was not recognized apart from none.
    pub(crate) fn unrecognized(mut self) -> Self {
        let schemes: Vec<_> = self.0.challenges.iter().map(Challenge::scheme).collect();
        self.0.reason = RejectionKind::Unrecognized;
        self.0.message = format!(
            "the Authorization header has no credential that is recognized here; it begins with the \
             name of its scheme and a space: {}",
            schemes.join(", ")
        )
        .into();
        self
    }

    /// Replaces the challenges.
    pub(crate) fn with_challenges(mut self, challenges: Vec<Challenge>) -> Self {
        self.0.challenges = challenges;
        self
    }

    /// Says why, for the log alone.
    pub fn caused_by(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// What kind of refusal this is.
    pub fn kind(&self) -> RejectionKind {
        self.0.reason
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.0.reason.status()
    }

    /// The challenges of a 401, in the order in which they are sent.
    pub fn challenges(&self) -> &[Challenge] {
        &self.0.challenges
    }

    /// The scheme whose credential was judged, if one was recognized.
    pub fn scheme(&self) -> Option<&'static str> {
        self.0.scheme
    }

    #[cfg(test)]
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    pub(crate) fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// Whether no other scheme may admit the request.
    pub(crate) fn is_conclusive(&self) -> bool {
        self.0.conclusive
    }

    /// The refusal of two schemes that both refuse: the one that got further speaks. The challenges
    /// of both are sent with a 401, Bearer first.
    pub(crate) fn merge(self, other: Self) -> Self {
        let further = |rejection: &Self| match rejection.kind() {
            RejectionKind::Missing => 0,
            RejectionKind::Unrecognized => 1,
            RejectionKind::Malformed => 2,
            RejectionKind::Invalid => 3,
            _ => 4,
        };
        let (mut first, mut second) = (self, other);
        let mut challenges = std::mem::take(&mut first.0.challenges);
        for challenge in std::mem::take(&mut second.0.challenges) {
            if !challenges.contains(&challenge) {
                challenges.push(challenge);
            }
        }
        challenges.sort_by_key(|challenge| !challenge.scheme().eq_ignore_ascii_case("bearer"));
        let mut headers = std::mem::take(&mut first.0.headers);
        headers.append(&mut second.0.headers);
        let mut speaker = if further(&second) > further(&first) { second } else { first };
        if speaker.status() == StatusCode::UNAUTHORIZED {
            (speaker.0.challenges, speaker.0.headers) = (challenges, headers);
        }
        speaker
    }

    pub(crate) fn to_response(&self, realm: &str) -> Response<Body> {
        let (code, message) = (self.status().as_u16(), serde_json::json!(self.0.message));
        let body = match self.kind() {
            RejectionKind::NoRegistration => {
                format!(r#"{{"error":"invalid_request","error_description":{message}}}"#)
            }
            _ => {
                let error = format!(r#"{{"code":{code},"message":{message}}}"#);
                format!(r#"{{"jsonrpc":"2.0","id":null,"error":{error}}}"#)
            }
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for challenge in &self.0.challenges {
            headers.append(WWW_AUTHENTICATE, challenge.to_header(realm));
        }
        for (name, value) in &self.0.headers {
            headers.append(name, value.clone());
        }
        if let Some(wait) = self.0.retry_after {
            let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

/// The public message.
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Rejection {}

/// For handlers and extractors outside the layer: the response with the realm `mcp`.
impl IntoResponse for Rejection {
    fn into_response(self) -> Response<Body> {
        let mut response = self.to_response(DEFAULT_REALM);
        response.extensions_mut().insert(self);
        response
    }
}
