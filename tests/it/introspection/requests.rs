//! What is sent to the endpoint, and how often.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Endpoint, TOKEN, claims, present, protected};

/// Case 101.
#[tokio::test]
async fn the_endpoint_receives_the_token_and_encoded_credentials() {
    let endpoint = Endpoint::default();
    endpoint.activate("a%2Bb%2Fc%3D", claims());
    let (app, seen) = protected(endpoint.introspection().await);
    assert_eq!(present(&app, "a+b/c=").await.status, 200);
    assert_eq!(seen.principal(), "alice");
    let (headers, form) = endpoint.state().requests.pop().unwrap();
    assert_eq!(form, "token=a%2Bb%2Fc%3D&token_type_hint=access_token");
    assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
    let basic = headers["authorization"].to_str().unwrap().strip_prefix("Basic ").unwrap();
    let pair = String::from_utf8(STANDARD.decode(basic).unwrap()).unwrap();
    assert_eq!(pair, "mcp%3Aserver:a%20client%27s%20secret%3A%20100%25");
}

#[tokio::test]
async fn a_cached_token_is_not_asked_about_again() {
    let endpoint = Endpoint::default();
    endpoint.activate(TOKEN, claims());
    let (app, _) = protected(endpoint.introspection().await);
    for _ in 0..10 {
        assert_eq!(present(&app, TOKEN).await.status, 200);
        assert_eq!(present(&app, "unknown").await.status, 401);
    }
    assert_eq!(endpoint.calls(), 2);
}

#[tokio::test]
async fn without_a_cache_each_request_asks() {
    let endpoint = Endpoint::default();
    endpoint.activate(TOKEN, claims());
    let introspection = endpoint.introspection().await.cached_for(std::time::Duration::ZERO);
    let (app, _) = protected(introspection);
    for _ in 0..3 {
        assert_eq!(present(&app, TOKEN).await.status, 200);
    }
    assert_eq!(endpoint.calls(), 3);
    endpoint.revoke(TOKEN);
    assert_eq!(present(&app, TOKEN).await.status, 401);
}

/// Case 102.
#[tokio::test]
async fn a_flood_of_random_tokens_is_throttled() {
    let endpoint = Endpoint::default();
    endpoint.activate(TOKEN, claims());
    let (app, _) = protected(endpoint.introspection().await);
    assert_eq!(present(&app, TOKEN).await.status, 200);
    let mut throttled = 0;
    for number in 0..500 {
        match present(&app, &format!("random-{number}")).await.status.as_u16() {
            401 => {}
            429 => throttled += 1,
            status => panic!("{status}"),
        }
    }
    let calls = endpoint.calls();
    assert!(throttled > 400 && calls < 100, "{throttled} {calls}");
    assert_eq!(present(&app, TOKEN).await.status, 200, "a known client with a known token");
}

#[tokio::test]
async fn malformed_tokens_are_not_sent() {
    let endpoint = Endpoint::default();
    let (app, _) = protected(endpoint.introspection().await);
    let long = "x".repeat(16 * 1024 + 1);
    for token in ["", "a b", "a\"b", "=", &long] {
        let response = present(&app, token).await;
        assert_eq!(response.status, 401, "{token}");
        assert_eq!(response.challenges(), [r#"Bearer realm="mcp", error="invalid_token""#]);
    }
    assert_eq!(endpoint.calls(), 0);
    assert_eq!(present(&app, &long[1..]).await.status, 401);
    assert_eq!(endpoint.calls(), 1);
}
