//! The interface of a store of nonces.

use std::time::Duration;

use crate::auth::BoxError;

/// A nonce to claim, with the times of its signature.
///
/// Most stores need `key_id`, `nonce` and `keep`. A store that may lose data needs the times as
/// well: it must reject signatures that it may have seen before the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NonceClaim<'c> {
    /// The ID of the key that made the signature.
    pub key_id: &'c str,
    /// The nonce, which is unique for its key.
    pub nonce: &'c str,
    /// When the signature was created, in seconds since the Unix epoch, by the client's clock.
    pub created: u64,
    /// When the signature expires, in seconds since the Unix epoch, by the client's clock.
    pub expires: u64,
    /// How much the clocks of client and server may differ.
    pub skew: Duration,
    /// How long the nonce must be remembered at least.
    pub keep: Duration,
}

impl<'c> NonceClaim<'c> {
    /// Creates the claim of a nonce, which must be remembered from a skew before `created` to a
    /// skew after `expires`.
    ///
    /// Four seconds are added to that: times are whole seconds, one for each end, and the clock may
    /// move by a second either way before that counts as a step.
    pub fn new(
        key_id: &'c str,
        nonce: &'c str,
        created: u64,
        expires: u64,
        skew: Duration,
    ) -> Self {
        let validity = Duration::from_secs(expires.saturating_sub(created));
        let keep = validity.saturating_add(skew.saturating_mul(2));
        let keep = keep.saturating_add(Duration::from_secs(4));
        Self { key_id, nonce, created, expires, skew, keep }
    }
}

/// Whether a nonce can be used, as a [`ReplayStore`] reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NonceStatus {
    /// It was not claimed before, and is claimed now.
    Fresh,
    /// It was claimed before. The request is rejected with 401.
    Replayed,
    /// The signature is not valid at this time by the store's own clock. The request is rejected
    /// with 401.
    Untimely,
    /// The store cannot know whether it was claimed before, because it lost data since the
    /// signature was created. The request is rejected with 503 and `Retry-After`.
    Unknown {
        /// After which time a new signature can be claimed.
        retry_after: Duration,
    },
}

/// Remembers which nonces were used, for [`HttpSignature`](crate::HttpSignature).
///
/// [`MemoryReplayStore`](crate::stores::MemoryReplayStore) is enough for one process. Replicas behind one address need a store that
/// they share: otherwise each of them serves the same request once. [`BoxReplayStore`](crate::stores::BoxReplayStore) erases the
/// type of a store that is chosen at runtime.
///
/// ```
/// use mcp_auth_layer::auth::BoxError;
/// use mcp_auth_layer::stores::{NonceClaim, NonceStatus, ReplayStore};
///
/// struct Shared {/* a pool of connections */}
///
/// impl ReplayStore for Shared {
///     async fn claim(&self, claim: &NonceClaim<'_>) -> Result<NonceStatus, BoxError> {
///         // SET mcp:{key_id.len()}:{key_id}{nonce} 1 NX EX {keep}
///         # let _ = claim;
///         # let was_set = true;
///         Ok(if was_set { NonceStatus::Fresh } else { NonceStatus::Replayed })
///     }
///
///     fn is_shared(&self) -> bool {
///         true
///     }
/// }
/// ```
pub trait ReplayStore: Send + Sync + 'static {
    /// Claims a nonce for its key, atomically: of any number of claims of the same pair, only one
    /// is [`Fresh`](NonceStatus::Fresh).
    ///
    /// The nonce must be remembered for at least [`keep`](NonceClaim::keep). An implementation that
    /// retries after a broken connection must recognize its own claim.
    ///
    /// # Errors
    ///
    /// If the status cannot be determined. The request is then rejected with 503. A store that is
    /// full must fail rather than forget.
    fn claim(
        &self,
        claim: &NonceClaim<'_>,
    ) -> impl Future<Output = Result<NonceStatus, BoxError>> + Send;

    /// Returns whether a nonce is known to be claimed.
    ///
    /// The layer calls it before it reads the body, to avoid reading the body of a replay. `false`
    /// is always a safe result, and the default. A store that would have to wait may return it.
    ///
    /// # Errors
    ///
    /// As for [`claim`](Self::claim).
    fn is_claimed(
        &self,
        key_id: &str,
        nonce: &str,
    ) -> impl Future<Output = Result<bool, BoxError>> + Send {
        let _ = (key_id, nonce);
        async { Ok(false) }
    }

    /// Returns whether all replicas see claims, and whether claims survive a restart of this
    /// process.
    ///
    /// If not (the default), signatures that were created before the process started are rejected,
    /// because its predecessor may have served them.
    fn is_shared(&self) -> bool {
        false
    }
}
