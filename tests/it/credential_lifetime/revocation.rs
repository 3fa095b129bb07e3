//! Handles that add and revoke credentials at runtime.

use std::convert::Infallible;
use std::future::ready;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get as get_route;
use futures::{FutureExt, StreamExt, stream};
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use mcp_auth_layer::credentials::CredentialErrorKind;
use mcp_auth_layer::schemes::{KeyError, Signer};
use mcp_auth_layer::{HttpSignature, McpAuthLayer};
use tower::ServiceExt;

use super::{body_of, next, streaming_app, tokens};
use crate::support::{recorder, send, with_authorization};

#[tokio::test]
async fn tokens_can_be_added_and_revoked_at_runtime() {
    let (layer, handle) = tokens();
    let (app, _) = recorder();
    let app = app.layer(layer);
    let status = |token: &'static str| {
        let response = send(app.clone(), with_authorization(&format!("Bearer {token}")));
        async { response.await.status.as_u16() }
    };
    assert_eq!(status("four").await, 401);
    handle.add("bob", "four").unwrap();
    assert_eq!(status("four").await, 200);
    let duplicate = handle.add("bob", "one").unwrap_err();
    assert_eq!(duplicate.kind(), CredentialErrorKind::Duplicate);
    assert!(handle.add("", "five").is_err() && handle.add("bob", "no token").is_err());

    assert!(handle.revoke("one"));
    assert!(!handle.revoke("one") && !handle.revoke("never-was"));
    assert_eq!((status("one").await, status("two").await, status("four").await), (401, 200, 200));
    handle.add("bob", "one").unwrap();
    assert_eq!(status("one").await, 200);
    assert_eq!(handle.revoke_all("bob"), 2);
    assert_eq!(handle.revoke_all("bob"), 0);
    assert_eq!((status("one").await, status("two").await, status("four").await), (401, 200, 401));
    // All credentials can be revoked; then no request is authenticated.
    assert_eq!(handle.revoke_all("ci") + handle.revoke_all("alice"), 2);
    assert_eq!((status("two").await, status("three").await), (401, 401));
}

#[tokio::test]
async fn revocation_ends_only_streams_of_that_token() {
    let (layer, mut handle) = tokens();
    handle.add("bob", "four").unwrap();
    let mut open = Vec::new();
    for token in ["one", "two", "three", "four"] {
        let (app, _) = streaming_app("text/event-stream");
        let authorization = format!("Bearer {token}");
        let app = app.layer(layer.clone());
        let mut body = body_of(app, &[("authorization", &authorization)]).await;
        for _ in 0..2 {
            next(&mut body).await.unwrap().unwrap();
        }
        open.push((token, body));
    }
    handle = handle.clone(); // clones control the same tokens
    for revoked in ["one", "four"] {
        assert!(handle.revoke(revoked));
        for (token, body) in &mut open {
            let more = tokio::time::timeout(Duration::from_millis(20), next(body)).await;
            assert_eq!(more.is_ok(), *token == revoked, "{token}, where {revoked} was revoked");
            if let Ok(more) = more {
                assert!(more.is_none());
            }
        }
        open.retain(|(token, _)| *token != revoked);
    }
}

#[tokio::test]
async fn keys_can_be_added_and_revoked_at_runtime() {
    let (old, new) = ([1; 32], [2; 32]);
    let keys = HttpSignature::new([("ci", old), ("ci", new), ("alice", [3; 32])]).unwrap();
    let handle = keys.handle();
    let layer = McpAuthLayer::new(keys);
    let signed = |key_id: &str, secret: [u8; 32]| {
        let mut request = http::Request::get("http://localhost/").body(Vec::new()).unwrap();
        Signer::new(key_id, secret).unwrap().sign(&mut request).unwrap();
        request.map(Body::from)
    };
    let mut open = Vec::new();
    for (name, secret) in [("ci", old), ("ci", new), ("alice", [3; 32])] {
        let (app, _) = streaming_app("text/event-stream");
        let response = app.layer(layer.clone()).oneshot(signed(name, secret)).await.unwrap();
        assert_eq!(response.status(), 200);
        let mut body = response.into_body();
        for _ in 0..2 {
            next(&mut body).await.unwrap().unwrap();
        }
        open.push((secret, body));
    }
    let status = async |key_id: &str, secret| {
        let (app, _) = recorder();
        send(app.layer(layer.clone()), signed(key_id, secret)).await.status.as_u16()
    };
    assert!(!handle.revoke("ci", [4; 32]) && !handle.revoke("nobody", old));
    assert!(handle.revoke("ci", old) && !handle.revoke("ci", old));
    for (secret, body) in &mut open {
        let more = tokio::time::timeout(Duration::from_millis(20), next(body)).await;
        assert_eq!(more.is_ok(), *secret == old, "only streams of the revoked secret end");
    }
    assert_eq!((status("ci", old).await, status("ci", new).await), (401, 200));
    handle.add("ci", [4; 32]).unwrap();
    assert_eq!(handle.add("ci", [5; 32]), Err(KeyError::Rotation { position: 1 }));
    assert!(handle.add("bob", [5; 31]).is_err());
    assert_eq!(status("ci", [4; 32]).await, 200);
    assert_eq!((handle.revoke_all("ci"), handle.revoke_all("ci")), (2, 0));
    assert_eq!((status("ci", new).await, status("ci", [4; 32]).await), (401, 401));
    assert_eq!(status("alice", [3; 32]).await, 200);
    assert_eq!(format!("{handle:?}"), r#"HttpSignatureHandle { key_ids: {"alice"} }"#);
}

/// Tokens are added and revoked by several threads while clients use them. A request that was
/// accepted ends once its token is revoked, at whatever point it was; and no thread undoes the
/// changes of another.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_escapes_a_concurrent_revocation() {
    const ROUNDS: usize = 200;
    let (layer, handle) = tokens();
    let stream = || async {
        let events =
            stream::once(ready(Ok::<_, Infallible>("data: 1\n\n"))).chain(stream::pending());
        ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(events))
    };
    let app = Router::new().route("/", get_route(stream)).layer(layer);
    let request_with = |token: &str| {
        app.clone().oneshot(with_authorization(&format!("Bearer {token}"))).map(Result::unwrap)
    };
    let mut others = request_with("two").await.into_body();
    let changing = (0..4).map(|thread| {
        let (handle, app) = (handle.clone(), app.clone());
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let token = format!("t{thread}-{round}");
                handle.add(&*token, &token).unwrap();
                let pending: Vec<_> = (0..3)
                    .map(|_| {
                        let request = with_authorization(&format!("Bearer {token}"));
                        tokio::spawn(app.clone().oneshot(request))
                    })
                    .collect();
                for _ in 0..round % 3 {
                    tokio::task::yield_now().await;
                }
                assert!(handle.revoke(&token), "the token exists until it is revoked");
                for sent in pending {
                    let response = sent.await.unwrap().unwrap();
                    if response.status() == 200 {
                        let whole = response.into_body().collect();
                        let ended = tokio::time::timeout(Duration::from_secs(10), whole).await;
                        ended.expect("the response ends").unwrap();
                    } else {
                        assert_eq!(response.status(), 401);
                    }
                }
                let late = with_authorization(&format!("Bearer {token}"));
                assert_eq!(app.clone().oneshot(late).await.unwrap().status(), 401);
            }
        })
    });
    for changed in changing.collect::<Vec<_>>() {
        changed.await.unwrap();
    }
    assert_eq!(format!("{handle:?}"), "BearerHandle { tokens: [3 credentials] }");
    assert_eq!(request_with("two").await.status(), 200);
    next(&mut others).await.unwrap().unwrap();
    assert!(next(&mut others).now_or_never().is_none(), "the stream is open");
}

/// The tokens of a handle are never shown.
#[test]
fn handle_debug_shows_only_the_number_of_tokens() {
    let (_, handle) = tokens();
    assert_eq!(format!("{handle:?}"), "BearerHandle { tokens: [3 credentials] }");
}
