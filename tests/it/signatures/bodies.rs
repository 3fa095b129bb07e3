//! Digests of signed bodies, and limits on bodies.

use axum::body::Body;
use axum::extract::Request;
use axum::{BoxError, Router};
use futures::StreamExt;
use http::Method;
use mcp_auth_layer::{HttpSignature, McpAuthLayer};

use super::{hmac, status};
use crate::support::forged_request::{Forged, sha_256};
use crate::support::{recorder, send};

#[tokio::test]
async fn body_needs_a_covered_digest_with_any_method() {
    for method in [Method::GET, Method::DELETE, Method::POST, Method::OPTIONS] {
        for with_content_length in [true, false] {
            let with = |body: &str| Forged {
                method: method.clone(),
                body: body.into(),
                with_content_length,
                ..Forged::get()
            };
            assert_eq!(status(with("")).await, 200, "{method}");
            assert_eq!(status(with("x")).await, 401, "{method} {with_content_length}");
            // There is a digest, but the signature does not cover it.
            let uncovered = with("x")
                .with_header("content-type", "text/plain")
                .with_header("content-digest", &sha_256(b"x"));
            assert_eq!(status(uncovered.clone()).await, 401, "{method} {with_content_length}");
            assert_eq!(status(uncovered.clone().covering(&["content-digest"])).await, 401);
            let covered = uncovered.covering(&["content-digest", "content-type"]);
            assert_eq!(status(covered).await, 200, "{method} {with_content_length}");
        }
    }
}

#[tokio::test]
async fn every_known_digest_must_match() {
    let digested = |digest: &str| {
        Forged::post("{}").without_header("content-digest").with_header("content-digest", digest)
    };
    let valid = sha_256(b"{}");
    let empty = sha_256(b"");
    let wrong_512 = "sha-512=:AAAA:";
    assert_eq!(status(digested(&format!("md5=:AAAA:, {valid}"))).await, 200);
    for wrong in [&*empty, &format!("{valid}, {wrong_512}"), "md5=:AAAA:", "sha-256=\"x\""] {
        assert_eq!(status(digested(wrong)).await, 401, "{wrong}");
    }
    for broken in ["sha-256", "", "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg==:", "="] {
        let response = status(digested(broken)).await;
        assert!(response == 400 || response == 401, "{broken}: {response}");
    }
    assert_eq!(status(digested("sha-256=:RK/0:, sha-256=:RK/0:")).await, 400, "duplicate key");
    let two_lines = digested(&valid).with_header("content-digest", "md5=:AAAA:");
    assert_eq!(status(two_lines).await, 400, "repeated header");
}

#[tokio::test]
async fn signed_bodies_are_limited_each_and_in_total() {
    let limited = |layer: McpAuthLayer<HttpSignature>| recorder().0.layer(layer);
    let small = limited(McpAuthLayer::new(hmac()).body_limit(10));
    assert_eq!(send(small.clone(), Forged::post("0123456789").request()).await.status, 200);
    assert_eq!(send(small, Forged::post("0123456789a").request()).await.status, 413);

    let app = limited(McpAuthLayer::new(hmac()).body_total_limit(10));
    let stalled = |forged: Forged| {
        let frames = futures::stream::iter([Ok::<_, BoxError>(forged.body.clone())]);
        let endless = frames.chain(futures::stream::pending());
        forged.request().map(|_| Body::from_stream(endless))
    };
    let mut held = Box::pin(send(app.clone(), stalled(Forged::post("01234567"))));
    assert!(futures::poll!(held.as_mut()).is_pending());
    assert_eq!(send(app.clone(), Forged::post("012").request()).await.status, 503);
    assert_eq!(send(app.clone(), Forged::post("01").request()).await.status, 200);
    drop(held);
    assert_eq!(
        send(app, Forged::post("012").request()).await.status,
        200,
        "the budget was released"
    );
}

#[tokio::test]
async fn trailers_of_signed_requests_are_dropped() {
    use http_body_util::{BodyExt, Full};
    let forged = Forged::post("{}");
    let mut trailers = http::HeaderMap::new();
    trailers.insert("mcp-session-id", "somebody-elses".parse().unwrap());
    let body = Full::from("{}").with_trailers(async { Some(Ok(trailers)) });
    let (head, _) = forged.request().into_parts();
    let trailing = |request: Request| async {
        let frames = request.into_body().collect().await.unwrap();
        axum::response::IntoResponse::into_response(frames.trailers().is_some().to_string())
    };
    let app = Router::new().fallback(trailing).layer(McpAuthLayer::new(hmac()));
    let response = send(app, Request::from_parts(head, Body::new(body))).await;
    assert_eq!((response.status.as_u16(), response.body.as_str()), (200, "false"));
}
