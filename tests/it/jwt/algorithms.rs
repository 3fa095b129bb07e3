//! Algorithms and signatures: cases 15 to 25, 30 and 35.

use aws_lc_rs::hmac;
use mcp_auth_layer::Jwt;
use serde_json::json;

use super::{accepts, jwt, rejects, respond};
use crate::support::access_token::{
    EC, EC384, ED, ISSUER, K1, OTHER, RESOURCE, SigningKey, base64url, claims, good, header,
    issuer_keys, jwks, signed,
};

fn token(key: &SigningKey, alg: &str, kid: &str) -> String {
    let header = json!({"alg": alg, "kid": kid, "typ": "at+jwt"});
    key.token(alg, &header.to_string(), &claims().to_string())
}

#[tokio::test]
async fn asymmetric_algorithms_are_accepted() {
    for alg in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        accepts(&jwt(), &token(&K1, alg, "k1"), alg).await;
    }
    accepts(&jwt(), &token(&EC, "ES256", "ec"), "ES256").await;
    accepts(&jwt(), &token(&EC384, "ES384", "ec384"), "ES384").await;
    accepts(&jwt(), &token(&ED, "EdDSA", "ed"), "EdDSA").await;
    accepts(&jwt(), &token(&ED, "Ed25519", "ed"), "Ed25519").await;
}

#[tokio::test]
async fn other_algorithms_are_rejected() {
    let unsigned = |alg: &str| {
        let header = json!({"alg": alg, "kid": "k1"}).to_string();
        format!("{}.{}.", base64url(header), base64url(claims().to_string()))
    };
    for alg in ["none", "None", "nOnE", "NONE", ""] {
        rejects(&jwt(), &unsigned(alg), "not a JWT").await;
        rejects(&jwt(), &format!("{}AA", unsigned(alg)), "`alg` is").await;
    }
    for alg in ["rs256", "RS256 ", "ES512", "ES256K", "Ed448", "HS256", "RSA-OAEP", "ML-DSA-44"] {
        rejects(&jwt(), &token(&K1, alg, "k1"), "`alg` is").await;
    }
}

#[tokio::test]
async fn a_public_key_is_no_hmac_secret() {
    let jwk = K1.jwk("k1");
    let modulus = jwk["n"].as_str().unwrap();
    let secrets =
        [modulus.as_bytes().to_vec(), jwk.to_string().into_bytes(), issuer_keys().into_bytes()];
    for secret in secrets {
        for (alg, algorithm) in [
            ("HS256", hmac::HMAC_SHA256),
            ("HS384", hmac::HMAC_SHA384),
            ("HS512", hmac::HMAC_SHA512),
        ] {
            let header = json!({"alg": alg, "kid": "k1", "typ": "at+jwt"}).to_string();
            let signed = format!("{}.{}", base64url(header), base64url(claims().to_string()));
            let tag = hmac::sign(&hmac::Key::new(algorithm, &secret), signed.as_bytes());
            rejects(&jwt(), &format!("{signed}.{}", base64url(tag)), "`alg` is").await;
        }
    }
}

#[tokio::test]
async fn a_key_is_used_for_its_own_algorithms_alone() {
    for (key, alg, kid) in [
        (&*K1, "RS256", "ec"),
        (&*EC, "ES256", "k1"),
        (&*EC, "ES384", "ec"),
        (&*EC384, "ES256", "ec384"),
        (&*ED, "EdDSA", "ec"),
        (&*EC, "ES256", "ed"),
    ] {
        rejects(&jwt(), &token(key, alg, kid), "is not for `alg`").await;
    }
    let mut named = K1.jwk("k1");
    named["alg"] = json!("RS256");
    let jwt = Jwt::with_keys(ISSUER, RESOURCE, jwks([named])).unwrap();
    accepts(&jwt, &token(&K1, "RS256", "k1"), "RS256").await;
    for alg in ["PS256", "RS384"] {
        rejects(&jwt, &token(&K1, alg, "k1"), "is not for `alg`").await;
    }
}

#[tokio::test]
async fn signatures_of_another_form_are_rejected() {
    let signed = good();
    let (signed, _) = signed.rsplit_once('.').unwrap();
    for signature in [vec![0; 256], vec![0; 1], vec![0xff; 256], vec![0; 8_000]] {
        rejects(&jwt(), &format!("{signed}.{}", base64url(signature)), "the signature is wrong")
            .await;
    }
    let header = json!({"alg": "ES256", "kid": "ec"}).to_string();
    let der = EC.in_der().token("ES256", &header, &claims().to_string());
    rejects(&jwt(), &der, "the signature is wrong").await;
    let token = token(&EC, "ES256", "ec");
    let (signed, _) = token.rsplit_once('.').unwrap();
    rejects(&jwt(), &format!("{signed}.{}", base64url([0; 64])), "the signature is wrong").await;
}

#[tokio::test]
async fn a_signature_covers_one_token_and_one_key() {
    let (first, second) = (good(), signed(&header(), &json!({"iss": ISSUER, "sub": "mallory"})));
    let (signed, _) = second.rsplit_once('.').unwrap();
    let (_, signature) = first.rsplit_once('.').unwrap();
    rejects(&jwt(), &format!("{signed}.{signature}"), "the signature is wrong").await;
    rejects(&jwt(), &token(&OTHER, "RS256", "k1"), "the signature is wrong").await;
    // The key in the header is the attacker's.
    let header = json!({"alg": "RS256", "kid": "k1", "jwk": OTHER.jwk("k1")}).to_string();
    rejects(&jwt(), &OTHER.token("RS256", &header, &claims().to_string()), "signature is wrong")
        .await;
}

#[tokio::test]
async fn another_key_never_stands_in_for_the_named_one() {
    let both = Jwt::with_keys(ISSUER, RESOURCE, jwks([K1.jwk("k1"), OTHER.jwk("k2")])).unwrap();
    accepts(&both, &token(&K1, "RS256", "k1"), "k1").await;
    rejects(&both, &token(&K1, "RS256", "k2"), "the signature is wrong").await;
    rejects(&both, &token(&K1, "RS256", "k3"), "no key of the issuer has `kid` \\\"k3\\\"").await;
    let (response, _) = respond(both, &token(&OTHER, "RS256", "k2")).await;
    assert_eq!(response.status, 200);
}
