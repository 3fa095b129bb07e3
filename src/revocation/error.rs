//! The errors of revoking, and of starting.

use crate::auth::BoxError;

/// Why it is not known that a credential is revoked on every replica.
///
/// On this replica it is revoked in any case, and its streams have ended. While this process runs, it adds the
/// revocation to the store again until the store has acknowledged it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevokeError {
    /// The store did not answer in time: the credential may be revoked on other replicas, now or later.
    #[error("revoked on this replica, and on others perhaps: {0}")]
    Unsure(#[source] BoxError),
    /// The store did not take it: other replicas accept the credential.
    #[error("revoked on this replica only: {0}")]
    Failed(#[source] BoxError),
}

/// The log of revocations could not be read at the start. Without it, revoked credentials would be accepted.
#[derive(Debug, thiserror::Error)]
#[error("the log of revocations cannot be read: {source}")]
pub struct RevocationStartError {
    pub(super) source: BoxError,
}
