//! What the responses of the endpoint mean.

use mcp_auth_layer::Principal;
use mcp_auth_layer::schemes::{ClientSecret, Introspection, OAuthConfigError, TokenClaims};
use serde_json::{Value, json};
use tracing_subscriber::filter::LevelFilter;

use super::{Endpoint, SECRET, TOKEN, claims, present, protected};
use crate::support::access_token::{ISSUER, RESOURCE, now};
use crate::support::log::Log;

/// Returns the status of a request whose token has these claims, changed.
async fn status(
    option: impl FnOnce(Introspection) -> Introspection,
    edit: impl FnOnce(&mut Value),
) -> u16 {
    let endpoint = Endpoint::default();
    let mut claims = claims();
    edit(&mut claims);
    endpoint.activate(TOKEN, claims);
    let (app, _) = protected(option(endpoint.introspection().await));
    present(&app, TOKEN).await.status.as_u16()
}

/// Case 97.
#[tokio::test]
async fn only_an_active_token_is_accepted() {
    assert_eq!(status(|one| one, |_| {}).await, 200);
    assert_eq!(status(|one| one, |claims| claims["active"] = json!(false)).await, 401);
    for active in [json!("true"), json!(1), Value::Null] {
        let status = status(|one| one, |claims| claims["active"] = active.clone()).await;
        assert_eq!(status, 503, "{active} says nothing of the token");
    }
}

/// Case 98.
#[tokio::test]
async fn only_a_token_of_this_audience_is_accepted() {
    assert_eq!(status(|one| one, |claims| claims["aud"] = json!(["x", RESOURCE])).await, 200);
    for aud in [json!("https://other.example.com"), json!([]), json!(7)] {
        assert_eq!(status(|one| one, |claims| claims["aud"] = aud.clone()).await, 401, "{aud}");
    }
    let without = |claims: &mut Value| drop(claims.as_object_mut().unwrap().remove("aud"));
    assert_eq!(status(|one| one, without).await, 401);
    let other = |claims: &mut Value| claims["aud"] = json!("api://8f3c");
    assert_eq!(status(|one| one.audience("api://8f3c"), other).await, 200);
}

#[tokio::test]
async fn options_restrict_which_tokens_are_accepted() {
    type Option = fn(Introspection) -> Introspection;
    type Edit = fn(&mut Value);
    let pairs: [(Option, Edit, Edit); 6] = [
        (|one| one.clients(["cli"]), |_| {}, |claims| claims["client_id"] = json!("web")),
        (|one| one.sole_audience(), |_| {}, |claims| claims["aud"] = json!([RESOURCE, "x"])),
        (
            |one| one.require_claim("tid", "7"),
            |claims| claims["tid"] = json!("7"),
            |claims| claims["tid"] = json!("8"),
        ),
        (
            |one| one.check(|claims| claims.get::<u8>("level") > Some(1)),
            |claims| claims["level"] = json!(2),
            |claims| claims["level"] = json!(1),
        ),
        (
            |one| one.leeway(std::time::Duration::ZERO),
            |_| {},
            |claims| claims["exp"] = json!(claims["exp"].as_u64().unwrap() - 310),
        ),
        (
            |one| one.max_age(std::time::Duration::from_secs(600)),
            |claims| claims["iat"] = json!(now() - 500),
            |claims| claims["iat"] = json!(now() - 700),
        ),
    ];
    for (index, (option, accepted, refused)) in pairs.into_iter().enumerate() {
        assert_eq!(status(option, accepted).await, 200, "{index}");
        assert_eq!(status(option, refused).await, 401, "{index}");
        assert_eq!(status(|one| one, refused).await, 200, "{index}, without the option");
    }
}

#[tokio::test]
async fn the_principal_has_what_the_response_says() {
    let endpoint = Endpoint::default();
    let mut claims = claims();
    claims["groups"] = json!(["admins"]);
    endpoint.activate(TOKEN, claims);
    let (app, seen) = protected(endpoint.introspection().await.roles_claim("groups"));
    assert_eq!(present(&app, TOKEN).await.status, 200);
    let head = seen.only();
    let principal = head.extensions.get::<Principal>().unwrap();
    assert_eq!((principal.name(), principal.issuer()), ("alice", Some(ISSUER)));
    assert!(principal.has_scope("tools:read") && principal.has_role("admins"));
    assert_eq!(principal.data::<TokenClaims>().unwrap().client_id(), Some("cli"));
    assert!(!head.headers.contains_key("authorization"));
}

#[tokio::test]
async fn scopes_are_read_from_the_member_that_is_named() {
    for (option, expected) in [(None, "tools:read"), (Some("permissions"), "tools:write")] {
        let endpoint = Endpoint::default();
        let mut claims = claims();
        claims["permissions"] = json!(["tools:write"]);
        endpoint.activate(TOKEN, claims);
        let introspection = endpoint.introspection().await;
        let (app, seen) = protected(match option {
            Some(name) => introspection.scope_claim(name),
            None => introspection,
        });
        assert_eq!(present(&app, TOKEN).await.status, 200);
        let principal = seen.only().extensions.get::<Principal>().unwrap().clone();
        let scopes = ["tools:read", "tools:write"].map(|scope| principal.has_scope(scope));
        assert_eq!(scopes, ["tools:read", "tools:write"].map(|scope| scope == expected));
    }
}

/// Case 103.
#[tokio::test]
async fn a_client_without_a_user_is_named_by_its_id() {
    let endpoint = Endpoint::default();
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove("sub");
    endpoint.activate(TOKEN, claims);
    let (app, seen) = protected(endpoint.introspection().await);
    assert_eq!(present(&app, TOKEN).await.status, 200);
    assert_eq!(seen.principal(), "cli");
}

#[tokio::test]
async fn the_reason_is_logged_and_not_sent() {
    let endpoint = Endpoint::default();
    endpoint.activate(TOKEN, json!({"active": true, "aud": "https://other.example.com"}));
    let (app, _) = protected(endpoint.introspection().await);
    let (log, _guard) = Log::start(LevelFilter::INFO);
    for (token, reason) in [
        (TOKEN, r#"`aud` is \"https://other.example.com\""#),
        ("unknown", "to a client that may not introspect it"),
    ] {
        for attempt in ["asked", "cached"] {
            let response = present(&app, token).await;
            assert_eq!(response.status, 401);
            assert_eq!(response.message(), "the credential is wrong or has expired");
            let lines = log.lines();
            assert!(lines.len() == 1 && lines[0].contains(" INFO "), "{attempt}: {lines:?}");
            assert!(lines[0].contains(reason) && !lines[0].contains(TOKEN), "{lines:?}");
        }
    }
}

#[test]
fn a_configuration_that_cannot_work_is_an_error() {
    const URL: &str = "https://id.example.com/introspect";
    let new = |issuer: &str, audience: &str, url: &str, id: &str, secret: &str| {
        Introspection::new(issuer, audience, url, ClientSecret::new(id, secret))
    };
    assert!(new(ISSUER, RESOURCE, URL, "mcp", SECRET).is_ok());
    for (result, expected) in [
        (new("http://id.example.com", RESOURCE, URL, "mcp", SECRET), "issuer"),
        (new(ISSUER, "", URL, "mcp", SECRET), "the audience is empty"),
        (new(ISSUER, RESOURCE, "http://id.example.com/x", "mcp", SECRET), "introspection endpoint"),
        (new(ISSUER, RESOURCE, "https://u:p4ssw0rd@id.example.com", "mcp", SECRET), "user info"),
        (new(ISSUER, RESOURCE, URL, "", SECRET), "the client ID is empty"),
        (new(ISSUER, RESOURCE, URL, "mcp", ""), "the client secret is empty"),
    ] {
        let error: OAuthConfigError = result.expect_err(expected);
        let text = format!("{error} {error:?}");
        assert!(text.contains(expected), "{expected}: {text}");
        assert!(!text.contains(SECRET) && !text.contains("p4ssw0rd"), "{text}");
    }
}
