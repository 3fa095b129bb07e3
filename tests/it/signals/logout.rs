//! Logout tokens (OpenID Connect Back-Channel Logout 1.0), which are received where that is configured.

use mcp_auth_layer::signals::LogoutTokens;
use serde_json::{Value, json};

use super::stores::TestStore;
use super::*;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const LOGOUT: ExactPath = ExactPath::from_static("/logout");

fn tokens() -> LogoutTokens {
    LogoutTokens::with_keys(ISSUER, "app", issuer_keys()).unwrap()
}

async fn app_of(tokens: LogoutTokens) -> Router {
    recorder().0.layer(layer().await.logout_tokens(LOGOUT, tokens))
}

fn header() -> Value {
    json!({"alg": "RS256", "kid": "k1", "typ": "logout+jwt"})
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "app", "sub": "alice", "iat": now(), "exp": now() + 120, "jti": "l-1",
        "events": {EVENT: {}},
    })
}

fn good() -> String {
    access_token::signed(&header(), &claims())
}

fn with(edit: impl FnOnce(&mut Value)) -> String {
    let mut claims = claims();
    edit(&mut claims);
    access_token::signed(&header(), &claims)
}

async fn post(app: &Router, form: String) -> TestResponse {
    let fields = [("content-type", "application/x-www-form-urlencoded")];
    let mut request = request(Method::POST, "/logout", &fields);
    *request.body_mut() = form.into();
    send(app.clone(), request).await
}

async fn logs_out(app: &Router, token: &str) {
    let response = post(app, format!("logout_token={token}")).await;
    assert_eq!((response.status.as_u16(), &*response.body), (200, ""));
    assert_eq!(response.headers["cache-control"], "no-store");
}

async fn refuses(app: &Router, form: String, what: &str) {
    let response = post(app, form).await;
    assert_eq!(response.status, 400, "{what}: {}", response.body);
    let body: Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(body["error"], "invalid_request", "{what}");
    assert!(body["error_description"].is_string());
    assert_eq!(response.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn a_logout_token_revokes_what_was_issued_before() {
    let app = app_of(tokens()).await;
    assert!(!is_revoked(&app, "alice").await);
    logs_out(&app, &good()).await;
    assert!(is_revoked(&app, "alice").await && !is_revoked(&app, "bob").await);
    assert_eq!(status(&app, &token_of("alice", 2)).await, 200);
}

#[tokio::test]
async fn a_session_beside_the_subject_is_of_no_account() {
    let app = app_of(tokens()).await;
    logs_out(&app, &with(|claims| claims["sid"] = json!("s-1"))).await;
    assert!(is_revoked(&app, "alice").await);
}

#[tokio::test]
async fn logout_tokens_are_not_received_by_default() {
    let (app, seen) = app_with(transmitter()).await;
    let response = post(&app, format!("logout_token={}", good())).await;
    assert_eq!((response.status.as_u16(), seen.count()), (401, 0));
    assert!(!is_revoked(&app, "alice").await);
}

#[tokio::test]
async fn each_check_of_a_logout_token_counts() {
    let edited = |name: &str, value: Value| with(|claims| claims[name] = value);
    let without = |name: &str| with(|claims| drop(claims.as_object_mut().unwrap().remove(name)));
    let other = &*crate::support::access_token::OTHER;
    let session_alone = with(|claims| {
        claims.as_object_mut().unwrap().remove("sub");
        claims["sid"] = json!("s-1");
    });
    let broken = [
        ("another client", edited("aud", json!("other"))),
        ("another issuer", edited("iss", json!("https://other.example.com"))),
        ("nonce", edited("nonce", json!("n-1"))),
        ("expired", edited("exp", json!(now() - 61))),
        ("in the future", edited("iat", json!(now() + 90))),
        ("another event", edited("events", json!({"urn:x": {}}))),
        ("a payload", edited("events", json!({EVENT: {"a": 1}}))),
        ("no events", without("events")),
        ("no iat", without("iat")),
        ("no exp", without("exp")),
        ("no jti", without("jti")),
        ("no aud", without("aud")),
        ("no sub", without("sub")),
        ("a session alone", session_alone),
        ("another key", other.token("RS256", &header().to_string(), &claims().to_string())),
        (
            "no algorithm",
            K1.token("RS256", r#"{"alg":"none","typ":"logout+jwt"}"#, &claims().to_string()),
        ),
    ];
    for (what, token) in broken {
        let app = app_of(tokens()).await;
        refuses(&app, format!("logout_token={token}"), what).await;
        assert!(!is_revoked(&app, "alice").await, "{what}");
        logs_out(&app, &good()).await;
        assert!(is_revoked(&app, "alice").await);
    }
}

#[tokio::test]
async fn the_type_of_a_logout_token_is_required_by_default() {
    let typed = |typ: Value| {
        let mut header = header();
        header["typ"] = typ;
        access_token::signed(&header, &claims())
    };
    let untyped = access_token::signed(&json!({"alg": "RS256", "kid": "k1"}), &claims());
    for token in [untyped, typed(json!("JWT"))] {
        refuses(&app_of(tokens()).await, format!("logout_token={token}"), "untyped").await;
        logs_out(&app_of(tokens().allow_untyped()).await, &token).await;
    }
    for typ in ["at+jwt", "secevent+jwt"] {
        let form = format!("logout_token={}", typed(json!(typ)));
        refuses(&app_of(tokens().allow_untyped()).await, form, typ).await;
    }
    logs_out(&app_of(tokens()).await, &typed(json!("application/logout+jwt"))).await;
}

#[tokio::test]
async fn id_tokens_and_access_tokens_log_no_user_out() {
    let app = app_of(tokens().allow_untyped()).await;
    let id_token = json!({
        "iss": ISSUER, "aud": "app", "sub": "alice", "iat": now(), "exp": now() + 300, "jti": "i-1",
        "nonce": "n-1",
    });
    let id_token =
        access_token::signed(&json!({"alg": "RS256", "kid": "k1", "typ": "JWT"}), &id_token);
    for token in [id_token, access_token::good(), good_set()] {
        refuses(&app, format!("logout_token={token}"), "another kind").await;
    }
    assert!(!is_revoked(&app, "alice").await);
}

#[tokio::test]
async fn a_form_has_one_logout_token() {
    let app = app_of(tokens()).await;
    for form in [good(), String::new(), format!("logout_token={0}&logout_token={0}", good())] {
        refuses(&app, form, "the form").await;
    }
    assert_eq!(post(&app, format!("a=b&logout_token={}&c", good())).await.status, 200);
}

#[tokio::test]
async fn tokens_for_further_clients_are_accepted_where_named() {
    let other = || with(|claims| claims["aud"] = json!(["other"]));
    refuses(&app_of(tokens()).await, format!("logout_token={}", other()), "other").await;
    logs_out(&app_of(tokens().client_id("other")).await, &other()).await;
}

#[tokio::test]
async fn a_logout_token_is_applied_once_and_never_lost() {
    let store = TestStore::new();
    let layer = layer_over(store.clone()).await.logout_tokens(LOGOUT, tokens());
    let app = recorder().0.layer(layer);
    store.go_away(true);
    let form = format!("logout_token={}", good());
    assert_eq!(post(&app, form.clone()).await.status, 503);
    store.go_away(false);
    assert_eq!(post(&app, form.clone()).await.status, 200);
    let published = store.published();
    assert!(published >= 1);
    assert_eq!(post(&app, form).await.status, 200);
    assert_eq!(store.published(), published);
}
