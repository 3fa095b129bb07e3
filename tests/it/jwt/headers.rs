//! The header of a token: cases 27 to 37.

use mcp_auth_layer::Jwt;
use serde_json::json;
use tokio::net::TcpListener;

use super::{accepts, jwt, rejects};
use crate::support::access_token::{
    ISSUER, K1, OTHER, RESOURCE, SigningKey, claims, header, jwks, signed, with_header,
};

#[tokio::test]
async fn headers_that_change_the_meaning_are_rejected() {
    for (name, value) in [
        ("crit", json!(["b64"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(null)),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
    ] {
        let token = with_header(|header| header[name] = value.clone());
        rejects(&jwt(), &token, &format!("the header has `{name}`")).await;
    }
    accepts(&jwt(), &with_header(|header| header["x"] = json!({"crit": []})), "another").await;
}

#[tokio::test]
async fn urls_of_keys_are_never_fetched() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    for name in ["jku", "x5u"] {
        accepts(&jwt(), &with_header(|header| header[name] = json!(url)), name).await;
        let mut header = header();
        header[name] = json!(url);
        let token = OTHER.token("RS256", &header.to_string(), &claims().to_string());
        rejects(&jwt(), &token, "the signature is wrong").await;
    }
    // A connection to a listener is complete before it is accepted.
    listener.into_std().unwrap().accept().unwrap_err();
}

#[tokio::test]
async fn duplicate_members_of_a_header_are_rejected() {
    for extra in [r#""alg":"RS256""#, r#""kid":"k1""#, r#""\u0061lg":"none""#, r#""a":1,"a":1"#] {
        let header = format!(r#"{{"alg":"RS256","kid":"k1",{extra}}}"#);
        rejects(&jwt(), &K1.token("RS256", &header, &claims().to_string()), "there twice").await;
    }
    let header = r#"{"\u0061lg":"RS256","kid":"k\u0031","a":1}"#;
    accepts(&jwt(), &K1.token("RS256", header, &claims().to_string()), "escapes").await;
}

#[tokio::test]
async fn odd_key_ids_are_rejected_and_leave_the_log_intact() {
    for (kid, reason) in [
        (json!(7), "`kid` does not have the type"),
        (json!(null), "`kid` does not have the type"),
        (json!("k".repeat(2_000)), "`kid` is too long"),
        (json!("../../etc/passwd"), "no key of the issuer"),
        (json!("k1\n2026 INFO forged"), "no key of the issuer"),
        (json!("k1\u{202e}"), "no key of the issuer"),
        (json!("K1"), "no key of the issuer"),
        (json!(""), "no key of the issuer"),
    ] {
        rejects(&jwt(), &with_header(|header| header["kid"] = kid.clone()), reason).await;
    }
}

#[tokio::test]
async fn a_token_without_key_id_is_tried_with_up_to_four_keys() {
    let unnamed = with_header(|header| drop(header.as_object_mut().unwrap().remove("kid")));
    let keys: Vec<_> = (0..5).map(|n| SigningKey::p256().jwk(&format!("ec{n}"))).collect();
    let more =
        |n: usize| (0..n).map(|n| SigningKey::rsa().jwk(&format!("r{n}"))).collect::<Vec<_>>();
    let with = |others: Vec<serde_json::Value>| {
        let all = others.into_iter().chain(keys.clone()).chain([K1.jwk("k1")]);
        Jwt::with_keys(ISSUER, RESOURCE, jwks(all)).unwrap()
    };
    accepts(&with(vec![]), &unnamed, "keys of other types do not count").await;
    accepts(&with(more(1)), &unnamed, "two RSA keys").await;
    rejects(&with(more(5)), &unnamed, "more than four keys of the issuer fit `kid` missing").await;
    let without = Jwt::with_keys(ISSUER, RESOURCE, jwks([OTHER.jwk("k1")])).unwrap();
    rejects(&without, &unnamed, "the signature is wrong").await;
}

#[tokio::test]
async fn only_types_of_access_tokens_are_accepted() {
    let typed = |typ: &str| with_header(|header| header["typ"] = json!(typ));
    let untyped = with_header(|header| drop(header.as_object_mut().unwrap().remove("typ")));
    let strict = jwt().require_at_jwt();
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
        accepts(&jwt(), &typed(typ), typ).await;
        accepts(&strict, &typed(typ), typ).await;
    }
    for token in [typed("JWT"), typed("jwt"), untyped] {
        accepts(&jwt(), &token, "JWT").await;
        rejects(&strict, &token, "this is no access token").await;
    }
    for typ in ["dpop+jwt", "oauth-id-jag+jwt", "logout+jwt", "secevent+jwt", "id+jwt", "", "at"] {
        rejects(&jwt(), &typed(typ), "this is no access token").await;
    }
    let odd = signed(&json!({"alg": "RS256", "kid": "k1", "typ": 7}), &claims());
    rejects(&jwt(), &odd, "`typ` does not have the type").await;
}
