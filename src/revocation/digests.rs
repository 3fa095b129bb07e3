//! The digests of what can be revoked.

use super::credential::{Credential, TokenIds};
use super::signed_part::signed_part;
use crate::auth::Principal;
use crate::crypto::{Mac, sha256};
use crate::stores::StoreKey;

/// A keyed digest of something that can be revoked: half of an HMAC-SHA-256.
pub(super) type Digest = [u8; 16];

/// Makes digests with the key that replicas share.
pub(super) struct Digests {
    key: Mac,
    fingerprint: [u8; 4],
}

impl Digests {
    pub(super) fn new(key: &StoreKey) -> Self {
        let key = key.derive("revocations");
        let [a, b, c, d, ..] = key.clone().with_prefixed("fingerprint").finish();
        Self { key, fingerprint: [a, b, c, d] }
    }

    /// Returns the fingerprint of the key.
    pub(super) fn fingerprint(&self) -> [u8; 4] {
        self.fingerprint
    }

    /// Returns the digest of a token, of which the SHA-256 suffices.
    pub(super) fn token(&self, sha256: &[u8; 32]) -> Digest {
        self.digest("token", &[sha256])
    }

    /// Returns the digest of a JWT apart from its signature, of which the SHA-256 suffices.
    pub(super) fn signed_part(&self, sha256: &[u8; 32]) -> Digest {
        self.digest("signed part", &[sha256])
    }

    pub(super) fn principal(&self, principal: &Principal) -> Digest {
        let name = principal.name().as_bytes();
        match principal.issuer() {
            Some(issuer) => self.digest("principal", &[name, issuer.as_bytes()]),
            None => self.digest("principal", &[name]),
        }
    }

    pub(super) fn token_id(&self, issuer: &str, id: &str) -> Digest {
        self.digest("jti", &[issuer.as_bytes(), id.as_bytes()])
    }

    pub(super) fn subject(&self, issuer: &str, subject: &str) -> Digest {
        self.digest("subject", &[issuer.as_bytes(), subject.as_bytes()])
    }

    /// Returns every digest of a credential.
    pub(super) fn all(
        &self,
        credential: &Credential<'_>,
        ids: Option<&TokenIds<'_>>,
    ) -> Box<[Digest]> {
        let mut all = vec![self.principal(credential.principal)];
        all.extend(credential.token.map(|token| self.token(&sha256(token))));
        if let Some(ids) = ids {
            let signed = credential.token.and_then(signed_part);
            all.extend(signed.map(|signed| self.signed_part(&sha256(signed))));
            all.push(self.subject(ids.issuer, ids.subject));
            all.extend(ids.id.map(|id| self.token_id(ids.issuer, id)));
        }
        all.into()
    }

    fn digest(&self, kind: &str, parts: &[&[u8]]) -> Digest {
        let mac = self.key.clone().with_prefixed(kind);
        let mac = parts.iter().fold(mac, |mac, part| mac.with_prefixed(part)).finish();
        let (half, _) = mac.split_at(16);
        half.try_into().expect("half of 32 bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(key: u8) -> Digests {
        Digests::new(&StoreKey::from([key; 32]))
    }

    #[test]
    fn replicas_with_the_same_key_make_the_same_digests() {
        let alice = Principal::new("alice");
        assert_eq!(digests(7).principal(&alice), digests(7).principal(&alice));
        assert_ne!(digests(7).principal(&alice), digests(8).principal(&alice));
        assert_eq!(digests(7).fingerprint(), digests(7).fingerprint());
        assert_ne!(digests(7).fingerprint(), digests(8).fingerprint());
    }

    #[test]
    fn digests_of_different_kinds_and_parts_differ() {
        let d = digests(7);
        let principal = |name: &str, issuer: Option<&str>| {
            let principal = Principal::new(name);
            d.principal(&match issuer {
                Some(issuer) => principal.issued_by(issuer),
                None => principal,
            })
        };
        let all = [
            d.token(&[1; 32]),
            d.signed_part(&[1; 32]),
            principal("b", Some("a")),
            principal("ab", None),
            principal("ab", Some("")),
            d.token_id("a", "b"),
            d.subject("a", "b"),
            d.subject("", "ab"),
            d.subject("ab", ""),
        ];
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
