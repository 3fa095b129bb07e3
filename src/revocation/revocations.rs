//! The handle by which credentials are revoked.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::time::timeout;

use super::credential::{Credential, TokenIds};
use super::error::RevokeError;
use super::reader::{MAX_PUBLISH, Reader};
use super::shared::{MAX_SKEW, Shared};
use super::signed_part::signed_part;
use super::time::{millis, now, whole_millis};
use crate::auth::{Principal, Revocation};
use crate::crypto::sha256;
use crate::stores::{PublishError, RevocationEntry, RevocationKind, RevocationStore};

/// Revokes credentials on every replica that reads the same store. Clones are the same handle.
///
/// A [layer](crate::McpAuthLayer::revocations) with it rejects revoked credentials with 401, as expired ones, and ends
/// their open streams: on this replica at once, on the others when they read the news, which takes some milliseconds.
///
/// ```
/// use mcp_auth_layer::McpAuthLayer;
/// use mcp_auth_layer::revocation::{Revocations, RevokeError};
/// use mcp_auth_layer::stores::{MemoryRevocationStore, StoreKey};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = [7; 32];
/// let store = MemoryRevocationStore::new(); // replicas share another one
/// let revocations = Revocations::start(store, StoreKey::from(secret)).await?;
/// let layer = McpAuthLayer::bearer("rD3m0NfE5Yc0mKq1bWv7Xw").revocations(revocations.clone());
///
/// match revocations.revoke_token("rD3m0NfE5Yc0mKq1bWv7Xw").await {
///     Ok(()) => {} // every replica gets it
///     Err(RevokeError::Unsure(_)) => {} // revoked here, and on other replicas perhaps
///     Err(_) => {} // revoked here only
/// }
/// # Ok(())
/// # }
/// ```
///
/// Every method that revokes is effective on this replica from its first poll. If it fails, or its future is dropped,
/// the process continues to add the revocation to the store. Revoking twice does no harm.
///
/// # How long it lasts
///
/// A revocation is remembered for the time of [`RevocationOptions::keep`](super::RevocationOptions::keep), 24 hours by
/// default, by every process that has read it. A credential without an end must also be removed from the code or the
/// file that has it.
#[derive(Clone)]
pub struct Revocations(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) shared: Arc<Shared>,
    max_silence: Option<Duration>,
    _reader: Reader,
}

impl Revocations {
    pub(super) fn new(shared: Arc<Shared>, reader: Reader, max_silence: Option<Duration>) -> Self {
        Self(Arc::new(Inner { shared, max_silence, _reader: reader }))
    }

    /// Revokes a bearer token: a static one, an opaque access token or a JWT.
    ///
    /// A JWT with the same header and claims is revoked with any signature. For some algorithms, as ES256, a
    /// holder of a token can make another valid signature of the same token.
    ///
    /// # Errors
    ///
    /// See [`RevokeError`].
    pub async fn revoke_token(&self, token: &str) -> Result<(), RevokeError> {
        let digests = &self.0.shared.digests;
        let mut entries = vec![self.entry(RevocationKind::Token, digests.token(&sha256(token)))];
        if let Some(signed) = signed_part(token.as_bytes()) {
            let digest = digests.signed_part(&sha256(signed));
            entries.push(self.entry(RevocationKind::Token, digest));
        }
        self.revoke(&entries).await
    }

    /// Revokes the bearer token that has this SHA-256, as token files have it.
    ///
    /// Use [`revoke_token`](Self::revoke_token) for JWTs.
    ///
    /// # Errors
    ///
    /// See [`RevokeError`].
    pub async fn revoke_token_sha256(&self, sha256: [u8; 32]) -> Result<(), RevokeError> {
        let digest = self.0.shared.digests.token(&sha256);
        self.revoke(&[self.entry(RevocationKind::Token, digest)]).await
    }

    /// Revokes every credential of a principal (issuer and name, as handlers see them), whatever its scheme, and those
    /// that are issued later, for as long as the revocation is [remembered](super::RevocationOptions::keep).
    ///
    /// Use [`revoke_subject`](Self::revoke_subject) for a user who may log in again.
    ///
    /// # Errors
    ///
    /// See [`RevokeError`].
    pub async fn revoke_principal(&self, principal: &Principal) -> Result<(), RevokeError> {
        let digest = self.0.shared.digests.principal(principal);
        self.revoke(&[self.entry(RevocationKind::Principal, digest)]).await
    }

    /// Revokes the access token of this issuer (`iss`) that has this ID (`jti`, RFC 7519 §4.1.7).
    ///
    /// # Errors
    ///
    /// See [`RevokeError`].
    pub async fn revoke_jti(&self, issuer: &str, jti: &str) -> Result<(), RevokeError> {
        let digest = self.0.shared.digests.token_id(issuer, jti);
        self.revoke(&[self.entry(RevocationKind::TokenId, digest)]).await
    }

    /// Revokes every access token of this issuer (`iss`) and this subject (`sub`) that was issued until now.
    ///
    /// Tokens that are issued from the next second on are accepted. A token says in whole seconds when it was issued
    /// (`iat`, RFC 7519 §4.1.6), so one of the same second is revoked. One without `iat` is revoked in any case. The
    /// issuer's clock counts: if it may be ahead, use [`revoke_subject_before`](Self::revoke_subject_before) with a
    /// later time.
    ///
    /// # Errors
    ///
    /// See [`RevokeError`].
    pub async fn revoke_subject(&self, issuer: &str, subject: &str) -> Result<(), RevokeError> {
        self.revoke_subject_before(issuer, subject, SystemTime::now()).await
    }

    /// Revokes every access token of this issuer and this subject that was issued at this time or earlier, as identity
    /// providers report it. See [`revoke_subject`](Self::revoke_subject).
    ///
    /// A time that is more than a minute in the future counts as one in a minute.
    ///
    /// # Errors
    ///
    /// See [`RevokeError`].
    pub async fn revoke_subject_before(
        &self,
        issuer: &str,
        subject: &str,
        time: SystemTime,
    ) -> Result<(), RevokeError> {
        let latest = now().saturating_add(whole_millis(MAX_SKEW));
        let before = millis(time).min(latest);
        let digest = self.0.shared.digests.subject(issuer, subject);
        let mut entry = self.entry(RevocationKind::Subject, digest).issued_before(before);
        entry.until = entry.until.max(self.0.shared.until(before));
        self.revoke(&[entry]).await
    }

    /// Returns when the store answered last. That is at most about two seconds ago while all is well.
    pub fn last_heard(&self) -> Instant {
        self.0.shared.heard().into_std()
    }

    /// Returns for how long the store has been silent, if that is longer than is allowed.
    pub(crate) fn silence(&self) -> Option<Duration> {
        let max = self.0.max_silence?;
        Some(self.0.shared.heard().elapsed()).filter(|silence| *silence > max)
    }

    /// Watches a credential that a request uses, and returns what ends its streams. It has happened already if the
    /// credential is revoked. The function is called if the credential was not in use before.
    pub(crate) fn watch<'c>(
        &self,
        credential: &Credential<'c>,
        ids: impl FnOnce() -> Option<TokenIds<'c>>,
    ) -> Revocation {
        self.0.shared.watch(credential, ids)
    }

    fn entry(&self, kind: RevocationKind, digest: [u8; 16]) -> RevocationEntry {
        let shared = &self.0.shared;
        RevocationEntry::new(kind, digest, shared.digests.fingerprint(), shared.until(now()))
    }

    /// Revokes here, and publishes.
    async fn revoke(&self, entries: &[RevocationEntry]) -> Result<(), RevokeError> {
        let shared = &self.0.shared;
        shared.apply(entries);
        let unpublished = Unpublished { shared, entries };
        match timeout(MAX_PUBLISH, shared.store.publish(entries, shared.log_keep())).await {
            Ok(Ok(())) => {
                std::mem::forget(unpublished);
                shared.unset_missing(entries);
                Ok(())
            }
            Ok(Err(PublishError::Failed(error))) => Err(RevokeError::Failed(error)),
            Ok(Err(PublishError::Unsure(error))) => Err(RevokeError::Unsure(error)),
            Err(_) => Err(RevokeError::Unsure("the store took too long".into())),
        }
    }
}

/// Entries that are being published. If that fails, or the caller gives up, the reader adds them later.
struct Unpublished<'r> {
    shared: &'r Shared,
    entries: &'r [RevocationEntry],
}

impl Drop for Unpublished<'_> {
    fn drop(&mut self) {
        self.shared.set_missing(self.entries.iter().map(|entry| entry.digest));
    }
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocations")
            .field("known", &self.0.shared.known.len())
            .field("credentials_in_use", &self.0.shared.watches.len())
            .finish_non_exhaustive()
    }
}
