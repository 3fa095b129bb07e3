//! Why an entry may be missing from the log.

use crate::auth::BoxError;

/// Why a [`RevocationStore`](super::RevocationStore) did not acknowledge entries.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The entries may be in the log, now or later: no answer came in time, or the connection broke.
    #[error("the store of revocations may have the entries or not: {0}")]
    Unsure(#[source] BoxError),
    /// The entries are not in the log, and will not be.
    #[error("the store of revocations does not have the entries: {0}")]
    Failed(#[source] BoxError),
}
