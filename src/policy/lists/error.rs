//! Why an answer cannot be filtered, and must not be shown.

use super::super::json::Fault;

/// An answer that may have a list and cannot be read. It quotes nothing of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ListError {
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error("it is not a JSON-RPC message")]
    NotAMessage,
    #[error("it is longer than the limit of lists")]
    TooLong,
    #[error(transparent)]
    Fault(#[from] Fault),
}
