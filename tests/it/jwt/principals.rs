//! What a token makes of the principal: cases 45, 51, 52, 57 and 58, and sessions across tokens.

use http::Method;
use mcp_auth_layer::auth::Lifetime;
use mcp_auth_layer::schemes::TokenClaims;
use mcp_auth_layer::{McpAuthLayer, Principal};
use serde_json::{Value, json};

use super::{jwt, respond};
use crate::support::access_token::{ISSUER, RESOURCE, good, now, with_claims};
use crate::support::{get, recorder, request, send};

async fn principal(token: &str) -> Principal {
    let (_, head) = respond(jwt().roles_claim("groups"), token).await;
    head.expect("an accepted token").extensions.get::<Principal>().unwrap().clone()
}

fn scopes(principal: &Principal) -> Vec<&str> {
    principal.scopes().collect()
}

#[tokio::test]
async fn subject_and_issuer_name_the_principal() {
    let alice = principal(&good()).await;
    assert_eq!((alice.name(), alice.issuer()), ("alice", Some(ISSUER)));
    let claims = alice.data::<TokenClaims>().unwrap();
    assert_eq!((claims.subject(), claims.issuer(), claims.jti()), ("alice", ISSUER, Some("t-1")));
    assert_eq!(claims.client_id(), Some("cli"));
    assert_eq!(claims.audiences().collect::<Vec<_>>(), [RESOURCE]);
    assert!(claims.issued_at().unwrap() < claims.expires_at().unwrap());
}

#[tokio::test]
async fn further_claims_are_typed_data() {
    let token = with_claims(|claims| {
        claims["groups"] = json!(["ops", "dev"]);
        claims["level"] = json!(3);
    });
    let alice = principal(&token).await;
    let claims = alice.data::<TokenClaims>().unwrap();
    assert_eq!(claims.get::<u8>("level"), Some(3));
    assert_eq!(claims.get::<String>("level"), None);
    assert_eq!(claims.get::<u8>("missing"), None);
    let parsed: std::collections::HashMap<String, Value> = claims.parse().unwrap();
    assert_eq!(parsed["level"], 3);
    assert_eq!(alice.roles().collect::<Vec<_>>(), ["ops", "dev"]);
    let shown = format!("{claims:?} {alice:?}");
    assert!(
        shown.contains("alice") && !shown.contains("level") && !shown.contains("t-1"),
        "{shown}"
    );
}

/// A directory that writes one group as a string must not make parts of its name into groups.
#[tokio::test]
async fn a_role_is_whole_even_if_it_has_spaces() {
    for (groups, expected) in [
        (json!("not admin"), &["not admin"][..]),
        (json!(["not admin", "ops"]), &["not admin", "ops"]),
        (json!("admin"), &["admin"]),
        (json!(""), &[]),
        (json!(7), &[]),
        (json!({"admin": true}), &[]),
    ] {
        let token = with_claims(|claims| claims["groups"] = groups.clone());
        let alice = principal(&token).await;
        assert_eq!(alice.roles().collect::<Vec<_>>(), expected, "{groups}");
    }
}

#[tokio::test]
async fn scopes_are_in_scope_or_scp() {
    for (name, value, expected) in [
        ("scope", json!("a b"), &["a", "b"][..]),
        ("scope", json!("  a  b "), &["a", "b"]),
        ("scope", json!(["a", "b"]), &["a", "b"]),
        ("scope", json!(""), &[]),
        ("scp", json!("a b"), &["a", "b"]),
        ("scp", json!(["a", "b"]), &["a", "b"]),
        ("scp", json!(["", "a"]), &["a"]),
        ("roles", json!(["a"]), &[]),
    ] {
        let token = with_claims(|claims| {
            claims.as_object_mut().unwrap().remove("scope");
            claims[name] = value.clone();
        });
        assert_eq!(scopes(&principal(&token).await), expected, "{name} {value}");
    }
    // `scope` is the registered one (RFC 9068 §2.2.3).
    let both = with_claims(|claims| claims["scp"] = json!(["z"]));
    assert_eq!(scopes(&principal(&both).await), ["tools:read"]);
}

#[tokio::test]
async fn a_client_may_be_a_url_or_the_subject() {
    let url = "https://client.example/metadata.json";
    let alice = principal(&with_claims(|claims| claims["client_id"] = json!(url))).await;
    assert_eq!(alice.data::<TokenClaims>().unwrap().client_id(), Some(url));
    let machine = principal(&with_claims(|claims| claims["sub"] = json!("cli"))).await;
    assert_eq!(machine.name(), "cli");
    for name in ["azp", "cid", "appid"] {
        let token = with_claims(|claims| {
            claims.as_object_mut().unwrap().remove("client_id");
            claims[name] = json!("app");
        });
        let alice = principal(&token).await;
        assert_eq!(alice.data::<TokenClaims>().unwrap().client_id(), Some("app"), "{name}");
    }
}

#[tokio::test]
async fn a_session_belongs_to_the_subject_and_not_to_the_token() {
    let (app, seen) = recorder();
    let app = app.layer(McpAuthLayer::new(jwt()));
    let service = axum::Router::new()
        .fallback(|| async { ([("mcp-session-id", "s-1")], "opened") })
        .layer(McpAuthLayer::new(jwt()).session_key(key()));
    let authorization = format!("Bearer {}", good());
    let opened =
        send(service, request(Method::POST, "/mcp", &[("authorization", &authorization)])).await;
    let session = opened.headers["mcp-session-id"].to_str().unwrap().to_owned();
    drop((app, seen));

    let (app, seen) = recorder();
    let app = app.layer(McpAuthLayer::new(jwt()).session_key(key()));
    let refreshed = with_claims(|claims| {
        claims["jti"] = json!("t-2");
        claims["exp"] = json!(now() + 900);
    });
    let bob = with_claims(|claims| claims["sub"] = json!("bob"));
    for (token, status) in [(good(), 200), (refreshed, 200), (bob, 404)] {
        let authorization = format!("Bearer {token}");
        let fields = [("authorization", &*authorization), ("mcp-session-id", &*session)];
        let response = send(app.clone(), get("/mcp", &fields)).await;
        assert_eq!(response.status.as_u16(), status);
        if status == 200 {
            assert_eq!(seen.only().headers["mcp-session-id"], "s-1");
        }
    }
}

fn key() -> mcp_auth_layer::layer::SessionKey {
    mcp_auth_layer::layer::SessionKey::from_static(&[7; 32])
}

#[tokio::test]
async fn a_grant_expires_with_its_token() {
    let (_, head) = respond(jwt().leeway(std::time::Duration::ZERO), &good()).await;
    let expires_at = head.unwrap().extensions.get::<Lifetime>().unwrap().expires_at().unwrap();
    let left = expires_at.duration_since(std::time::SystemTime::now()).unwrap().as_secs();
    assert!((290..=300).contains(&left), "{left}");
}
