//! Case 53: each check of a SET, broken one by one, beside the good SET.

use serde_json::{Value, json};

use super::*;
use crate::support::access_token::{EC, ED, OTHER, base64url};

/// Asserts that the good SET is accepted, the broken one is refused with this error, and that the broken one alone
/// revokes nothing.
async fn breaks(what: &str, err: &str, broken: impl Into<String>) {
    let app = app().await;
    refuses(&app, broken.into(), err, what).await;
    assert!(!is_revoked(&app, "alice").await, "{what}");
    accepts(&app, good_set()).await;
    assert!(is_revoked(&app, "alice").await);
}

fn claim(name: &str, value: Value) -> String {
    set_with(|claims| claims[name] = value)
}

fn without(name: &str) -> String {
    set_with(|claims| drop(claims.as_object_mut().unwrap().remove(name)))
}

fn header(name: &str, value: Value) -> String {
    set_with_header(|header| header[name] = value)
}

#[tokio::test]
async fn a_body_that_is_no_signed_token_is_refused() {
    let set = good_set();
    let parts: Vec<_> = set.split('.').collect();
    for (what, body) in [
        ("empty", String::new()),
        ("JSON", set_claims().to_string()),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("five parts", format!("{set}.a.b")),
        ("padded", format!("{set}=")),
        ("a line end", format!("{set}\n")),
        ("two tokens", format!("{set} {set}")),
        ("not base64url", set.replacen('.', "+.", 1)),
    ] {
        breaks(what, "invalid_request", body).await;
    }
    let app = app().await;
    refuses(&app, b"\xff\xfe".to_vec(), "invalid_request", "not UTF-8").await;
}

#[tokio::test]
async fn the_type_of_the_token_is_required() {
    for typ in
        ["JWT", "at+jwt", "logout+jwt", "secevent", "secevent+jwt+x", "", "text/secevent+jwt"]
    {
        breaks(typ, "invalid_request", header("typ", json!(typ))).await;
    }
    let untyped = set_with_header(|header| drop(header.as_object_mut().unwrap().remove("typ")));
    breaks("no typ", "invalid_request", untyped).await;
    accepts(&app().await, header("typ", json!("application/secevent+jwt"))).await;
    accepts(&app().await, header("typ", json!("SECEVENT+JWT"))).await;
}

#[tokio::test]
async fn only_signatures_of_the_issuers_algorithms_count() {
    let claims = set_claims().to_string();
    for alg in ["none", "None", "", "HS256", "HS512", "RSA-OAEP", "ES256K"] {
        breaks(alg, "invalid_key", header("alg", json!(alg))).await;
    }
    let unsigned =
        format!("{}.{}.e30", base64url(json!({"alg": "none"}).to_string()), base64url(&claims));
    breaks("unsigned", "invalid_key", unsigned).await;
    breaks("alg of another key", "invalid_key", header("alg", json!("ES256"))).await;
    let without = set_with_header(|header| drop(header.as_object_mut().unwrap().remove("alg")));
    breaks("no alg", "invalid_request", without).await;
    for (alg, kid, key) in [("ES256", "ec", &*EC), ("EdDSA", "ed", &*ED), ("PS256", "k1", &*K1)] {
        let header = json!({"alg": alg, "kid": kid, "typ": "secevent+jwt"}).to_string();
        accepts(&app().await, key.token(alg, &header, &claims)).await;
    }
}

#[tokio::test]
async fn only_keys_of_the_issuer_count() {
    let (head, claims) = (set_header().to_string(), set_claims().to_string());
    breaks("an unknown kid", "invalid_key", header("kid", json!("k2"))).await;
    breaks("the kid of another key", "invalid_key", header("kid", json!("ed"))).await;
    breaks("another key", "authentication_failed", OTHER.token("RS256", &head, &claims)).await;
    breaks("crit", "invalid_request", header("crit", json!(["x"]))).await;
    let set = good_set();
    let (signed, signature) = set.rsplit_once('.').unwrap();
    let other = set_with(|claims| claims["jti"] = json!("e-2"));
    let (other_signed, _) = other.rsplit_once('.').unwrap();
    breaks("other claims", "authentication_failed", format!("{other_signed}.{signature}")).await;
    breaks("a short signature", "authentication_failed", format!("{signed}.{}", &signature[4..]))
        .await;
    // A key in the header is not read.
    let with_jwk =
        json!({"alg": "RS256", "kid": "k1", "typ": "secevent+jwt", "jwk": OTHER.jwk("k1")});
    let with_jwk = OTHER.token("RS256", &with_jwk.to_string(), &claims);
    breaks("a key in the header", "authentication_failed", with_jwk).await;
}

#[tokio::test]
async fn the_issuer_is_compared_byte_by_byte() {
    for issuer in [
        json!("https://id.example.com/"),
        json!("https://ID.example.com"),
        json!("https://other.example.com"),
        json!([ISSUER]),
        json!(null),
        json!(""),
    ] {
        breaks(&issuer.to_string(), "invalid_issuer", claim("iss", issuer.clone())).await;
    }
    breaks("no iss", "invalid_issuer", without("iss")).await;
}

#[tokio::test]
async fn the_audience_is_this_server() {
    for audience in
        [json!(RESOURCE), json!("https://mcp.example.com/events/"), json!([]), json!([7, AUDIENCE])]
    {
        breaks(&audience.to_string(), "invalid_audience", claim("aud", audience.clone())).await;
    }
    breaks("no aud", "invalid_audience", without("aud")).await;
    accepts(&app().await, claim("aud", json!(["other", AUDIENCE]))).await;
    let (app, _) = app_with(transmitter().audience("second").audience("")).await;
    accepts(&app, claim("aud", json!("second"))).await;
    refuses(&app, claim("aud", json!("")), "invalid_audience", "an empty one").await;
}

#[tokio::test]
async fn the_time_of_issue_is_recent() {
    const WEEK: u64 = 7 * 24 * 3600;
    for (what, iat) in [
        ("in the future", json!(now() + 90)),
        ("too old", json!(now() - WEEK - 90)),
        ("text", json!(now().to_string())),
        ("null", json!(null)),
    ] {
        breaks(what, "invalid_request", claim("iat", iat)).await;
    }
    breaks("no iat", "invalid_request", without("iat")).await;
    for iat in [now() + 30, now() - WEEK] {
        accepts(&app().await, claim("iat", json!(iat))).await;
    }
    let (app, _) = app_with(transmitter().skew(std::time::Duration::ZERO)).await;
    refuses(&app, claim("iat", json!(now() + 30)), "invalid_request", "without a skew").await;
}

#[tokio::test]
async fn a_token_that_expires_or_has_sub_is_refused() {
    breaks("exp", "invalid_request", claim("exp", json!(now() + 300))).await;
    breaks("sub", "invalid_request", claim("sub", json!("alice"))).await;
}

#[tokio::test]
async fn an_id_is_required() {
    for jti in [json!(""), json!(1), json!(null)] {
        breaks(&jti.to_string(), "invalid_request", claim("jti", jti.clone())).await;
    }
    breaks("no jti", "invalid_request", without("jti")).await;
}

#[tokio::test]
async fn there_is_one_event() {
    let revoked = format!("{CAEP}/session-revoked");
    for events in [
        json!({}),
        json!({&revoked: {}, format!("{RISC}/account-disabled"): {}}),
        json!([&revoked]),
        json!({&revoked: []}),
        json!({&revoked: {"event_timestamp": "now"}}),
        json!({format!("{CAEP}/credential-change"): {}}),
    ] {
        breaks(&events.to_string(), "invalid_request", claim("events", events.clone())).await;
    }
    breaks("no events", "invalid_request", without("events")).await;
}

#[tokio::test]
async fn there_is_one_subject() {
    for subject in [
        json!("alice"),
        json!({}),
        json!({"format": "iss_sub", "sub": "alice"}),
        json!({"format": "iss_sub", "iss": ISSUER}),
        json!({"format": "opaque", "id": ""}),
        json!({"format": "complex", "user": "alice"}),
    ] {
        breaks(&subject.to_string(), "invalid_request", claim("sub_id", subject.clone())).await;
    }
    breaks("no sub_id", "invalid_request", without("sub_id")).await;
    let both = set_with(|claims| {
        let bob = json!({"subject": {"format": "iss_sub", "iss": ISSUER, "sub": "bob"}});
        claims["events"] = json!({format!("{CAEP}/session-revoked"): bob});
    });
    breaks("two subjects", "invalid_request", both).await;
}

#[tokio::test]
async fn a_member_that_is_there_twice_is_refused() {
    let (head, claims) = (set_header().to_string(), set_claims().to_string());
    let twice = |json: &str, member: &str| json.replacen('{', &format!("{{{member},"), 1);
    let inner = claims.replacen(r#""format":"#, r#""format":"opaque","format":"#, 1);
    for (what, header, payload) in [
        ("aud", head.clone(), twice(&claims, &format!(r#""aud":"{AUDIENCE}""#))),
        ("exp", head.clone(), twice(&claims, r#""jti":"e-2""#)),
        ("in the subject", head.clone(), inner),
        ("typ", twice(&head, r#""typ":"JWT""#), claims.clone()),
        ("two objects", head.clone(), format!("{claims}{claims}")),
        ("an array", head.clone(), format!("[{claims}]")),
    ] {
        breaks(what, "invalid_request", K1.token("RS256", &header, &payload)).await;
    }
}
