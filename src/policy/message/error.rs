//! Why a body is refused before anybody is asked about it.

use http::StatusCode;

use super::super::id::Id;
use super::super::json::Fault;

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
    #[error("the message has a method and a result")]
    MethodAndResult,
    #[error("the message has neither a method nor a result")]
    NoMethod,
    #[error("`{0}` is missing, or does not have the type that it must have")]
    WrongType(&'static str),
    #[error("the message wants to use too many things at once")]
    TooManyTargets,
    #[error("the batch is empty")]
    EmptyBatch,
    #[error("the batch has too many messages")]
    LongBatch,
    #[error("this version of the protocol has no batches")]
    NoBatches,
    #[error("the Content-Type must be application/json, in UTF-8")]
    MediaType,
    #[error("the body must not have a Content-Encoding")]
    ContentEncoding,
    #[error("the header field {0} does not match the body")]
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
            Unreadable::Empty | Unreadable::NotUtf8 | Unreadable::NotJson => -32700,
            Unreadable::HeaderMismatch(_) => -32020,
            _ => -32600,
        }
    }
}

impl<T: Into<Unreadable>> From<T> for MessageError<'_> {
    fn from(reason: T) -> Self {
        Self::new(reason.into())
    }
}
