//! What a signal leads to.

use std::time::SystemTime;

use crate::auth::BoxError;
use crate::revocation::Revocations;

/// Revokes what was issued to a user.
///
/// To revoke the same thing twice must change nothing: a signal may arrive more than once, and at several replicas.
pub(crate) trait Revoke: Sync {
    /// Revokes every token of a subject that was issued at this time or before.
    ///
    /// # Errors
    ///
    /// If some replica may not have the revocation. The sender then sends the signal again.
    fn revoke_subject_before(
        &self,
        issuer: &str,
        subject: &str,
        before: SystemTime,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;
}

impl Revoke for Revocations {
    async fn revoke_subject_before(
        &self,
        issuer: &str,
        subject: &str,
        before: SystemTime,
    ) -> Result<(), BoxError> {
        Ok(Self::revoke_subject_before(self, issuer, subject, before).await?)
    }
}
