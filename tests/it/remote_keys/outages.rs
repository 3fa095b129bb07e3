//! An issuer that is down: at the start, later, and while its keys are rotated.

use std::time::Duration;

use mcp_auth_layer::{Bearer, Jwt, McpAuthLayer, any_of};
use serde_json::json;

use super::issuer::{Fault, Issuer};
use super::{Scene, assert_unavailable, token};
use crate::support::access_token::{RESOURCE, SigningKey, now};
use crate::support::example_server::until;
use crate::support::{recorder, send, with_authorization};

/// Case 64.
#[tokio::test]
async fn an_issuer_that_comes_up_late_needs_no_restart() {
    let key = SigningKey::ed25519();
    let issuer = Issuer::down();
    issuer.publish(&[("a", &key)]);
    let scene = Scene::of(issuer);
    let token = scene.token("a", &key);
    for _ in 0..3 {
        assert_unavailable(&scene.respond(&token).await);
    }
    scene.issuer.come_up();
    until("the token is accepted", async || scene.status(&token).await == 200).await;
}

/// Case 64.
#[tokio::test]
async fn a_rotation_during_an_outage_is_found_after_it() {
    let [old, new] = [SigningKey::ed25519(), SigningKey::ed25519()];
    let scene = Scene::with(&[("a", &old)]);
    let (known, unknown) = (scene.token("a", &old), scene.token("b", &new));
    assert_eq!(scene.status(&known).await, 200);
    scene.issuer.has(Fault::ServerError);
    scene.issuer.publish(&[("b", &new)]);
    scene.keys.refresh().await.unwrap_err();
    assert_eq!(scene.status(&known).await, 200);
    assert_unavailable(&scene.respond(&unknown).await);
    scene.issuer.has(Fault::None);
    until("the token is accepted", async || scene.status(&unknown).await == 200).await;
    assert_eq!(scene.status(&known).await, 401);
}

/// A key set without key IDs, or a client library that leaves them out.
#[tokio::test]
async fn a_rotation_is_found_by_tokens_without_key_id() {
    let [old, new] = [SigningKey::ed25519(), SigningKey::ed25519()];
    let scene = Scene::with(&[("a", &old)]);
    let [known, unknown] = [&old, &new].map(|key| {
        let claims =
            json!({"iss": scene.issuer.url, "aud": RESOURCE, "sub": "alice", "exp": now() + 300});
        key.token("EdDSA", r#"{"alg":"EdDSA"}"#, &claims.to_string())
    });
    assert_eq!(scene.status(&known).await, 200);
    assert_eq!(scene.status(&unknown).await, 401);
    scene.issuer.has(Fault::ServerError);
    scene.issuer.publish(&[("b", &new)]);
    scene.keys.refresh().await.unwrap_err();
    assert_eq!(scene.status(&known).await, 200);
    assert_unavailable(&scene.respond(&unknown).await);
    scene.issuer.has(Fault::None);
    until("the token is accepted", async || scene.status(&unknown).await == 200).await;
    assert_eq!(scene.status(&known).await, 401);
}

/// Case 90.
#[tokio::test]
async fn other_credentials_work_while_the_issuer_is_down() {
    let issuer = Issuer::down();
    let jwt = Jwt::discover(&issuer.url, RESOURCE).unwrap();
    let tokens = Bearer::new([("ci", "static")]).unwrap();
    let (app, _) = recorder();
    let app = app.layer(McpAuthLayer::new(any_of((tokens, jwt))));
    let respond =
        async |token: &str| send(app.clone(), with_authorization(&format!("Bearer {token}"))).await;
    assert_eq!(respond("static").await.status, 200);
    let key = SigningKey::ed25519();
    assert_unavailable(&respond(&token(&issuer.url, "a", &key)).await);
    for invalid in ["garbage", &token("https://id.example.com", "a", &key)] {
        assert_eq!(respond(invalid).await.status, 401, "{invalid}");
    }
}

/// Case 96.
#[tokio::test]
async fn a_fetch_longer_than_the_authenticator_timeout_is_503() {
    let key = SigningKey::ed25519();
    let issuer = Issuer::start();
    issuer.publish(&[("a", &key)]);
    issuer.has(Fault::Stall);
    let jwt = Jwt::discover(&issuer.url, RESOURCE).unwrap();
    let keys = jwt.handle();
    let (app, _) = recorder();
    let layer = McpAuthLayer::new(jwt).authenticator_timeout(Duration::from_millis(50));
    let app = app.layer(layer);
    let request = || with_authorization(&format!("Bearer {}", token(&issuer.url, "a", &key)));
    let response = send(app.clone(), request()).await;
    assert_eq!(response.status, 503);
    assert!(response.challenges().is_empty());
    // Case 73: the fetch goes on without the request.
    assert_eq!(issuer.key_requests(), 1);
    issuer.has(Fault::None);
    keys.refresh().await.unwrap();
    assert_eq!(send(app, request()).await.status, 200);
}
