//! `Content-Digest` (RFC 9530 §2).

use http::{HeaderMap, HeaderName};
use sfv::BareItemFromInput;
use sha2::{Digest, Sha256, Sha512};

use super::fields::{Dictionary, Member};

pub(crate) static CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// The digests that the body must have, by every known algorithm. Unknown algorithms are ignored.
#[derive(Debug, Default)]
pub(crate) struct ContentDigest {
    sha_256: Option<Vec<u8>>,
    sha_512: Option<Vec<u8>>,
}

impl ContentDigest {
    /// Parses the field; `None` if there is none.
    pub(crate) fn parse(headers: &HeaderMap) -> Result<Option<Self>, sfv::Error> {
        let Some(members) = Dictionary::parse(headers, &CONTENT_DIGEST)? else {
            return Ok(None);
        };
        let mut digests = Self::default();
        for (algorithm, member) in members {
            let digest = match member {
                Member::Item(BareItemFromInput::ByteSequence(bytes)) => bytes,
                _ => Vec::new(), // the digest of no body
            };
            match algorithm {
                "sha-256" => digests.sha_256 = Some(digest),
                "sha-512" => digests.sha_512 = Some(digest),
                _ => {}
            }
        }
        Ok(Some(digests))
    }

    /// Returns whether the body has all digests, and there is at least one. Neither the digests nor
    /// the body are secret, so they are not compared in constant time.
    pub(crate) fn matches(&self, body: &[u8]) -> bool {
        let sha_256 = self.sha_256.as_ref().map(|digest| digest[..] == Sha256::digest(body)[..]);
        let sha_512 = self.sha_512.as_ref().map(|digest| digest[..] == Sha512::digest(body)[..]);
        match (sha_256, sha_512) {
            (None, None) => false,
            (a, b) => a.unwrap_or(true) && b.unwrap_or(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn parse(field: &str) -> Result<Option<ContentDigest>, sfv::Error> {
        let mut headers = HeaderMap::new();
        headers.insert(&CONTENT_DIGEST, HeaderValue::from_str(field).unwrap());
        ContentDigest::parse(&headers)
    }

    fn matches(field: &str, body: &str) -> bool {
        parse(field).unwrap().unwrap().matches(body.as_bytes())
    }

    #[test]
    fn vectors_of_rfc_9530() {
        let table = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/vectors/rfc9530_content_digest.json"
        ));
        let table: serde_json::Value = serde_json::from_str(table).unwrap();
        for row in table["valid"].as_array().unwrap() {
            let body = row["body"].as_str().unwrap();
            for algorithm in ["sha-256", "sha-512"] {
                let Some(digest) = row[algorithm].as_str() else { continue };
                let field = format!("{algorithm}=:{digest}:");
                assert!(matches(&field, body), "{field}");
                assert!(!matches(&field, &format!("{body} ")), "{field}");
            }
        }
        for row in table["invalid"].as_array().unwrap() {
            assert!(parse(row["content_digest"].as_str().unwrap()).is_err());
        }
    }

    #[test]
    fn all_known_digests_must_match_and_one_is_required() {
        let sha_256 = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
        let sha_512 = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
        let body = r#"{"hello": "world"}"#;
        let other = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
        assert!(matches(&format!("{sha_256}, {sha_512}"), body));
        assert!(matches(&format!("md5=:AAAA:, {sha_256}, sha=1"), body));
        assert!(!matches(&format!("{other}, {sha_512}"), body));
        for none in ["md5=:AAAA:", "sha-256=::", "sha-256", "sha-256=AAAA", "sha-256=(:AAAA:)"] {
            assert!(!matches(none, body), "{none}");
            assert!(!matches(none, ""), "{none}");
        }
        assert!(parse(&format!("{sha_256}, {sha_256}")).is_err(), "duplicate");
    }
}
