//! Rejections of signed requests: what the response contains, and what is only logged.

use axum::BoxError;
use axum::body::Body;
use mcp_auth_layer::Rejection;
use mcp_auth_layer::auth::RejectionKind;

use super::{app, hmac, shared, verify};
use crate::support::forged_request::{Forged, now};
use crate::support::{TestResponse, send};

#[tokio::test]
async fn accept_signature_lists_what_to_sign() {
    let unsigned = Forged::post("{}").with_header("mcp-session-id", "s").unsigned();
    let response = verify(hmac().tag("a\"b"), unsigned).await;
    assert_eq!(response.status, 401);
    assert_eq!(response.challenges(), [r#"Signature realm="mcp""#]);
    assert_eq!(
        response.headers["accept-signature"],
        r#"sig=("@method" "@authority" "@path" "@query" "content-digest" "content-type" "mcp-session-id");created;expires;nonce;keyid;alg="hmac-sha256";tag="a\"b""#
    );
    let wrong = Forged { secret: vec![9; 32], ..Forged::get() };
    let response = verify(hmac(), wrong.request()).await;
    assert_eq!(response.status, 401);
    assert_eq!(response.challenges(), [r#"Signature realm="mcp""#]);
    assert_eq!(
        response.headers["accept-signature"],
        r#"sig=("@method" "@authority" "@path" "@query");created;expires;nonce;keyid;alg="hmac-sha256""#
    );
}

#[tokio::test]
async fn replay_and_invalid_body_get_the_same_accept_signature() {
    let wanted = r#"sig=("@method" "@authority" "@path" "@query" "content-type" "content-digest" "date");created;expires;nonce;keyid;alg="hmac-sha256";tag="a\"b""#;
    let (app, _) = app(hmac().tag("a\"b"));
    let dated = Forged::post("{}").with_header("date", "\"x\": y").covering(&["date"]);
    let signed = dated.with("tag", r#""a\"b""#).with_current_time();
    let wrong = signed.request().map(|_| Body::from("{ }"));
    let rejected = send(app.clone(), wrong).await;
    assert_eq!(send(app.clone(), signed.request()).await.status, 200);
    for rejected in [rejected, send(app, signed.request()).await] {
        assert_eq!(rejected.status, 401);
        assert_eq!(rejected.challenges(), [r#"Signature realm="mcp""#]);
        assert_eq!(rejected.headers["accept-signature"], wanted);
    }
}

/// The log must explain rejections, but only to clients that hold the key.
#[tokio::test]
async fn cause_of_rejection_is_logged_for_proven_keys_only() {
    let cause =
        |response: &TestResponse| format!("{:?}", response.extensions.get::<Rejection>().unwrap());
    let stale = |forged: Forged| forged.with("created", now() - 900).with("expires", now() - 800);
    let rejected = verify(shared(), stale(Forged::get()).request()).await;
    assert!(cause(&rejected).contains("this server's clock is at"), "{}", cause(&rejected));
    assert!(!rejected.body.contains("clock"), "{}", rejected.body);
    // Without the key, no cause is logged: otherwise any client could fill the log.
    let wrong = Forged { secret: vec![9; 32], ..Forged::get() };
    let rejected = verify(shared(), stale(wrong).request()).await;
    assert!(!cause(&rejected).contains("clock"), "{}", cause(&rejected));

    let (app, _) = app(hmac());
    let captured = Forged::post("{}").with_current_time();
    let wrong_body = captured.request().map(|_| Body::from("{ }"));
    assert!(cause(&send(app.clone(), wrong_body).await).contains("the body is not"));
    let stalled = Body::from_stream(futures::stream::pending::<Result<&str, BoxError>>());
    let mut first = Box::pin(send(app.clone(), captured.request().map(|_| stalled)));
    assert!(futures::poll!(first.as_mut()).is_pending());
    let reserved = send(app.clone(), captured.request()).await;
    assert!(cause(&reserved).contains("is being verified"), "{}", cause(&reserved));
    drop(first);
    assert_eq!(send(app.clone(), captured.request()).await.status, 200);
    let replayed = send(app, captured.request()).await;
    assert!(cause(&replayed).contains("used before"), "{}", cause(&replayed));
    assert_eq!(
        (reserved.status, reserved.headers, reserved.body),
        (replayed.status, replayed.headers, replayed.body),
        "the same response"
    );
}

#[tokio::test]
async fn responses_do_not_reveal_why_a_signature_is_invalid() {
    let invalid = verify(hmac(), Forged { secret: vec![9; 32], ..Forged::get() }.request()).await;
    let uncovered = verify(hmac(), Forged::get().not_covering("@path").request()).await;
    let stale = verify(hmac(), Forged::get().with("created", 1).request()).await;
    assert_eq!(invalid.body, uncovered.body);
    assert_eq!(invalid.body, stale.body);
    assert_eq!(invalid.extensions.get::<Rejection>().unwrap().kind(), RejectionKind::Invalid);
    let missing = verify(hmac(), Forged::get().unsigned()).await;
    assert_eq!(missing.extensions.get::<Rejection>().unwrap().kind(), RejectionKind::Missing);
}
