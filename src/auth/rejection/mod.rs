//! Rejections: the challenges and the public message of a refused request. `response` makes its response, and `combine`
//! one of several.

mod combine;
mod response;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};

use super::challenge::Challenge;
use super::error::BoxError;
use super::rejection_kind::RejectionKind;
use super::token::{AuthParam, AuthScheme};

/// The message for a credential that is wrong.
const INVALID: &str = "the credential is wrong or has expired";

/// The message for a request without a credential.
const MISSING: &str =
    "authentication required: configure the credential in the client, as a header";

/// The same where clients can also log in.
const MISSING_OR_LOGIN: &str = "authentication required: log in with a client that supports OAuth, \
                                or configure the credential in the client, as a header";

/// Why a request is refused.
///
/// A rejection is a response: it has the status of its [`RejectionKind`], one `WWW-Authenticate`
/// field for each [`Challenge`], `Cache-Control: no-store`, and a JSON-RPC error as its body. The
/// code of the error is the status, and MCP clients show its message to their users:
///
/// ```json
/// {"jsonrpc":"2.0","id":null,"error":{"code":401,"message":"…"}}
/// ```
///
/// It stays in the extensions of the response. An outer layer can render it in another way.
///
/// ```
/// use mcp_auth_layer::Rejection;
/// use mcp_auth_layer::auth::{AuthScheme, Challenge, RejectionKind};
///
/// let rejection = Rejection::invalid(Challenge::new(AuthScheme::from_static("ApiKey")));
/// assert_eq!(rejection.kind(), RejectionKind::Invalid);
/// assert_eq!(rejection.status(), 401);
///
/// let rejection = Rejection::forbidden("this key is suspended");
/// assert_eq!(rejection.status(), 403);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Rejection(Box<Inner>); // small, as it travels in `Result`s, most of which are `Ok`

#[derive(Clone, Debug)]
struct Inner {
    kind: RejectionKind,
    message: Cow<'static, str>,
    challenges: Vec<Challenge>,
    scheme: Option<AuthScheme>,
    retry_after: Option<Duration>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
    conclusive: bool,
    /// Whether a scheme found its credential wrong or malformed, even if another rejection speaks.
    failed: bool,
    reported: bool,
    /// The code and the ID of the JSON-RPC error, if they are not the status and `null`.
    json_rpc: Option<(i32, String)>,
}

impl Rejection {
    /// Rejects a request that has no credential of this scheme: 401.
    /// [`any_of`](super::any_of) tries the next scheme.
    pub fn missing(challenge: Challenge) -> Self {
        let mut rejection = Self::unauthorized(RejectionKind::Missing, MISSING, challenge);
        rejection.0.scheme = None; // no credential was recognized
        rejection
    }

    /// Rejects a credential that does not have the form of its scheme: 401.
    /// [`any_of`](super::any_of) tries the next scheme.
    pub fn malformed(challenge: Challenge) -> Self {
        Self::unauthorized(
            RejectionKind::Malformed,
            "the credential does not have the form of its scheme",
            challenge,
        )
    }

    /// Rejects a credential that is wrong, expired or revoked: 401.
    /// [`any_of`](super::any_of) tries the next scheme.
    pub fn invalid(challenge: Challenge) -> Self {
        Self::unauthorized(RejectionKind::Invalid, INVALID, challenge)
    }

    /// Rejects a credential that is for another verifier of the same scheme, such as a token of another issuer:
    /// 401. If there is such a verifier, it knows more and speaks.
    #[cfg(feature = "oauth")]
    pub(crate) fn for_another_verifier(challenge: Challenge) -> Self {
        Self::malformed(challenge).with_message(INVALID)
    }

    /// Rejects an empty credential: 401.
    pub(crate) fn empty(challenge: Challenge) -> Self {
        Self::malformed(challenge).with_message(
            "the credential is empty: is a variable unset in the client's configuration?",
        )
    }

    /// Rejects a request that can be read in two ways: 400. No other scheme is tried.
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(RejectionKind::BadRequest, message)
    }

    /// Rejects a request of an authenticated principal that may not make it, such as one that is
    /// suspended: 403. No other scheme is tried.
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(RejectionKind::Forbidden, message)
    }

    /// Rejects a request whose credential lacks these scopes: 403, with the Bearer challenge of
    /// RFC 6750 §3.1. No other scheme is tried.
    ///
    /// Name all scopes that the operation needs: clients ask for what the challenge lists. A layer with a
    /// [resource](crate::McpAuthLayer::resource) adds `resource_metadata`, also where a handler returns
    /// this.
    ///
    /// ```
    /// use mcp_auth_layer::Rejection;
    ///
    /// // WWW-Authenticate: Bearer realm="mcp", error="insufficient_scope", scope="tools:call"
    /// let rejection = Rejection::insufficient_scope(["tools:call"]);
    /// assert_eq!(rejection.status(), 403);
    /// ```
    pub fn insufficient_scope(scopes: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let scopes: Vec<_> = scopes.into_iter().map(|scope| scope.as_ref().to_owned()).collect();
        let scope = scopes.join(" ");
        let message = format!("the credential lacks a scope that is required here: {scope}");
        let mut rejection = Self::new(RejectionKind::InsufficientScope, message);
        rejection.0.challenges.push(
            Challenge::new(AuthScheme::BEARER)
                .param(AuthParam::ERROR, "insufficient_scope")
                .param(AuthParam::SCOPE, scope),
        );
        rejection
    }

    /// Rejects a client that has failed too often: 429 with `Retry-After`, in whole seconds,
    /// rounded up and at least one.
    pub fn too_many_requests(retry_after: Duration) -> Self {
        let message = "too many failed attempts; try again later";
        let mut rejection = Self::new(RejectionKind::TooManyRequests, message);
        rejection.0.retry_after = Some(retry_after);
        rejection
    }

    /// Rejects a request whose credential cannot be verified now, since the backend is down,
    /// overloaded or too slow: 503. No other scheme is tried.
    ///
    /// Give the reason with [`caused_by`](Self::caused_by): it is logged, and never sent.
    pub fn unavailable() -> Self {
        Self::new(RejectionKind::Unavailable, "authentication is unavailable; try again later")
    }

    /// Rejects every request, since [`any_of`](super::any_of) has no scheme to try.
    pub(crate) fn no_schemes() -> Self {
        Self::unavailable().caused_by("any_of has an empty list of schemes")
    }

    pub(crate) fn new(kind: RejectionKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            challenges: Vec::new(),
            scheme: None,
            retry_after: None,
            headers: Vec::new(),
            cause: None,
            conclusive: kind.status() != StatusCode::UNAUTHORIZED,
            failed: matches!(kind, RejectionKind::Malformed | RejectionKind::Invalid),
            reported: false,
            json_rpc: None,
        }))
    }

    fn unauthorized(kind: RejectionKind, message: &'static str, challenge: Challenge) -> Self {
        let mut rejection = Self::new(kind, message);
        rejection.0.scheme = Some(challenge.scheme().clone());
        rejection.0.challenges = vec![challenge];
        rejection
    }

    /// Replaces the public message, which is sent to the client. Tell its user what to do, and
    /// never what exactly was wrong with the credential.
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Sets when the client should try again: `Retry-After`, in whole seconds, rounded up.
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Adds a header field to the response.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Adds a challenge to the response.
    pub fn with_challenge(mut self, challenge: Challenge) -> Self {
        self.0.challenges.push(challenge);
        self
    }

    /// Keeps [`any_of`](super::any_of) from trying another scheme: what the request presents is so
    /// broken that no other credential may make up for it.
    pub fn conclusive(mut self) -> Self {
        self.0.conclusive = true;
        self
    }

    pub(crate) fn with_conclusive(mut self, is_conclusive: bool) -> Self {
        self.0.conclusive = is_conclusive;
        self
    }

    /// Sets the cause, which is logged and never sent.
    ///
    /// It becomes the [`source`](Error::source) of this error.
    pub fn caused_by(mut self, cause: impl Into<BoxError>) -> Self {
        self.0.cause = Some(Arc::from(cause.into()));
        self
    }

    /// Distinguishes a credential that no scheme recognizes from a request without credentials.
    pub(crate) fn unrecognized(mut self) -> Self {
        let schemes: Vec<_> =
            self.0.challenges.iter().map(|challenge| challenge.scheme().as_str()).collect();
        self.0.message = format!(
            "the Authorization header has no credential that is recognized here; it begins with the \
             name of its scheme and a space: {}",
            schemes.join(", ")
        )
        .into();
        self.0.kind = RejectionKind::Unrecognized;
        self
    }

    /// Sets the code of the JSON-RPC error, and the text of the ID of the request that it responds to.
    pub(crate) fn with_json_rpc(mut self, code: i32, id: &str) -> Self {
        self.0.json_rpc = Some((code, id.to_owned()));
        self
    }

    /// Marks the cause as one that the log has as an error already, apart from requests.
    pub(crate) fn already_reported(mut self) -> Self {
        self.0.reported = true;
        self
    }

    /// Returns whether the log has the cause as an error already.
    pub(crate) fn is_reported(&self) -> bool {
        self.0.reported
    }

    /// Replaces the challenges.
    pub(crate) fn with_challenges(mut self, challenges: Vec<Challenge>) -> Self {
        self.0.challenges = challenges;
        self
    }

    /// Returns the kind.
    pub fn kind(&self) -> RejectionKind {
        self.0.kind
    }

    /// Returns the status of the response.
    pub fn status(&self) -> StatusCode {
        self.0.kind.status()
    }

    /// Returns the challenges, in the order in which they are sent.
    pub fn challenges(&self) -> &[Challenge] {
        &self.0.challenges
    }

    /// Returns the scheme of the credential, if it was recognized.
    pub fn scheme(&self) -> Option<&AuthScheme> {
        self.0.scheme.as_ref()
    }

    #[cfg(test)]
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns whether no other scheme may authenticate the request.
    pub(crate) fn is_conclusive(&self) -> bool {
        self.0.conclusive
    }

    /// Returns whether a scheme found its credential wrong or malformed.
    pub(crate) fn has_failed(&self) -> bool {
        self.0.failed
    }
}

/// The public message.
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// Its source is the [cause](Rejection::caused_by).
impl Error for Rejection {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_the_source_and_never_sent() {
        let cause = std::io::Error::other("db.internal is down");
        let rejection = Rejection::unavailable().caused_by(cause);
        let source = rejection.source().unwrap();
        assert!(source.downcast_ref::<std::io::Error>().is_some());
        assert!(!rejection.to_string().contains("db.internal"));
        assert!(Rejection::unavailable().source().is_none());
    }
}
