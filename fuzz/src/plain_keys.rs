//! A plain reading of JWK sets (RFC 7517).

use serde_json::{Map, Value};

use crate::tokens::public_key;

/// Keys of other types, which are valid.
pub const RSA: &str = r#""kty":"RSA","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw""#;
pub const P256: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;

/// What a plain reading says of a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Usable {
    /// It is the key that signed the token.
    Own,
    Yes,
    /// If it is a valid key, which is not known here.
    Perhaps,
    No,
}

/// A key of a set.
pub struct Key {
    pub id: Option<String>,
    pub is_ed25519: bool,
    pub usable: Usable,
}

/// Reads the keys of a set: none, if it is no set.
pub fn keys(set: &[u8]) -> Vec<Key> {
    let Ok(Value::Object(set)) = serde_json::from_slice(set) else { return Vec::new() };
    let keys = set.get("keys").and_then(Value::as_array).filter(|keys| keys.len() <= 100);
    keys.into_iter().flatten().filter_map(Value::as_object).map(key).collect()
}

fn key(jwk: &Map<String, Value>) -> Key {
    let text = |name| jwk.get(name).and_then(Value::as_str);
    let is_absent_or = |name, fits: &dyn Fn(&Value) -> bool| jwk.get(name).is_none_or(fits);
    let is_private =
        ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|name| jwk.contains_key(*name));
    let [rsa, p256] = [RSA, P256].map(|members| -> Map<String, Value> {
        serde_json::from_str(&format!("{{{members}}}")).unwrap()
    });
    let has_all =
        |known: &Map<String, Value>| known.iter().all(|(name, own)| jwk.get(name) == Some(own));
    let kind = (text("kty"), text("crv"));
    let (algorithms, usable): (&[&str], _) = match kind {
        (Some("OKP"), Some("Ed25519")) if text("x") == Some(&public_key()) => {
            (&["EdDSA", "Ed25519"], Usable::Own)
        }
        (Some("OKP"), Some("Ed25519")) => (&["EdDSA", "Ed25519"], Usable::Perhaps),
        (Some("RSA"), _) => {
            let usable = if has_all(&rsa) { Usable::Yes } else { Usable::Perhaps };
            (&["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"], usable)
        }
        (Some("EC"), Some("P-256")) => {
            (&["ES256"], if has_all(&p256) { Usable::Yes } else { Usable::Perhaps })
        }
        (Some("EC"), Some("P-384")) => (&["ES384"], Usable::Perhaps),
        _ => (&[], Usable::No),
    };
    let is_usable = !is_private
        && is_absent_or("use", &|usage| usage == "sig")
        && is_absent_or("key_ops", &|all| {
            all.as_array().is_some_and(|all| all.iter().any(|one| one == "verify"))
        })
        && is_absent_or("kid", &Value::is_string)
        && is_absent_or("alg", &|named| algorithms.iter().any(|one| named == one));
    Key {
        id: text("kid").map(str::to_owned),
        is_ed25519: kind == (Some("OKP"), Some("Ed25519")),
        usable: if is_usable { usable } else { Usable::No },
    }
}
