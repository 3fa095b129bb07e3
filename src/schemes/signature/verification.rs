//! Verifies the head of a signed request (RFC 9421 §3.2).

use bytes::Bytes;
use http::request::Parts;

use super::accept_signature::unauthorized;
use super::authenticator::HttpSignature;
use super::clock::Terms;
use super::errors::{malformed, no_signature_base};
use super::keys::{Key, Keys};
use super::pending_verification::PendingVerification;
use super::profile::{CONTENT_TYPE, announces_body, has_several_lines, required_components};
use super::server_names::{Authority, PathPrefix};
use super::signatures::{Signature, Signatures};
use super::wire::base::{Message, authority_of, cover, normalized};
use super::wire::digest::{CONTENT_DIGEST, ContentDigest};
use crate::auth::{AuthScheme, Authenticated, Challenge, Rejection, original_uri};
use crate::stores::ReplayStore;
use crate::text::Shortened;

impl<R: ReplayStore> HttpSignature<R> {
    /// Verifies everything that the head decides, and returns it with the pending verification of
    /// the body.
    pub(super) fn verify_head(&self, head: &Parts) -> Result<Authenticated, Rejection> {
        let pending = self.verify_chosen(head)?;
        let authenticated = pending.grant.authenticated(AuthScheme::SIGNATURE);
        Ok(authenticated.prepare_and_verify_body(|| async {
            let reserved = pending.reserve().await?;
            Ok(move |body: Bytes| reserved.verify_body(&body))
        }))
    }

    /// Chooses the signature that counts, and verifies it.
    pub(super) fn verify_chosen(&self, head: &Parts) -> Result<PendingVerification<R>, Rejection> {
        let Some(signatures) = Signatures::parse(&head.headers)? else {
            return Err(self.unauthorized(head, Rejection::missing));
        };
        let keys = self.keys.load();
        let signature = signatures.choose(&keys)?;
        // No other scheme makes up for an invalid signature of a known key. One of an unknown key may have been added by
        // a gateway.
        let is_conclusive = signature.candidates.is_known.into();
        self.verify(head, &keys, &signature)
            .map_err(|rejection| rejection.with_conclusive(is_conclusive))
    }

    fn verify(
        &self,
        head: &Parts,
        keys: &Keys,
        signature: &Signature<'_>,
    ) -> Result<PendingVerification<R>, Rejection> {
        // Malformed signatures: 400.
        let covered = signature.components()?;
        let covers = |name: &str| cover(&covered, name);
        let mut base = String::with_capacity(1024);
        let authority = authority_of(head, self.scheme()).map_err(no_signature_base)?;
        let key = self.find_key(head, keys, signature, &covered, &authority, &mut base)?;
        let digest = if covers(CONTENT_DIGEST.as_str()) {
            ContentDigest::parse(&head.headers).map_err(malformed("Content-Digest"))?
        } else {
            None
        };
        if has_several_lines(&head.headers, &covered) {
            return Err(Rejection::bad_request("duplicate covered header"));
        }

        // Insufficient signatures: 401. All rules are evaluated, and the response reveals none.
        let terms = self.terms();
        let reading = self.clock.read(terms);
        let is_shared = self.store.is_shared();
        let validity = signature.validity();
        let is_timely = validity
            .is_some_and(|validity| validity.is_now(&self.clock, reading, terms, is_shared));
        let has_parameters = signature.is_only_known_signature
            && signature.is_hmac_sha256()
            && signature.has_tag(self.tag.as_deref());
        let context = self.context.load();
        let covers_required =
            required_components(&head.headers, announces_body(head), &context.significant)
                .all(covers);
        let is_for_this_server = !self.authorities.is_empty() || context.is_own_host(&authority);
        let is_sufficient = is_timely && has_parameters && covers_required && is_for_this_server;
        let parameters = signature.nonce().zip(validity);
        let (Some(key), Some((nonce, validity)), true) = (key, parameters, is_sufficient) else {
            let rejection = self.unauthorized(head, Rejection::invalid);
            return Err(match validity {
                _ if !is_for_this_server => rejection.caused_by(format!(
                    "the signature is for {}, which is not configured as this server's: see \
                     HttpSignature::authority and McpAuthLayer::host",
                    Shortened::new(&*authority)
                )),
                Some(validity) if key.is_some() && !is_timely => {
                    rejection.caused_by(validity.why_not(reading))
                }
                _ => rejection,
            });
        };
        Ok(PendingVerification {
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

    /// Returns the configured scheme. The URI's does not count: an attacker between client and
    /// server could choose the default port by it.
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

    /// Returns the key that made the signature, if it is for this request by one of the names that
    /// clients may know this server by. All names are tried, and the last base is left in `base`.
    fn find_key<'k>(
        &self,
        head: &Parts,
        keys: &Keys,
        signature: &Signature<'k>,
        components: &[&str],
        named: &str,
        base: &mut String,
    ) -> Result<Option<&'k Key>, Rejection> {
        let (uri, scheme) = (original_uri(head), self.scheme());
        let prefix = self.prefix.as_ref().map_or("", PathPrefix::as_str);
        let mut key_for = |authority: &str| {
            let sent = Message::from_head(head, scheme, authority);
            let message = Message { prefix, uri, ..sent };
            base.clear();
            message
                .push_base(base, components, |base| signature.push_input(base))
                .map_err(no_signature_base)?;
            Ok(keys.verify(signature.candidates, base, signature.bytes))
        };
        let mut known =
            self.authorities.iter().map(Authority::as_str).map(|name| normalized(name, scheme));
        if self.authorities.is_empty() || known.clone().any(|known| known == named) {
            return key_for(named);
        }
        known.try_fold(None, |key, known| Ok(key_for(&known)?.or(key)))
    }

    /// Creates a 401 for this request.
    fn unauthorized(&self, head: &Parts, kind: fn(Challenge) -> Rejection) -> Rejection {
        let context = self.context.load();
        let components =
            required_components(&head.headers, announces_body(head), &context.significant);
        unauthorized(kind, components, self.tag.as_deref())
    }
}
