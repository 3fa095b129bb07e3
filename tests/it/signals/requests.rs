//! Requests for the path of the events: what the layer itself checks, and within which limits.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::Bytes;
use futures::{StreamExt, stream};
use mcp_auth_layer::layer::Origin;
use mcp_auth_layer::rate_limit::{ClientIp, Quota, RateLimit};

use super::*;

const SECRET: &str = "jW3vD8Rk2nQ5";

fn with_fields(fields: &[(&'static str, &str)]) -> Request {
    let mut request = push_request(good_set());
    for (name, value) in fields {
        request.headers_mut().remove(*name);
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    request
}

async fn status_of(app: &Router, request: Request) -> u16 {
    send(app.clone(), request).await.status.as_u16()
}

#[tokio::test]
async fn events_are_sent_by_post_alone() {
    let (app, seen) = app_with(transmitter()).await;
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let mut request = push_request(good_set());
        *request.method_mut() = method.parse().unwrap();
        let response = send(app.clone(), request).await;
        assert_eq!(response.status, 405, "{method}");
        assert_eq!(response.headers["allow"], "POST");
    }
    assert!(!is_revoked(&app, "alice").await);
    seen.only();
    accepts(&app, good_set()).await;
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn no_other_path_receives_events() {
    let (app, seen) = app_with(transmitter()).await;
    for path in ["/events/", "/Events", "//events", "/%65vents", "/"] {
        let mut request = push_request(good_set());
        *request.uri_mut() = path.parse().unwrap();
        assert_eq!(status_of(&app, request).await, 401, "{path}");
    }
    let mut request = push_request(good_set());
    *request.uri_mut() = "/events?x=1".parse().unwrap();
    assert_eq!(status_of(&app, request).await, 202);
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn the_media_type_is_that_of_a_security_event() {
    let app = app().await;
    for kind in ["application/json", "application/jwt", "text/plain", "application/secevent", ""] {
        let response = send(app.clone(), with_fields(&[("content-type", kind)])).await;
        assert_refused(&response, "invalid_request", kind);
    }
    let compressed = with_fields(&[("content-encoding", "gzip")]);
    assert_refused(&send(app.clone(), compressed).await, "invalid_request", "gzip");
    let mut twice = push_request(good_set());
    twice.headers_mut().append("content-type", "application/secevent+jwt".parse().unwrap());
    assert_refused(&send(app.clone(), twice).await, "invalid_request", "two types");
    let mut none = push_request(good_set());
    none.headers_mut().remove("content-type");
    assert_refused(&send(app.clone(), none).await, "invalid_request", "no type");
    assert!(!is_revoked(&app, "alice").await);
    for kind in ["Application/SecEvent+JWT", "application/secevent+jwt; charset=utf-8"] {
        assert_eq!(status_of(&app, with_fields(&[("content-type", kind)])).await, 202, "{kind}");
    }
}

#[tokio::test]
async fn the_secret_of_the_transmitter_is_required() {
    let (app, _) = app_with(transmitter().bearer(SECRET).unwrap()).await;
    for field in
        [None, Some("Bearer"), Some("Bearer other"), Some(SECRET), Some("Basic jW3vD8Rk2nQ5")]
    {
        let fields = field.map(|field| ("authorization", field));
        let response = send(app.clone(), with_fields(fields.as_slice())).await;
        assert_eq!(response.status, 400);
        assert_refused(&response, "authentication_failed", &format!("{field:?}"));
        assert!(!response.body.contains(SECRET));
    }
    assert!(!is_revoked(&app, "alice").await);
    let right = format!("Bearer {SECRET}");
    assert_eq!(status_of(&app, with_fields(&[("authorization", &right)])).await, 202);
    assert!(is_revoked(&app, "alice").await);
}

#[tokio::test]
async fn the_body_of_a_request_without_the_secret_is_not_kept() {
    let (app, _) = app_with(transmitter().bearer(SECRET).unwrap()).await;
    // A body that never ends would be waited for.
    let endless = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let response =
        tokio::time::timeout(Duration::from_secs(20), push(&app, endless)).await.unwrap();
    assert_refused(&response, "authentication_failed", "no secret");
}

#[tokio::test]
async fn a_body_has_64_kib_at_most() {
    let app = app().await;
    let filled = |bytes: usize| {
        let empty = set_with(|claims| claims["fill"] = "".into()).len();
        // Four characters for three bytes.
        let fill = "x".repeat((bytes - empty) * 3 / 4);
        set_with(|claims| claims["fill"] = fill.into())
    };
    let large = filled(64 * 1024);
    assert!((65_500..=65_536).contains(&large.len()), "{}", large.len());
    accepts(&app, large).await;
    let larger = filled(64 * 1024 + 40);
    assert!(larger.len() > 65_536);
    assert_eq!(push(&app, larger.clone()).await.status, 413);
    // Without an announced length, too.
    let chunks = larger.into_bytes().chunks(1_000).map(Bytes::copy_from_slice).collect::<Vec<_>>();
    let chunks = Body::from_stream(stream::iter(chunks).map(Ok::<_, std::io::Error>));
    assert_eq!(push(&app, chunks).await.status, 413);
}

#[tokio::test]
async fn deeply_nested_events_are_refused() {
    let app = app().await;
    let nested = format!("{}1{}", r#"{"a":"#.repeat(5_000), "}".repeat(5_000));
    let claims = set_claims().to_string().replacen('{', &format!(r#"{{"deep":{nested},"#), 1);
    let set = K1.token("RS256", &set_header().to_string(), &claims);
    assert!(set.len() < 64 * 1024);
    refuses(&app, set, "invalid_request", "too deep").await;
}

#[tokio::test]
async fn host_and_origin_are_checked() {
    let (inner, _) = recorder();
    let layer = layer().await.security_events(EVENTS, transmitter());
    let layer = layer.host("mcp.example.com".parse().unwrap());
    let app = inner.layer(layer.allow_origin(Origin::from_static("https://app.example.com")));
    let rebound = [("host", "evil.example.com"), ("sec-fetch-site", "same-origin")];
    assert_eq!(status_of(&app, with_fields(&rebound)).await, 403);
    let foreign = [("host", "mcp.example.com"), ("origin", "https://evil.example.com")];
    assert_eq!(status_of(&app, with_fields(&foreign)).await, 403);
    assert!(!is_revoked(&app, "alice").await);
    let allowed = [("host", "mcp.example.com"), ("origin", "https://app.example.com")];
    assert_eq!(status_of(&app, with_fields(&allowed)).await, 202);
}

/// A limited app, and a request of this client with this body.
async fn limited() -> (Router, impl Fn(u8, &str) -> Request) {
    let quota = Quota::new(3, Duration::from_secs(3_600)).unwrap();
    let address = ClientIp::from_fn(|head| head.extensions.get::<IpAddr>().copied());
    let limit = RateLimit::by(address).per_address(quota);
    let layer = layer().await.security_events(EVENTS, transmitter()).rate_limit(limit);
    let request = |client: u8, set: &str| {
        let mut request = push_request(set.to_owned());
        request.extensions_mut().insert(IpAddr::from([192, 0, 2, client]));
        request
    };
    (recorder().0.layer(layer), request)
}

#[tokio::test]
async fn failed_attempts_are_limited() {
    let (app, request) = limited().await;
    let forged = set_with_header(|header| header["kid"] = "k2".into());
    for _ in 0..3 {
        assert_eq!(status_of(&app, request(1, &forged)).await, 400);
    }
    let response = send(app.clone(), request(1, &forged)).await;
    assert_eq!(response.status, 429);
    assert!(response.headers.contains_key("retry-after"));
    assert_eq!(status_of(&app, request(1, &good_set())).await, 429, "whatever it is");
    assert_eq!(status_of(&app, request(2, &good_set())).await, 202, "of another client");
}

#[tokio::test]
async fn what_the_transmitter_itself_sends_is_no_failed_attempt() {
    let (app, request) = limited().await;
    let misdirected = set_with(|claims| claims["aud"] = "other".into());
    for _ in 0..5 {
        assert_eq!(status_of(&app, request(1, &misdirected)).await, 400);
    }
    for n in 0..5 {
        let set = set_with(|claims| claims["jti"] = format!("e-{n}").into());
        assert_eq!(status_of(&app, request(1, &set)).await, 202);
    }
}

/// Bodies of strangers share their room, so that one stranger could keep signals from being received.
#[tokio::test(start_paused = true)]
async fn bodies_that_do_not_arrive_are_failed_attempts() {
    let (app, request) = limited().await;
    let send_body = async |body: Body| {
        let mut request = request(1, "");
        *request.body_mut() = body;
        status_of(&app, request).await
    };
    for _ in 0..2 {
        let endless = stream::pending::<Result<Bytes, std::io::Error>>();
        assert_eq!(send_body(Body::from_stream(endless)).await, 400);
    }
    assert_eq!(send_body("x".repeat(64 * 1024 + 1).into()).await, 413);
    assert_eq!(status_of(&app, request(1, &good_set())).await, 429);
    assert_eq!(status_of(&app, request(2, &good_set())).await, 202, "of another client");
}
