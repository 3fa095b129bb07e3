//! Why a body is rejected before an authorizer is asked about it.

use http::StatusCode;

use super::super::id::Id;
use super::super::json::Fault;
use super::super::json_rpc::{HEADER_MISMATCH, INVALID_REQUEST, PARSE_ERROR};

/// The maximum of messages in a batch.
pub(super) const MAX_MESSAGES: usize = 100;

/// The maximum of targets of one message. A subscription has some; a message of 4 MiB could have a million.
pub(super) const MAX_TARGETS: usize = 1000;

/// A body that cannot be read, or can be read in more than one way. Its text is for the client, and quotes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct MessageError<'b> {
    pub(crate) reason: Unreadable,
    id: Id<'b>,
}

/// What is wrong with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("the request has no body: send a JSON-RPC message")]
    Empty,
    #[error("the body is not UTF-8")]
    NotUtf8,
    #[error("the body is not JSON")]
    NotJson,
    #[error("the body is not a JSON-RPC message")]
    NotAMessage,
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("a message must not have both a method and a result or an error")]
    MethodAndResult,
    #[error("a message must have a method, a result or an error")]
    NoMethod,
    #[error("`{0}` must be an object")]
    NotAnObject(&'static str),
    #[error("`{0}` must be a string without NUL and without half a surrogate pair")]
    NotAName(&'static str),
    #[error("`{0}` must be an array of strings without NUL and without half a surrogate pair")]
    NotNames(&'static str),
    #[error(
        "`ref` must be an object with the type `ref/prompt` and a `name`, or `ref/resource` and a `uri`"
    )]
    Reference,
    #[error("the message names more than {MAX_TARGETS} resources and tasks: send several messages")]
    TooManyTargets,
    #[error("a batch must have a message")]
    EmptyBatch,
    #[error("a batch must not have more than {MAX_MESSAGES} messages")]
    LongBatch,
    #[error("this version of the protocol has no batches: send one message")]
    NoBatches,
    #[error("the Content-Type must be application/json, in UTF-8")]
    MediaType,
    #[error("the body must not have a Content-Encoding")]
    ContentEncoding,
    #[error("the header field {0} must match the body")]
    HeaderMismatch(&'static str),
}

impl<'b> MessageError<'b> {
    /// Makes an error that the client cannot assign to a request.
    pub(super) fn new(reason: Unreadable) -> Self {
        Self { reason, id: Id::NULL }
    }

    pub(super) fn with_id(mut self, id: Option<Id<'b>>) -> Self {
        self.id = id.unwrap_or(Id::NULL);
        self
    }

    /// Returns the ID of the request, or `null` if it is not known for certain.
    pub(crate) fn id(&self) -> Id<'b> {
        self.id
    }

    /// Returns the status of the response.
    pub(crate) fn status(&self) -> StatusCode {
        match self.reason {
            Unreadable::MediaType | Unreadable::ContentEncoding => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Returns the code of the JSON-RPC error.
    pub(crate) fn code(&self) -> i32 {
        match self.reason {
            Unreadable::Empty | Unreadable::NotUtf8 | Unreadable::NotJson => PARSE_ERROR,
            Unreadable::HeaderMismatch(_) => HEADER_MISMATCH,
            _ => INVALID_REQUEST,
        }
    }
}

impl<T: Into<Unreadable>> From<T> for MessageError<'_> {
    fn from(reason: T) -> Self {
        Self::new(reason.into())
    }
}
