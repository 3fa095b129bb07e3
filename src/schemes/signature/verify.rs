//! What is decided about a signed request, from top to bottom.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Uri};

use super::authenticator::HttpSignature;
use super::clock::{Clock, Reading, Terms};
use super::errors::{malformed, unavailable, unknown, unsignable};
use super::keys::{Key, Keys};
use super::profile::{CONTENT_TYPE, announces_body, has_several_lines, required_components};
use super::reservation::{Reservation, Reservations};
use super::signatures::{Signature, Signatures, Validity};
use super::wire::base::{Message, authority_of, components_of, cover, normalized};
use super::wire::digest::{CONTENT_DIGEST, ContentDigest};
use crate::auth::{AuthScheme, Authenticated, Challenge, Rejection};
use crate::credentials::Grant;
use crate::stores::{NonceClaim, NonceStatus, ReplayStore};
use crate::text::Shortened;

const ACCEPT_SIGNATURE: HeaderName = HeaderName::from_static("accept-signature");
const REPLAYED: &str = "the nonce was used before";
const UNTIMELY: &str = "the signature is not valid at this time by the clock of the replay store";

impl<R: ReplayStore> HttpSignature<R> {
    /// Everything that the head decides, with the check of the body that is still owed.
    pub(crate) fn decide(&self, head: &Parts) -> Result<Authenticated, Rejection> {
        let owed = self.examine(head)?;
        let authenticated = owed.grant.authenticated(AuthScheme::SIGNATURE);
        Ok(authenticated.prepare_and_verify_body(|| async {
            let reserved = owed.reserve().await?;
            Ok(move |body: Bytes| reserved.settle(&body))
        }))
    }

    /// Finds the signature that counts, and looks at it.
    fn examine(&self, head: &Parts) -> Result<Owed<R>, Rejection> {
        let Some(signatures) = Signatures::parse(&head.headers)? else {
            return Err(self.refusal(head, Rejection::missing));
        };
        let keys = self.keys.load();
        let signature = signatures.choose(&keys)?;
        self.verify(head, &keys, &signature).map_err(|rejection| match signature.key {
            // A broken signature of ours: no other scheme makes up for it.
            Some(_) => rejection.conclusive(),
            // A stranger's, which a gateway may have added.
            None => rejection.inconclusive(),
        })
    }

    /// Everything that the head decides; what is left is owed by the body.
    fn verify(
        &self,
        head: &Parts,
        keys: &Keys,
        signature: &Signature<'_>,
    ) -> Result<Owed<R>, Rejection> {
        // What has no meaning: 400.
        let covered = signature.components()?;
        let covers = |name: &str| cover(&covered, name);
        let mut base = String::with_capacity(1024);
        let named = authority_of(head, self.scheme()).map_err(unsignable)?;
        let proven = self.proves(head, keys, signature, &covered, &named, &mut base)?;
        let digest = match covers(CONTENT_DIGEST.as_str()) {
            true => ContentDigest::parse(&head.headers).map_err(malformed("Content-Digest"))?,
            false => None,
        };
        if has_several_lines(&head.headers, &covered) {
            return Err(Rejection::bad_request("a covered header stands there twice"));
        }

        // What is not good enough: 401. All of it is looked at, and none of it told.
        let terms = self.terms();
        let reading = self.clock.read(terms);
        let is_shared = self.store.is_shared();
        let validity = signature.validity();
        let timely = validity
            .is_some_and(|validity| validity.is_now(&self.clock, reading, terms, is_shared));
        let meant =
            signature.alone && signature.is_hmac_sha256() && signature.has_tag(self.tag.as_deref());
        let context = self.context.load();
        let complete =
            required_components(&head.headers, announces_body(head), &context.significant)
                .all(covers);
        let is_for_us = !self.authorities.is_empty() || context.is_own_host(&named);
        let good = timely && meant && complete && is_for_us;
        let parameters = signature.nonce().zip(validity);
        let (Some(key), Some((nonce, validity)), true) = (proven, parameters, good) else {
            let refusal = self.refusal(head, Rejection::invalid);
            return Err(match validity {
                _ if !is_for_us => refusal.caused_by(format!(
                    "the signature is for {}, which is not configured as this server's: see \
                     HttpSignature::authority and McpAuthLayer::host",
                    Shortened::new(&*named)
                )),
                Some(validity) if proven.is_some() && !timely => {
                    refusal.caused_by(validity.why_not(reading))
                }
                _ => refusal,
            });
        };
        Ok(Owed {
            digest,
            covers_content_type: covers(CONTENT_TYPE),
            grant: key.grant.clone(),
            nonce: nonce.to_owned(),
            validity,
            terms,
            clock: self.clock.clone(),
            store: self.store.clone(),
            reservations: self.reservations.clone(),
            base,
            tag: self.tag.clone(),
        })
    }

    /// Never the URI's: whoever stands in between could choose what its default port is.
    fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    fn terms(&self) -> Terms {
        let (skew, window) = (self.skew.as_secs(), self.window.as_secs());
        // Times are whole seconds, one more for each end, and the clock may move by a second either
        // way before that counts as a step.
        let keep = skew.saturating_mul(2).saturating_add(window).saturating_add(4);
        Terms { skew, window, keep }
    }

    /// The secret that made the signature, if it is of this request, by one of the names that
    /// clients may know this server by. Every one is tried, and the last base left there.
    fn proves<'k>(
        &self,
        head: &Parts,
        keys: &Keys,
        signature: &Signature<'k>,
        components: &[&str],
        named: &str,
        base: &mut String,
    ) -> Result<Option<&'k Key>, Rejection> {
        let (uri, scheme) = (original_uri(head), self.scheme());
        let mut signed_for = |authority: &str| {
            let sent = Message::of(head, scheme, authority);
            let message = Message { prefix: &self.prefix, uri, ..sent };
            base.clear();
            message
                .push_base(base, components, |base| signature.push_input(base))
                .map_err(unsignable)?;
            Ok(keys.verify(signature.key, base, signature.bytes))
        };
        let mut known = self.authorities.iter().map(|authority| normalized(authority, scheme));
        match self.authorities.is_empty() || known.clone().any(|known| known == named) {
            true => signed_for(named),
            false => known.try_fold(None, |proven, known| Ok(signed_for(&known)?.or(proven))),
        }
    }

    /// A 401 for this request.
    pub(crate) fn refusal(&self, head: &Parts, kind: fn(Challenge) -> Rejection) -> Rejection {
        let context = self.context.load();
        let components =
            required_components(&head.headers, announces_body(head), &context.significant);
        refusal(kind, components, self.tag.as_deref())
    }
}

/// A 401 that tells what to sign (RFC 9421 §5.1).
pub(crate) fn refusal<'c>(
    kind: fn(Challenge) -> Rejection,
    components: impl Iterator<Item = &'c str>,
    tag: Option<&str>,
) -> Rejection {
    let mut wanted = String::from("sig=(");
    for (index, component) in components.enumerate() {
        wanted.extend([if index == 0 { "\"" } else { " \"" }, component, "\""]);
    }
    wanted.push_str(");created;expires;nonce;keyid;alg=\"hmac-sha256\"");
    if let Some(tag) = tag {
        wanted.push_str(&format!(";tag={tag:?}"));
    }
    let refusal = kind(Challenge::new(AuthScheme::SIGNATURE));
    match HeaderValue::try_from(wanted) {
        Ok(wanted) => refusal.with_header(ACCEPT_SIGNATURE, wanted),
        Err(_) => refusal,
    }
}

/// What must hold of the body, and be done once it does.
pub(crate) struct Owed<R> {
    digest: Option<ContentDigest>,
    covers_content_type: bool,
    grant: Grant,
    nonce: String,
    validity: Validity,
    terms: Terms,
    clock: Arc<Clock>,
    store: Arc<R>,
    reservations: Reservations,
    /// For a refusal: what was signed, which is enough, is to be signed again.
    base: String,
    tag: Option<Arc<str>>,
}

impl<R: ReplayStore> Owed<R> {
    /// Reserves the nonce before anything of the body is read, until it is claimed or the request
    /// given up. One that is reserved or claimed already is a replay.
    async fn reserve(self) -> Result<Reserved<R>, Rejection> {
        let key_id = self.grant.principal.name();
        let Some(reservation) = self.reservations.reserve(key_id, &self.nonce) else {
            return Err(self.refusal().caused_by("a request with this nonce is being verified"));
        };
        match self.store.is_claimed(key_id, &self.nonce).await {
            Ok(false) => {}
            Ok(true) => return Err(self.refusal().caused_by(REPLAYED)),
            Err(error) => return Err(unavailable(error)),
        }
        Ok(Reserved { owed: self, reservation })
    }

    fn refusal(&self) -> Rejection {
        refusal(Rejection::invalid, components_of(&self.base), self.tag.as_deref())
    }
}

/// The same of a request whose nonce is reserved.
struct Reserved<R> {
    owed: Owed<R>,
    reservation: Reservation,
}

impl<R: ReplayStore> Reserved<R> {
    /// A wrong body does not use up the nonce: it may be a stranger's.
    fn settle(self, body: &[u8]) -> impl Future<Output = Result<(), Rejection>> + use<R> {
        let Self { owed, reservation } = self;
        let intact = match &owed.digest {
            Some(digest) => digest.matches(body) && (owed.covers_content_type || body.is_empty()),
            None => body.is_empty(),
        };
        async move {
            let _until_claimed = reservation;
            if !intact {
                return Err(owed.refusal().caused_by("the body is not the one that was signed"));
            }
            // Nonces are remembered for as long as signatures are good, and the body took its time.
            let reading = owed.clock.read(owed.terms);
            let is_shared = owed.store.is_shared();
            if !owed.validity.is_now(&owed.clock, reading, owed.terms, is_shared) {
                return Err(owed.refusal().caused_by(owed.validity.why_not(reading)));
            }
            owed.clock.accept(owed.validity.created, reading);
            let Validity { created, expires } = owed.validity;
            let skew = Duration::from_secs(owed.terms.skew);
            let claim = NonceClaim {
                keep: Duration::from_secs(owed.terms.keep),
                ..NonceClaim::new(owed.grant.principal.name(), &owed.nonce, created, expires, skew)
            };
            match owed.store.claim(&claim).await {
                Ok(NonceStatus::Fresh) => Ok(()),
                Ok(NonceStatus::Replayed) => Err(owed.refusal().caused_by(REPLAYED)),
                Ok(NonceStatus::Untimely) => Err(owed.refusal().caused_by(UNTIMELY)),
                Ok(NonceStatus::Unknown { retry_after }) => Err(unknown(retry_after)),
                Err(error) => Err(unavailable(error)),
            }
        }
    }
}

impl Validity {
    /// Why it is not accepted now, for the log.
    fn why_not(self, reading: Reading) -> String {
        let Self { created, expires } = self;
        format!(
            "the signature is good from {created} to {expires}, this server's clock says {}, and \
             what was signed before its start or may have been served before is refused",
            reading.now
        )
    }
}

/// The URI that the client signed: before any `nest` took a prefix off it.
fn original_uri(head: &Parts) -> &Uri {
    #[cfg(feature = "axum")]
    if let Some(original) = head.extensions.get::<axum::extract::OriginalUri>() {
        return &original.0;
    }
    &head.uri
}

/// The kind of fault: what was true of the head need not be when the nonce is claimed.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::schemes::signature::Signer;
    use crate::stores::MemoryReplayStore;

    fn owed() -> Owed<MemoryReplayStore> {
        let hmac = HttpSignature::new([("ci", [7; 32])]).unwrap();
        let mut request = http::Request::get("http://localhost/").body("").unwrap();
        Signer::new("ci", [7; 32]).unwrap().sign(&mut request).unwrap();
        hmac.examine(&request.into_parts().0).unwrap()
    }

    /// Whether a request is accepted whose signature was made so much earlier than it says, and
    /// whether its nonce is claimed then.
    async fn settle(earlier: u64) -> (bool, bool) {
        let mut reserved = owed().reserve().await.unwrap();
        reserved.owed.validity.created -= earlier;
        reserved.owed.validity.expires -= earlier;
        let (store, nonce) = (reserved.owed.store.clone(), reserved.owed.nonce.clone());
        let is_accepted = reserved.settle(b"").await.is_ok();
        (is_accepted, store.is_claimed("ci", &nonce).await.unwrap())
    }

    #[tokio::test]
    async fn a_signature_that_expired_before_its_body_came_is_refused() {
        assert_eq!(settle(0).await, (true, true));
        assert_eq!(settle(300).await, (false, false));
    }

    #[tokio::test]
    async fn a_nonce_is_reserved_until_its_request_is_done() {
        let owed = owed();
        let reservations = owed.reservations.clone();
        let nonce = owed.nonce.clone();
        let is_reserved = || reservations.reserve("ci", &nonce).is_none();
        assert!(!is_reserved(), "by the head alone");
        let reserved = owed.reserve().await.unwrap();
        assert!(is_reserved());
        let settled = reserved.settle(b"another body");
        assert!(is_reserved());
        assert!(settled.await.is_err() && !is_reserved());
    }
}
