//! Revocations while a request is on its way.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::any;
use futures::{FutureExt, StreamExt, stream};
use http::Request;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use mcp_auth_layer::auth::{Authenticated, authenticate_fn};
use mcp_auth_layer::schemes::Signer;
use mcp_auth_layer::stores::MemoryRevocationStore;
use mcp_auth_layer::{Bearer, HttpSignature, McpAuthLayer, Principal, Rejection};
use tokio::sync::{Notify, mpsc};
use tower::ServiceExt;

use super::{Replica, revocations};
use crate::support::{get, recorder, with_authorization};

#[tokio::test]
async fn revocation_during_authentication_rejects_the_request() {
    let (began, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let gates = (began.clone(), go_on.clone());
    let slow = authenticate_fn(move |_: &Parts| {
        let (began, go_on) = gates.clone();
        async move {
            began.notify_one();
            go_on.notified().await;
            Ok::<_, Rejection>(Authenticated::new(Principal::new("alice")))
        }
    });
    let revocations = revocations(MemoryRevocationStore::new()).await;
    let replica = Replica::new(slow, revocations.clone());
    for revokes in [false, true] {
        let request = tokio::spawn(replica.app.clone().oneshot(get("/", &[])));
        began.notified().await;
        if revokes {
            revocations.revoke_principal(&Principal::new("alice")).await.unwrap();
        }
        go_on.notify_one();
        if revokes {
            // It is authenticated again, as a cached credential that has expired would be.
            began.notified().now_or_never();
            go_on.notify_one();
        }
        assert_eq!(request.await.unwrap().unwrap().status() == 401, revokes);
    }
}

#[tokio::test]
async fn revocation_while_the_body_arrives_rejects_the_request() {
    let revocations = revocations(MemoryRevocationStore::new()).await;
    let keys = HttpSignature::new([("ci", [1; 32])]).unwrap();
    let (app, seen) = recorder();
    let app = app.layer(McpAuthLayer::new(keys).revocations(revocations.clone()));
    for revokes in [false, true] {
        let mut signed = Request::post("http://localhost/").body(b"body".to_vec()).unwrap();
        signed.headers_mut().insert(CONTENT_TYPE, "text/plain".parse().unwrap());
        Signer::new("ci", [1; 32]).unwrap().sign(&mut signed).unwrap();
        let (parts, receiver) = mpsc::channel::<Bytes>(1);
        let body = stream::unfold(receiver, |mut receiver| async {
            Some((Ok::<_, std::convert::Infallible>(receiver.recv().await?), receiver))
        });
        let request = signed.map(|_| Body::from_stream(body.boxed()));
        let response = tokio::spawn(app.clone().oneshot(request));
        parts.send("bo".into()).await.unwrap();
        parts.send("d".into()).await.unwrap(); // there is room once the first part was read
        if revokes {
            revocations.revoke_principal(&Principal::new("ci")).await.unwrap();
        }
        parts.send("y".into()).await.unwrap();
        drop(parts);
        let status = response.await.unwrap().unwrap().status();
        assert_eq!((status == 401, status == 200), (revokes, !revokes));
    }
    assert_eq!(seen.count(), 1);
}

#[tokio::test]
async fn revocation_before_the_response_rejects_the_request() {
    let revocations = revocations(MemoryRevocationStore::new()).await;
    let began = Arc::new(Notify::new());
    let inner = began.clone();
    let never = any(async move || {
        inner.notify_one();
        std::future::pending::<()>().await
    });
    let tokens = Bearer::new([("ci", "one")]).unwrap();
    let layer = McpAuthLayer::new(tokens).revocations(revocations.clone());
    let app = layer.protect(Router::new().route("/", never));
    let response = tokio::spawn(app.oneshot(with_authorization("Bearer one")));
    began.notified().await;
    assert!(!response.is_finished());
    revocations.revoke_token("one").await.unwrap();
    assert_eq!(response.await.unwrap().unwrap().status(), 401);
}

/// Tokens are revoked by one replica while others open streams with them: each stream ends, or was rejected.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_escapes_a_revocation_on_another_replica() {
    const ROUNDS: usize = 100;
    let names: Vec<_> = (0..ROUNDS).map(|round| format!("t{round}")).collect();
    let tokens = || Bearer::new(names.iter().map(|name| (name, name))).unwrap();
    let [here, there] = super::two(tokens).await;
    for name in &names {
        let authorization = format!("Bearer {name}");
        let opening: Vec<_> = (0..8)
            .map(|_| tokio::spawn(there.app.clone().oneshot(with_authorization(&authorization))))
            .collect();
        here.revocations.revoke_token(name).await.unwrap();
        for response in opening {
            let response = response.await.unwrap().unwrap();
            if response.status() == 200 {
                super::ended(response.into_body()).await;
            }
        }
        super::eventually(|| async {
            there.status(with_authorization(&authorization)).await == 401
        })
        .await;
    }
}
