//! Endpoints that fail: a token is neither accepted nor refused then.

use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use mcp_auth_layer::rate_limit::RateLimit;
use mcp_auth_layer::schemes::{ClientSecret, Introspection};
use mcp_auth_layer::{Bearer, McpAuthLayer, any_of};
use tracing_subscriber::filter::LevelFilter;

use super::{Endpoint, Fault, SECRET, TOKEN, claims, present, protected};
use crate::support::access_token::{ISSUER, RESOURCE};
use crate::support::log::Log;
use crate::support::{UnusedPort, recorder};

/// A layer without a limit of attempts, which would count those of an outage.
fn unlimited(introspection: Introspection) -> Router {
    let unlimited = RateLimit::default().no_address_limit();
    recorder().0.layer(McpAuthLayer::new(introspection).rate_limit(unlimited))
}

async fn assert_unavailable(app: &Router, what: &str) {
    let response = present(app, TOKEN).await;
    assert_eq!(response.status, 503, "{what}");
    assert!(response.challenges().is_empty(), "{what}");
    assert_eq!(response.headers["retry-after"], "1", "{what}");
    assert_eq!(response.message(), "authentication is unavailable; try again later", "{what}");
}

/// Case 99.
#[tokio::test]
async fn a_failing_endpoint_is_unavailable_and_recovers() {
    let endpoint = Endpoint::default();
    endpoint.activate(TOKEN, claims());
    let app = unlimited(endpoint.introspection().await);
    let elsewhere = Endpoint::default();
    elsewhere.activate(TOKEN, claims());
    for (fault, what) in [
        (Fault::Status(500), "status 500"),
        (Fault::Status(401), "status 401"),
        (Fault::Status(404), "status 404"),
        (Fault::Status(204), "status 204"),
        (Fault::Body("<html>".into()), "HTML"),
        (Fault::Body(String::new()), "nothing"),
        (Fault::Body(r#"{"active":true,"active":true}"#.into()), "a member twice"),
        (Fault::Body(format!("{}{}", claims(), " ".repeat(64 * 1024))), "64 KiB"),
        (Fault::Redirect("http://127.0.0.1:9/introspect".into()), "a redirect"),
        (Fault::Silence, "silence"),
    ] {
        endpoint.fail(fault);
        assert_unavailable(&app, what).await;
    }
    assert_eq!(endpoint.calls(), 10);
    endpoint.fail(None);
    assert_eq!(present(&app, TOKEN).await.status, 200);
}

#[tokio::test]
async fn an_outage_is_logged_once_with_its_cause() {
    let endpoint = Endpoint::default();
    endpoint.activate(TOKEN, claims());
    let app = unlimited(endpoint.introspection().await);
    endpoint.fail(Fault::Status(401));
    let (log, _guard) = Log::start(LevelFilter::INFO);
    join_all((0..50).map(|number| {
        let app = app.clone();
        async move { present(&app, &format!("token-{number}")).await }
    }))
    .await;
    assert_unavailable(&app, "one more").await;
    let lines = log.lines();
    let of_outage: Vec<_> = lines.iter().filter(|line| line.contains("fails")).collect();
    assert_eq!(of_outage.len(), 1, "{lines:?}");
    assert!(of_outage[0].contains("ERROR") && of_outage[0].contains("/introspect"));
    assert!(of_outage[0].contains("status 401: it refuses the client ID and secret"));
    endpoint.fail(None);
    assert_eq!(present(&app, TOKEN).await.status, 200);
    assert!(log.lines().iter().any(|line| line.contains("token introspection works again")));
}

/// Case 90: other schemes go on, and what is no token is told from what cannot be verified.
#[tokio::test]
async fn other_schemes_work_while_the_endpoint_is_down() {
    let port = UnusedPort::reserve();
    let secret = ClientSecret::new("mcp", SECRET);
    let introspection = Introspection::new(ISSUER, RESOURCE, port.url(), secret).unwrap();
    let machines = Bearer::new([("ci", "Zb9tQ0sJw2uLx4hVn6pRaA")]).unwrap();
    let (app, _) = protected(any_of((machines, introspection)));
    assert_eq!(present(&app, "Zb9tQ0sJw2uLx4hVn6pRaA").await.status, 200);
    assert_unavailable(&app, "nobody listens").await;
    assert_eq!(present(&app, "no token").await.status, 401);
}

/// An outage does not use up the attempts of a client whose token was active before.
#[tokio::test]
async fn known_tokens_are_not_throttled_after_an_outage() {
    let endpoint = Endpoint::default();
    endpoint.activate(TOKEN, claims());
    let introspection = endpoint.introspection().await.cached_for(std::time::Duration::ZERO);
    let (app, _) = protected(introspection);
    assert_eq!(present(&app, TOKEN).await.status, 200);
    endpoint.fail(Fault::Status(500));
    for _ in 0..100 {
        assert_unavailable(&app, "an outage").await;
    }
    endpoint.fail(None);
    assert_eq!(present(&app, TOKEN).await.status, 200);
}

/// Case 95, for opaque tokens and the secret of the client.
#[tokio::test]
async fn tokens_and_the_secret_are_not_revealed() {
    let endpoint = Endpoint::default();
    endpoint.activate(TOKEN, claims());
    let introspection = endpoint.introspection().await;
    let mut text = format!("{introspection:?} {:?}", ClientSecret::new("mcp", SECRET));
    let app = unlimited(introspection);
    let (log, _guard) = Log::start(LevelFilter::TRACE);
    let unknown = "Hk7yGd1oTf8eMi5zCs3jUQ";
    let faults = [Some(Fault::Status(401)), Some(Fault::Body(TOKEN.into())), None, None];
    for fault in faults {
        endpoint.fail(fault);
        for token in [TOKEN, unknown, "a-third-one.of-tokens"] {
            text += &format!("{:?}", present(&app, token).await);
        }
    }
    text += &log.lines().concat();
    let (headers, _) = endpoint.state().requests.pop().unwrap();
    let sent = headers["authorization"].to_str().unwrap().strip_prefix("Basic ").unwrap();
    let pair = String::from_utf8(STANDARD.decode(sent).unwrap()).unwrap();
    let encoded = pair.split_once(':').unwrap().1;
    for secret in [TOKEN, unknown, "a-third-one", SECRET, sent, encoded] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert!(text.contains("status 401"), "the scan sees the log");
}
