//! The kinds of rejections.

use http::StatusCode;

/// The kind of a [`Rejection`](super::Rejection). Each kind has one status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// The request has no credential: 401.
    Missing,
    /// No scheme recognizes the credential, such as a token without `Bearer` before it: 401.
    Unrecognized,
    /// The credential does not have the form of its scheme: 401.
    Malformed,
    /// The credential is wrong, expired or revoked: 401. Responses never reveal which.
    Invalid,
    /// The request can be read in two ways, such as one with two `Authorization` fields, or its
    /// body cannot be read: 400.
    BadRequest,
    /// The credential is valid, and its principal may not do this: 403.
    Forbidden,
    /// The credential is valid, and lacks a scope (RFC 6750 §3.1): 403.
    InsufficientScope,
    /// A browser names a host that is not this server's, as in DNS rebinding: 403.
    ForeignHost,
    /// A web page of another origin made its browser send the request: 403.
    ForeignOrigin,
    /// An OAuth discovery document that does not exist here: 404.
    NoDiscovery,
    /// A path that the layer itself serves is requested by a method that is not for it, such as the resource metadata by
    /// POST: 405.
    MethodNotAllowed,
    /// An OAuth client registers itself (RFC 7591) without a credential, as MCP clients do that
    /// look for OAuth: 400. The body has OAuth's own form of an error, which clients show.
    NoRegistration,
    /// A session or event ID that is unknown, or bound to another principal: 404.
    UnknownSession,
    /// A body that must be read is larger than the limit: 413.
    BodyTooLarge,
    /// A body that must be read has another media type than `application/json` in UTF-8, or a content coding such as
    /// `gzip`: 415 (RFC 9110 §15.5.16).
    UnsupportedMediaType,
    /// Too many failed attempts: 429.
    TooManyRequests,
    /// The credential cannot be verified now: 503.
    Unavailable,
    /// The inner service's response cannot be protected, such as a compressed event stream: 502.
    UnprotectableResponse,
}

impl RejectionKind {
    /// Returns the status of the response.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Missing | Self::Unrecognized | Self::Malformed | Self::Invalid => {
                StatusCode::UNAUTHORIZED
            }
            Self::BadRequest | Self::NoRegistration => StatusCode::BAD_REQUEST,
            Self::Forbidden | Self::InsufficientScope | Self::ForeignHost | Self::ForeignOrigin => {
                StatusCode::FORBIDDEN
            }
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoDiscovery | Self::UnknownSession => StatusCode::NOT_FOUND,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::UnprotectableResponse => StatusCode::BAD_GATEWAY,
        }
    }

    /// Returns the name that logs and metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unrecognized => "unrecognized",
            Self::Malformed => "malformed",
            Self::Invalid => "invalid",
            Self::BadRequest => "bad_request",
            Self::Forbidden => "forbidden",
            Self::InsufficientScope => "insufficient_scope",
            Self::ForeignHost => "foreign_host",
            Self::ForeignOrigin => "foreign_origin",
            Self::NoDiscovery => "no_discovery",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NoRegistration => "no_registration",
            Self::UnknownSession => "unknown_session",
            Self::BodyTooLarge => "body_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::TooManyRequests => "too_many_requests",
            Self::Unavailable => "unavailable",
            Self::UnprotectableResponse => "unprotectable_response",
        }
    }

    /// Orders the kinds for [`any_of`](super::any_of): the scheme that came furthest in its
    /// verification speaks.
    pub(super) fn progress(self) -> u8 {
        match self {
            Self::Missing => 0,
            Self::Unrecognized => 1,
            Self::Malformed => 2,
            Self::Invalid => 3,
            _ => 4,
        }
    }
}
