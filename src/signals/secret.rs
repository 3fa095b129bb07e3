//! A secret that a sender presents.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::auth::AuthScheme;
use crate::crypto::{Digest, KeyedDigest};
use crate::schemes::credential;

/// A secret, of which a keyed digest is kept.
#[derive(Clone)]
pub(super) struct Secret {
    hash: KeyedDigest,
    digest: Digest,
}

impl Secret {
    pub(super) fn new(secret: &str) -> Self {
        let hash = KeyedDigest::new();
        let digest = hash.digest(secret.as_bytes());
        Self { hash, digest }
    }

    /// Returns whether a request has it as its only credential, as `Authorization: Bearer` (RFC 6750 §2.1). It is
    /// compared in constant time.
    pub(super) fn is_bearer_of(&self, headers: &HeaderMap) -> bool {
        let mut fields = headers.get_all(AUTHORIZATION).iter();
        let (Some(field), None) = (fields.next(), fields.next()) else { return false };
        credential(field.as_bytes(), &AuthScheme::BEARER)
            .is_some_and(|credential| self.hash.digest(credential) == self.digest)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_secret_is_the_only_credential_of_a_request() {
        let secret = Secret::new("jW3vD8Rk2nQ5");
        let has = |fields: &[&'static str]| {
            let fields = fields.iter().map(|field| HeaderValue::from_static(field));
            secret.is_bearer_of(&fields.map(|field| (AUTHORIZATION, field)).collect())
        };
        assert!(has(&["Bearer jW3vD8Rk2nQ5"]) && has(&["bearer  jW3vD8Rk2nQ5"]));
        for fields in [
            &[][..],
            &["Bearer"],
            &["Bearer "],
            &["jW3vD8Rk2nQ5"],
            &["Basic jW3vD8Rk2nQ5"],
            &["Bearer jW3vD8Rk2nQ"],
            &["Bearer jW3vD8Rk2nQ55"],
            &["Bearer JW3VD8RK2NQ5"],
            &["Bearer jW3vD8Rk2nQ5", "Bearer jW3vD8Rk2nQ5"],
        ] {
            assert!(!has(fields), "{fields:?}");
        }
    }
}
