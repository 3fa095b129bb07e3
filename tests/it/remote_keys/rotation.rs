//! Keys that the issuer adds and withdraws.

use std::time::Duration;

use axum::body::Body;
use futures::StreamExt;
use mcp_auth_layer::{Jwt, McpAuthLayer, any_of};

use super::{Issuer, Scene, token};
use crate::support::access_token::{RESOURCE, SigningKey};
use crate::support::example_server::until;
use crate::support::{get, send, with_authorization};

/// Case 59.
#[tokio::test]
async fn a_hundred_first_requests_cause_one_fetch() {
    let key = SigningKey::ed25519();
    let scene = Scene::with(&[("a", &key)]);
    let token = scene.token("a", &key);
    let responses = futures::future::join_all((0..100).map(|_| scene.status(&token))).await;
    assert!(responses.iter().all(|status| *status == 200));
    assert_eq!(scene.issuer.key_requests(), 1);
    // RFC 8414 first, then OpenID Connect.
    assert_eq!(scene.issuer.metadata_requests(), 2);
}

/// Case 61. It takes the ten seconds between two fetches.
#[tokio::test]
async fn a_new_key_is_found_by_the_token_that_it_signs() {
    let [old, new] = [SigningKey::ed25519(), SigningKey::ed25519()];
    let scene = Scene::with(&[("a", &old)]);
    let (known, unknown) = (scene.token("a", &old), scene.token("b", &new));
    assert_eq!(scene.status(&known).await, 200);
    scene.issuer.publish(&[("a", &old), ("b", &new)]);
    assert_eq!(scene.status(&unknown).await, 401);
    until("the token is accepted", async || {
        assert_eq!(scene.status(&known).await, 200);
        tokio::time::sleep(Duration::from_millis(5)).await;
        scene.status(&unknown).await == 200
    })
    .await;
    assert_eq!(scene.issuer.key_requests(), 2);
}

/// Opens an event stream of the app with this token.
async fn open(app: &axum::Router, token: &str) -> axum::body::BodyDataStream {
    use tower::ServiceExt as _;
    let authorization = format!("Bearer {token}");
    let request = get("/", &[("authorization", &authorization)]);
    let response = app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    response.into_body().into_data_stream()
}

/// Case 62.
#[tokio::test]
async fn streams_of_a_withdrawn_key_end_and_no_others() {
    let [withdrawn, kept] = [SigningKey::ed25519(), SigningKey::ed25519()];
    let issuer = Issuer::start();
    issuer.publish(&[("a", &withdrawn), ("b", &kept)]);
    let jwt = Jwt::discover(&issuer.url, RESOURCE).unwrap();
    let keys = jwt.handle();
    let endless = async || {
        let events = futures::stream::iter([Ok::<_, std::io::Error>("data: 1\n\n")]);
        let body = Body::from_stream(events.chain(futures::stream::pending()));
        ([("content-type", "text/event-stream")], body)
    };
    let app = axum::Router::new().fallback(endless).layer(McpAuthLayer::new(jwt));
    let tokens = [token(&issuer.url, "a", &withdrawn), token(&issuer.url, "b", &kept)];
    let [mut ending, mut open] = [open(&app, &tokens[0]).await, open(&app, &tokens[1]).await];
    assert!(ending.next().await.is_some() && open.next().await.is_some());
    issuer.publish(&[("b", &kept)]);
    keys.refresh().await.unwrap();
    let end = tokio::time::timeout(Duration::from_secs(10), ending.next()).await;
    assert!(end.expect("the stream ends").is_none());
    assert!(futures::poll!(open.next()).is_pending());
    let status = async |token: &str| {
        let request = with_authorization(&format!("Bearer {token}"));
        tower::ServiceExt::oneshot(app.clone(), request).await.unwrap().status()
    };
    assert_eq!(status(&tokens[0]).await, 401);
    assert_eq!(status(&tokens[1]).await, 200);
}

/// Case 74.
#[tokio::test]
async fn a_key_of_one_issuer_does_not_sign_for_another() {
    let [a, b] = [SigningKey::ed25519(), SigningKey::ed25519()];
    let issuers = [Issuer::start(), Issuer::start()];
    issuers[0].publish(&[("k", &a)]);
    issuers[1].publish(&[("k", &b)]);
    let [first, second] =
        [&issuers[0], &issuers[1]].map(|issuer| Jwt::discover(&issuer.url, RESOURCE).unwrap());
    let app =
        axum::Router::new().fallback(async || "").layer(McpAuthLayer::new(any_of((first, second))));
    for (issuer, key, status) in [(0, &a, 200), (1, &b, 200), (1, &a, 401), (0, &b, 401)] {
        let token = token(&issuers[issuer].url, "k", key);
        let response = send(app.clone(), with_authorization(&format!("Bearer {token}"))).await;
        assert_eq!(response.status, status);
    }
}
