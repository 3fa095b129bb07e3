//! Signed JWTs, and a plain reading of JSON.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

pub const ISSUER: &str = "https://id.example.com";
pub const AUDIENCE: &str = "https://mcp.example.com/mcp";

/// The key of the issuer.
pub static KEY: LazyLock<Ed25519KeyPair> = LazyLock::new(|| key(7));

/// A key that the issuer does not have.
pub static FOREIGN_KEY: LazyLock<Ed25519KeyPair> = LazyLock::new(|| key(8));

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

/// Returns the public part of the issuer's key, as a JWK has it.
pub fn public_key() -> String {
    BASE64.encode(KEY.public_key())
}

/// Returns the JWK set of the issuer, with the key `k1`.
pub fn key_set() -> String {
    let x = public_key();
    format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"k1","x":"{x}"}}]}}"#)
}

/// Returns a token with these parts.
pub fn signed(key: &Ed25519KeyPair, header: &[u8], payload: &[u8]) -> String {
    let input = format!("{}.{}", BASE64.encode(header), BASE64.encode(payload));
    let signature = BASE64.encode(key.sign(input.as_bytes()));
    format!("{input}.{signature}")
}

/// Returns an object of these members, perhaps but for one, and of more text. The greatest value of `left_out`
/// leaves out all of it but the text.
pub fn object(members: &[&str], left_out: u8, more: &[u8]) -> Vec<u8> {
    let left_out = usize::from(left_out) % (members.len() + 2);
    if left_out > members.len() {
        return more.to_vec();
    }
    let kept = members.iter().enumerate().filter(|(index, _)| index + 1 != left_out);
    let kept = kept.map(|(_, member)| format!(",{member}")).collect::<String>();
    [br#"{"first":0"#, kept.as_bytes(), more, b"}"].concat()
}

/// Returns the time in seconds since 1970.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// The members of a JSON object, of which none is duplicate.
pub struct Members(HashMap<String, Box<RawValue>>);

impl Members {
    /// Reads them; `None` if it is no such object.
    pub fn read(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn value(&self, name: &str) -> Option<Value> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.value(name)?.as_str().map(str::to_owned)
    }

    pub fn number(&self, name: &str) -> Option<f64> {
        self.value(name)?.as_f64()
    }

    /// Returns whether `aud` is this audience, or a list of strings with it.
    pub fn is_for(&self, audience: &str) -> bool {
        match self.value("aud") {
            Some(Value::Array(all)) => {
                all.iter().all(Value::is_string) && all.iter().any(|one| one == audience)
            }
            one => one.is_some_and(|one| one == audience),
        }
    }

    /// Returns whether a header may be that of a token signed by the key `k1` of the issuer.
    pub fn names_key(&self) -> bool {
        let algorithm = self.text("alg").unwrap_or_default();
        ["EdDSA", "Ed25519"].contains(&&*algorithm)
            && (!self.has("kid") || self.text("kid").as_deref() == Some("k1"))
            && !["crit", "b64", "zip", "enc"].iter().any(|name| self.has(name))
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unique;
        impl<'de> Visitor<'de> for Unique {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = HashMap::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if members.insert(name, value).is_some() {
                        return Err(serde::de::Error::custom("duplicate"));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Unique)
    }
}
