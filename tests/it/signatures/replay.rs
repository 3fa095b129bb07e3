//! Replay protection: nonces, replay stores, and captured requests.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use mcp_auth_layer::stores::{MemoryReplayStore, NonceClaim, NonceStatus, ReplayStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Scripted, app, hmac, status, verify};
use crate::support::forged_request::{Forged, now};
use crate::support::send;

#[tokio::test]
async fn one_nonce_has_one_body_collected_at_a_time() {
    let (app, seen) = app(hmac());
    let captured = Forged::post("{}").with_current_time();
    let stalled = || {
        let request = captured.request();
        request.map(|_| Body::from_stream(futures::stream::pending::<Result<&str, BoxError>>()))
    };
    let mut first = Box::pin(send(app.clone(), stalled()));
    assert!(futures::poll!(first.as_mut()).is_pending());
    for _ in 0..16 {
        let mut copy = stalled();
        *copy.version_mut() = http::Version::HTTP_2;
        assert_eq!(send(app.clone(), copy).await.status, 401);
    }
    assert_eq!(
        send(app.clone(), captured.request()).await.status,
        401,
        "the complete request as well"
    );
    assert_eq!(
        send(app.clone(), Forged::post("{}").request()).await.status,
        200,
        "another request"
    );
    drop(first);
    assert_eq!(
        send(app.clone(), captured.request()).await.status,
        200,
        "the reservation was released"
    );
    assert_eq!(seen.count(), 2);
}

/// An attacker sends a captured head and withholds the body.
#[tokio::test]
async fn captured_head_is_accepted_once_over_real_sockets() {
    let (app, seen) = app(hmac());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    let captured = Forged::post("{}").with_current_time();
    let request = captured.request();
    // The server responds `100 Continue` when it reads the body.
    let mut head = String::from("POST /mcp?a=1 HTTP/1.1\r\nexpect: 100-continue\r\n");
    assert_eq!(request.uri(), "/mcp?a=1");
    for (name, value) in request.headers() {
        head += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    head += "\r\n";
    let open = async || {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        (String::from_utf8(status.to_vec()).unwrap(), stream)
    };

    let (status, mut first) = open().await;
    assert_eq!(status, "HTTP/1.1 100");
    for _ in 0..15 {
        assert_eq!(open().await.0, "HTTP/1.1 401");
    }
    first.write_all(b"{}").await.unwrap();
    let mut response = [0; 25];
    first.read_exact(&mut response).await.unwrap();
    assert!(String::from_utf8_lossy(&response).contains("HTTP/1.1 200"));
    assert_eq!(seen.count(), 1);
    assert_eq!(open().await.0, "HTTP/1.1 401", "the nonce is used");
}

#[tokio::test]
async fn nonce_is_accepted_once_per_key() {
    let (app, seen) = app(hmac());
    let captured = Forged::post("{}").with_current_time();
    assert_eq!(send(app.clone(), captured.request()).await.status, 200);
    assert_eq!(send(app.clone(), captured.request()).await.status, 401);
    assert_eq!(seen.count(), 1);
    // Another key may use the same nonce.
    let nonce = captured.parameters.iter().find(|(key, _)| key == "nonce").unwrap().1.clone();
    let other = Forged { secret: vec![7; 32], ..Forged::get() };
    let other = other.with("keyid", "\"other\"").with("nonce", nonce);
    assert_eq!(send(app, other.request()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_64_concurrent_copies_is_accepted() {
    let (app, seen) = app(hmac());
    let captured = Forged::post("{}").with_current_time();
    let copies = (0..64).map(|_| tokio::spawn(send(app.clone(), captured.request())));
    let responses = futures::future::join_all(copies).await;
    let served =
        responses.iter().filter(|response| response.as_ref().unwrap().status == 200).count();
    let rejected =
        responses.iter().filter(|response| response.as_ref().unwrap().status == 401).count();
    assert_eq!((served, rejected, seen.count()), (1, 63, 1));
}

#[tokio::test]
async fn replay_is_rejected_before_its_body_is_read() {
    let (app, _) = app(hmac());
    let captured = Forged::post("{}").with_current_time();
    assert_eq!(send(app.clone(), captured.request()).await.status, 200);
    let unread = Body::from_stream(futures::stream::poll_fn(
        |_| -> std::task::Poll<Option<Result<&str, BoxError>>> { panic!("the body was read") },
    ));
    let mut replay = captured.request().map(|_| unread);
    // Over HTTP/1 the body of a rejected request is read and discarded.
    *replay.version_mut() = http::Version::HTTP_2;
    assert_eq!(send(app, replay).await.status, 401);
}

#[tokio::test]
async fn invalid_body_does_not_consume_the_nonce() {
    let (app, seen) = app(hmac());
    let signed = Forged::post("{}").with_current_time();
    for wrong in ["{ }", "", "{}\n"] {
        let request = signed.request().map(|_| Body::from(wrong));
        assert_eq!(send(app.clone(), request).await.status, 401, "{wrong:?}");
    }
    assert_eq!(seen.count(), 0);
    assert_eq!(send(app, signed.request()).await.status, 200);
}

/// A short nonce cannot be unique.
#[tokio::test]
async fn nonces_shorter_than_16_characters_are_rejected() {
    for (nonce, expected) in [
        (r#""0123456789abcdef""#, 200),
        (r#""0123456789abcde""#, 401),
        (r#""""#, 401),
        (r#"" ""#, 401),
        (r#""\\\\\\\\\\\\\\\\""#, 401),      // eight backslashes
        (":MDEyMzQ1Njc4OWFiY2RlZg==:", 401), // not a string
    ] {
        assert_eq!(status(Forged::get().with("nonce", nonce)).await, expected, "{nonce}");
    }
}

#[tokio::test]
async fn nonces_are_compared_by_unescaped_value() {
    let odd = r#""a\"b\\c;keyid=\"other\";created=1, x=()""#;
    let (app, seen) = app(hmac());
    let forged = || Forged::get().with("nonce", odd);
    assert_eq!(send(app.clone(), forged().request()).await.status, 200);
    assert_eq!(seen.principal(), "ci");
    assert_eq!(send(app.clone(), forged().request()).await.status, 401);
    // These nonces would be equal if escapes were ignored.
    for other in [
        r#""0123456789-a\\\"b\\\\c""#,
        r#""0123456789-a\"b\\c""#,
        r#""0123456789-ab-a\\b""#,
        r#""0123456789-ab-ab""#,
    ] {
        assert_eq!(
            send(app.clone(), Forged::get().with("nonce", other).request()).await.status,
            200
        );
        assert_eq!(
            send(app.clone(), Forged::get().with("nonce", other).request()).await.status,
            401
        );
    }
}

#[tokio::test]
async fn failing_or_full_replay_store_is_503() {
    let scripted = |is_claimed, claim| Scripted {
        fails_is_claimed: is_claimed,
        fails_claim: claim,
        ..Scripted::default()
    };
    for (store, status) in
        [(scripted(false, false), 200), (scripted(true, false), 503), (scripted(false, true), 503)]
    {
        let response = verify(hmac().replay_store(store), Forged::post("{}").request()).await;
        assert_eq!(response.status, status);
        assert!(!response.body.contains("connection"));
    }
    let full = MemoryReplayStore::with_capacity(2, 1);
    let (app, seen) = app(hmac().replay_store(full));
    assert_eq!(send(app.clone(), Forged::get().request()).await.status, 200);
    assert_eq!(send(app.clone(), Forged::get().request()).await.status, 503);
    let other = Forged { secret: vec![7; 32], ..Forged::get().with("keyid", "\"other\"") };
    assert_eq!(send(app, other.request()).await.status, 200);
    assert_eq!(seen.count(), 2);
}

#[tokio::test]
async fn nonces_are_kept_longer_than_signatures_are_valid() {
    // Those that are valid for a shorter time are kept as long: the clock may be set back meanwhile.
    for validity in [5, 1] {
        let store = Scripted::default();
        let kept = store.kept.clone();
        let hmac =
            hmac().window(Duration::from_secs(5)).skew(Duration::from_secs(3)).replay_store(store);
        let forged = Forged::get().with("expires", now() + validity).with("created", now());
        assert_eq!(verify(hmac, forged.request()).await.status, 200);
        // The maximum: created one skew in the future and expired one skew ago, with whole seconds at
        // both ends and a clock that may jump by a second in either direction.
        assert!(*kept.lock().unwrap() >= Duration::from_secs(5 + 3 + 3 + 2 + 2), "{validity}");
    }
}

#[tokio::test]
async fn rejected_requests_do_not_claim_their_nonce() {
    let store = Scripted::default();
    let claims = store.claims.clone();
    let (app, _) = app(hmac().replay_store(store));
    for rejected in [
        Forged { secret: vec![9; 32], ..Forged::get() },
        Forged::get().not_covering("@path"),
        Forged::get().with("expires", 1),
    ] {
        assert_eq!(send(app.clone(), rejected.request()).await.status, 401);
    }
    let wrong_body = Forged::post("{}").request().map(|_| Body::from("{ }"));
    assert_eq!(send(app.clone(), wrong_body).await.status, 401);
    assert_eq!(claims.load(Ordering::SeqCst), 0);
    assert_eq!(send(app, Forged::post("{}").request()).await.status, 200);
    assert_eq!(claims.load(Ordering::SeqCst), 1);
}

/// A store that always reports this status.
struct Reports(NonceStatus);

impl ReplayStore for Reports {
    async fn claim(&self, claim: &NonceClaim<'_>) -> Result<NonceStatus, BoxError> {
        assert_eq!((claim.key_id, claim.skew), ("ci", Duration::from_secs(60)));
        assert!(claim.created < claim.expires && !claim.nonce.is_empty());
        Ok(self.0)
    }
}

#[tokio::test]
async fn store_that_lost_data_is_503_with_retry_after() {
    let retry_after = Duration::from_millis(2_500);
    let store = Reports(NonceStatus::Unknown { retry_after });
    let response = verify(hmac().replay_store(store), Forged::get().request()).await;
    assert_eq!(response.status, 503);
    assert_eq!(response.headers["retry-after"], "3");
}

#[tokio::test]
async fn signature_that_the_store_finds_untimely_is_401() {
    let store = Reports(NonceStatus::Untimely);
    let response = verify(hmac().replay_store(store), Forged::get().request()).await;
    assert_eq!(response.status, 401);
}
