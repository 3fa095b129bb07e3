//! Verifies the body of a signed request, and claims its nonce.

use std::sync::Arc;
use std::time::Duration;

use super::accept_signature::unauthorized;
use super::clock::{Clock, Terms};
use super::errors::{unavailable, unknown};
use super::reservation::{Reservation, Reservations};
use super::validity::Validity;
use super::wire::base::components_of;
use super::wire::digest::ContentDigest;
use crate::auth::Rejection;
use crate::credentials::Grant;
use crate::stores::{NonceClaim, NonceStatus, ReplayStore};

const REPLAYED: &str = "the nonce was used before";
const UNTIMELY: &str = "the signature is not valid at this time by the clock of the replay store";

/// The verification that is left when the head of a request is verified.
pub(super) struct PendingVerification<R> {
    pub(super) digest: Option<ContentDigest>,
    pub(super) covers_content_type: bool,
    pub(super) grant: Grant,
    pub(super) nonce: String,
    pub(super) validity: Validity,
    pub(super) terms: Terms,
    pub(super) clock: Arc<Clock>,
    pub(super) store: Arc<R>,
    pub(super) reservations: Reservations,
    /// For a rejection: the signature covers enough, so the same components are to be signed again.
    pub(super) base: String,
    pub(super) tag: Option<Arc<str>>,
}

impl<R: ReplayStore> PendingVerification<R> {
    /// Reserves the nonce before anything of the body is read, until it is claimed or the request
    /// is dropped. A nonce that is reserved or claimed already is a replay.
    pub(super) async fn reserve(self) -> Result<ReservedVerification<R>, Rejection> {
        let key_id = self.grant.principal.name();
        let Some(reservation) = self.reservations.reserve(key_id, &self.nonce) else {
            return Err(self
                .unauthorized()
                .caused_by("a request with this nonce is being verified"));
        };
        match self.store.is_claimed(key_id, &self.nonce).await {
            Ok(false) => {}
            Ok(true) => return Err(self.unauthorized().caused_by(REPLAYED)),
            Err(error) => return Err(unavailable(error)),
        }
        Ok(ReservedVerification { pending: self, reservation })
    }

    /// Returns whether the body has the signed digests, or is empty if none is signed.
    fn is_intact(&self, body: &[u8]) -> bool {
        match &self.digest {
            Some(digest) => digest.matches(body) && (self.covers_content_type || body.is_empty()),
            None => body.is_empty(),
        }
    }

    fn claim(&self) -> NonceClaim<'_> {
        let Validity { created, expires } = self.validity;
        let (key_id, skew) = (self.grant.principal.name(), Duration::from_secs(self.terms.skew));
        NonceClaim {
            keep: Duration::from_secs(self.terms.keep),
            ..NonceClaim::new(key_id, &self.nonce, created, expires, skew)
        }
    }

    fn unauthorized(&self) -> Rejection {
        unauthorized(Rejection::invalid, components_of(&self.base), self.tag.as_deref())
    }
}

/// The pending verification of a request whose nonce is reserved.
pub(super) struct ReservedVerification<R> {
    pending: PendingVerification<R>,
    reservation: Reservation,
}

impl<R: ReplayStore> ReservedVerification<R> {
    /// Verifies the body and claims the nonce. A wrong body does not use up the nonce: it may have
    /// been sent by an attacker who saw the head.
    pub(super) fn verify_body(
        self,
        body: &[u8],
    ) -> impl Future<Output = Result<(), Rejection>> + use<R> {
        let Self { pending, reservation } = self;
        let is_intact = pending.is_intact(body);
        async move {
            let _until_claimed = reservation;
            if !is_intact {
                let rejection = pending.unauthorized();
                return Err(rejection.caused_by("the body is not the one that was signed"));
            }
            // Nonces are remembered for as long as signatures are valid, and reading the body took
            // its time.
            let reading = pending.clock.read(pending.terms);
            let is_shared = pending.store.is_shared();
            if !pending.validity.is_now(&pending.clock, reading, pending.terms, is_shared) {
                let reason = pending.validity.why_not(reading);
                return Err(pending.unauthorized().caused_by(reason));
            }
            pending.clock.accept(pending.validity.created, reading);
            match pending.store.claim(&pending.claim()).await {
                Ok(NonceStatus::Fresh) => Ok(()),
                Ok(NonceStatus::Replayed) => Err(pending.unauthorized().caused_by(REPLAYED)),
                Ok(NonceStatus::Untimely) => Err(pending.unauthorized().caused_by(UNTIMELY)),
                Ok(NonceStatus::Unknown { retry_after }) => Err(unknown(retry_after)),
                Err(error) => Err(unavailable(error)),
            }
        }
    }
}

/// What was true of the head need not be true when the nonce is claimed.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::schemes::signature::{HttpSignature, Signer};
    use crate::stores::MemoryReplayStore;

    fn pending() -> PendingVerification<MemoryReplayStore> {
        let authenticator = HttpSignature::new([("ci", [7; 32])]).unwrap();
        let mut request = http::Request::get("http://localhost/").body("").unwrap();
        Signer::new("ci", [7; 32]).unwrap().sign(&mut request).unwrap();
        authenticator.verify_chosen(&request.into_parts().0).unwrap()
    }

    /// Returns whether a request is accepted whose signature was made so much earlier than it says,
    /// and whether its nonce is claimed then.
    async fn verify_body_of_signature_from(seconds_earlier: u64) -> (bool, bool) {
        let mut reserved = pending().reserve().await.unwrap();
        reserved.pending.validity.created -= seconds_earlier;
        reserved.pending.validity.expires -= seconds_earlier;
        let (store, nonce) = (reserved.pending.store.clone(), reserved.pending.nonce.clone());
        let is_accepted = reserved.verify_body(b"").await.is_ok();
        (is_accepted, store.is_claimed("ci", &nonce).await.unwrap())
    }

    #[tokio::test]
    async fn signature_that_expired_before_its_body_came_is_rejected() {
        assert_eq!(verify_body_of_signature_from(0).await, (true, true));
        assert_eq!(verify_body_of_signature_from(300).await, (false, false));
    }

    #[tokio::test]
    async fn nonce_is_reserved_until_the_body_is_verified() {
        let pending = pending();
        let reservations = pending.reservations.clone();
        let nonce = pending.nonce.clone();
        let is_reserved = || reservations.reserve("ci", &nonce).is_none();
        assert!(!is_reserved(), "by the head alone");
        let reserved = pending.reserve().await.unwrap();
        assert!(is_reserved());
        let verified = reserved.verify_body(b"another body");
        assert!(is_reserved());
        assert!(verified.await.is_err() && !is_reserved());
    }
}
