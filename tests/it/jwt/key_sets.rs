//! Sets of keys: cases 24, 31, 67, 68 and 69.

use mcp_auth_layer::Jwt;
use serde_json::{Value, json};

use super::{accepts, rejects};
use crate::support::access_token::{
    EC, ISSUER, K1, OTHER, RESOURCE, base64url, claims, good, jwks,
};

fn with(keys: impl IntoIterator<Item = Value>) -> Jwt {
    Jwt::with_keys(ISSUER, RESOURCE, jwks(keys)).unwrap()
}

fn edited(edit: impl FnOnce(&mut Value)) -> Value {
    let mut jwk = OTHER.jwk("odd");
    edit(&mut jwk);
    jwk
}

/// Keys that cannot be used.
fn odd_keys() -> Vec<Value> {
    vec![
        json!(7),
        json!({}),
        json!({"kty": "oct", "kid": "odd", "k": "c2VjcmV0"}),
        json!({"kty": "AKP", "alg": "ML-DSA-44", "kid": "odd", "pub": "AAAA"}),
        json!({"kty": "EC", "crv": "P-521", "kid": "odd", "x": "AAAA", "y": "AAAA"}),
        json!({"kty": "EC", "crv": "P-256", "kid": "odd", "x": "AAAA", "y": "AAAA"}),
        json!({"kty": "EC", "crv": "P-256", "kid": "odd", "x": base64url([9; 32]), "y": base64url([9; 32])}),
        json!({"kty": "OKP", "crv": "Ed448", "kid": "odd", "x": "AAAA"}),
        json!({"kty": "OKP", "crv": "X25519", "kid": "odd", "x": base64url([9; 32])}),
        json!({"kty": "RSA", "kid": "odd", "n": base64url([0xff; 128]), "e": "AQAB"}),
        json!({"kty": "RSA", "kid": "odd", "n": base64url([0xff; 1025]), "e": "AQAB"}),
        json!({"kty": "RSA", "kid": "odd", "n": base64url([0; 256]), "e": "AQAB"}),
        json!({"kty": "RSA", "kid": "odd", "n": "not base64!", "e": "AQAB"}),
        json!({"kty": "RSA", "kid": "odd"}),
        edited(|jwk| jwk["kid"] = json!(7)),
        edited(|jwk| jwk["use"] = json!("enc")),
        edited(|jwk| jwk["use"] = json!(["sig"])),
        edited(|jwk| jwk["key_ops"] = json!(["sign"])),
        edited(|jwk| jwk["key_ops"] = json!("verify")),
        edited(|jwk| jwk["alg"] = json!("RSA-OAEP")),
        edited(|jwk| jwk["alg"] = json!("ES256")),
        edited(|jwk| jwk["alg"] = json!(7)),
        edited(|jwk| jwk["d"] = json!("AAAA")),
    ]
}

#[tokio::test]
async fn a_key_that_cannot_be_used_never_spoils_the_set() {
    for odd in odd_keys() {
        accepts(&with([odd.clone(), K1.jwk("k1")]), &good(), &odd).await;
        let alone = Jwt::with_keys(ISSUER, RESOURCE, jwks([odd.clone()]));
        let error = alone.expect_err(&odd.to_string()).to_string();
        assert!(error.contains("none of the 1 keys"), "{error}");
        let header = json!({"alg": "RS256", "kid": "odd"}).to_string();
        let token = OTHER.token("RS256", &header, &claims().to_string());
        rejects(&with([odd, K1.jwk("k1")]), &token, "no key of the issuer").await;
    }
    accepts(&with(odd_keys().into_iter().chain([K1.jwk("k1")])), &good(), "all of them").await;
}

#[tokio::test]
async fn members_that_say_nothing_of_signatures_are_ignored() {
    let mut jwk = K1.jwk("k1");
    jwk["x5c"] = json!("a");
    jwk["x5t"] = json!(7);
    jwk["use"] = json!("sig");
    jwk["key_ops"] = json!(["verify"]);
    jwk["unknown"] = json!({});
    accepts(&with([jwk]), &good(), "ignored members").await;
}

#[tokio::test]
async fn two_keys_of_one_id_are_told_apart_by_algorithm() {
    let jwt = with([EC.jwk("k1"), K1.jwk("k1")]);
    accepts(&jwt, &good(), "RS256").await;
    let header = json!({"alg": "ES256", "kid": "k1"}).to_string();
    accepts(&jwt, &EC.token("ES256", &header, &claims().to_string()), "ES256").await;
}

#[test]
fn sets_have_a_greatest_size() {
    let key = K1.jwk("k1");
    let set = |n: usize| Jwt::with_keys(ISSUER, RESOURCE, jwks(vec![key.clone(); n]));
    assert!(set(100).is_ok());
    assert!(set(101).unwrap_err().to_string().contains("more than 100 keys"));
    let mut padded = jwks([key]);
    padded.push_str(&" ".repeat(256 * 1024));
    let error = Jwt::with_keys(ISSUER, RESOURCE, padded).unwrap_err().to_string();
    assert!(error.contains("more than 256 KiB"), "{error}");
}
