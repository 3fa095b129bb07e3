//! The claims of a token: cases 38 to 54.

use serde_json::{Value, json};

use super::{accepts, jwt, rejects, respond};
use crate::support::access_token::{ISSUER, K1, RESOURCE, claims, header, now, with_claims};
use mcp_auth_layer::auth::Lifetime;

fn with(name: &str, value: Value) -> String {
    with_claims(|claims| claims[name] = value)
}

fn without(name: &str) -> String {
    with_claims(|claims| drop(claims.as_object_mut().unwrap().remove(name)))
}

#[tokio::test]
async fn the_issuer_is_compared_byte_by_byte() {
    accepts(&jwt(), &with("iss", json!(ISSUER)), "ours").await;
    for other in ["https://id.example.com/", "https://ID.example.com", "https://evil.example", ""] {
        rejects(&jwt(), &with("iss", json!(other)), "`iss` is").await;
    }
    rejects(&jwt(), &without("iss"), "`iss` is missing").await;
    for other in [json!([ISSUER]), json!(7), json!(null), json!({})] {
        rejects(&jwt(), &with("iss", other), "`iss` does not have the type").await;
    }
}

#[tokio::test]
async fn the_audience_must_be_ours() {
    for ours in [json!(RESOURCE), json!([RESOURCE]), json!(["https://other.example", RESOURCE])] {
        accepts(&jwt(), &with("aud", ours), "ours").await;
    }
    rejects(&jwt(), &without("aud"), "`aud` is missing").await;
    for other in [json!(null), json!(7), json!({}), json!(["x", 7]), json!([[RESOURCE]])] {
        rejects(&jwt(), &with("aud", other), "`aud` does not have the type").await;
    }
    for other in [
        json!([]),
        json!(""),
        json!("cli"),
        json!("https://mcp.example.com/mcp/"),
        json!("https://mcp.example.com"),
        json!("https://mcp.example.com/mcp/x"),
        json!("https://mcp.example.com/MCP"),
        json!(format!("{RESOURCE} {RESOURCE}")),
    ] {
        rejects(&jwt(), &with("aud", other), "`aud` is").await;
    }
    rejects(&jwt(), &with("aud", json!("the-client")), "the-client").await;
}

#[tokio::test]
async fn expiry_is_required_and_has_a_leeway() {
    for (ago, is_accepted) in [(59, true), (61, false)] {
        let token = with("exp", json!(now() - ago));
        let (response, head) = respond(jwt(), &token).await;
        assert_eq!(response.status == 200, is_accepted, "{ago}");
        if let Some(head) = head {
            let expires_at = head.extensions.get::<Lifetime>().unwrap().expires_at().unwrap();
            let left = expires_at.duration_since(std::time::SystemTime::now()).unwrap_or_default();
            assert!(left.as_secs() <= 1, "the stream ends with the leeway: {left:?}");
        }
    }
    rejects(&jwt(), &with("exp", json!(now() - 100)), "the token expired 10").await;
    rejects(&jwt(), &without("exp"), "`exp` is missing").await;
    for other in
        [json!("9999999999"), json!(-1), json!(1e300), json!(u64::MAX), json!(null), json!([1])]
    {
        rejects(&jwt(), &with("exp", other), "`exp` does not have the type").await;
    }
    accepts(&jwt(), &with("exp", json!(now() as f64 + 0.5)), "fractions").await;
}

#[tokio::test]
async fn tokens_of_the_future_are_rejected() {
    accepts(&jwt(), &with("nbf", json!(now() + 55)), "within the leeway").await;
    rejects(&jwt(), &with("nbf", json!(now() + 65)), "not valid before").await;
    rejects(&jwt(), &with("nbf", json!("0")), "`nbf` does not have the type").await;
    accepts(&jwt(), &with("iat", json!(now() + 55)), "within the leeway").await;
    rejects(&jwt(), &with("iat", json!(now() + 3600)), "in the future").await;
    rejects(&jwt(), &with("iat", json!("0")), "`iat` does not have the type").await;
    accepts(&jwt(), &without("iat"), "no iat").await;
}

#[tokio::test]
async fn a_subject_is_required() {
    rejects(&jwt(), &without("sub"), "`sub` is missing").await;
    for other in ["", "alice\n", "a\u{0}b", "a\u{85}b", &"a".repeat(256)] {
        rejects(&jwt(), &with("sub", json!(other)), "`sub` is empty, too long").await;
    }
    rejects(&jwt(), &with("sub", json!(7)), "`sub` does not have the type").await;
    for name in ["é", "a b", "auth0|5f7c", &"a".repeat(255)] {
        accepts(&jwt(), &with("sub", json!(name)), name).await;
    }
}

#[tokio::test]
async fn duplicate_claims_are_rejected() {
    let claims = claims().to_string();
    for extra in [
        format!(r#""aud":"{RESOURCE}""#),
        r#""sub":"alice""#.to_owned(),
        r#""scope":"tools:write""#.to_owned(),
        format!(r#""exp":{}"#, now() + 300),
        r#""s\u0075b":"mallory""#.to_owned(),
        r#""x":1,"x":1"#.to_owned(),
    ] {
        for payload in [
            format!("{},{extra}}}", claims.strip_suffix('}').unwrap()),
            format!("{{{extra},{}", claims.strip_prefix('{').unwrap()),
        ] {
            let token = K1.token("RS256", &header().to_string(), &payload);
            rejects(&jwt(), &token, "a member is there twice").await;
        }
    }
}

#[tokio::test]
async fn thousands_of_claims_are_no_burden() {
    let many = |n: usize| {
        let members: String = (0..n).map(|n| format!(r#","{n}":1"#)).collect();
        let claims = claims().to_string();
        let payload = format!("{}{members}}}", claims.strip_suffix('}').unwrap());
        K1.token("RS256", &header().to_string(), &payload)
    };
    accepts(&jwt(), &many(1_000), "1,000 members").await;
}

#[tokio::test]
async fn tokens_that_are_bound_to_a_key_are_rejected() {
    for cnf in
        [json!({"jkt": "0ZcOCORZNYy"}), json!({"x5t#S256": "bwcK0esc3AC"}), json!({}), json!(null)]
    {
        rejects(&jwt(), &with("cnf", cnf), "`cnf`").await;
    }
}

#[tokio::test]
async fn tokens_of_another_kind_are_rejected() {
    for (name, value) in [
        ("typ", json!("ID")),
        ("typ", json!("Refresh")),
        ("typ", json!("Offline")),
        ("typ", json!("Logout")),
        ("token_use", json!("id")),
        ("at_hash", json!("x")),
        ("c_hash", json!("x")),
        ("events", json!({})),
    ] {
        let reason = format!("`{name}` says that this is no access token");
        rejects(&jwt(), &with(name, value), &reason).await;
    }
    for (name, value) in [("typ", json!("Bearer")), ("token_use", json!("access"))] {
        accepts(&jwt(), &with(name, value), name).await;
    }
}

#[tokio::test]
async fn scopes_that_are_no_scopes_are_rejected() {
    for scope in [json!(7), json!(["a", 7]), json!({}), json!(null)] {
        rejects(&jwt(), &with("scope", scope), "`scope` does not have the type").await;
    }
    for scope in ["a\"b", "a\\b", "a\tb", "é"] {
        rejects(&jwt(), &with("scope", json!(scope)), "a scope of the token is not a scope").await;
    }
}
