//! Opaque tokens beside JWTs of the same issuer.

use axum::Router;
use mcp_auth_layer::auth::{AuthScheme, Challenge};
use mcp_auth_layer::{Authenticator, Jwt, any_of};
use tracing_subscriber::filter::LevelFilter;

use super::{Endpoint, TOKEN, claims, present, protected};
use crate::support::access_token::{ISSUER, RESOURCE, good, issuer_keys, with_claims};
use crate::support::log::Log;
use crate::support::{Seen, get, send};

async fn jwts_and_opaque_tokens(endpoint: &Endpoint) -> (Router, Seen) {
    let jwt = Jwt::with_keys(ISSUER, RESOURCE, issuer_keys()).unwrap();
    protected(any_of((jwt, endpoint.introspection().await.opaque_only())))
}

#[tokio::test]
async fn jwts_are_verified_here_and_opaque_tokens_there() {
    let endpoint = Endpoint::default();
    endpoint.activate(TOKEN, claims());
    let (app, seen) = jwts_and_opaque_tokens(&endpoint).await;
    assert_eq!(present(&app, &good()).await.status, 200);
    assert_eq!((seen.principal(), endpoint.calls()), ("alice".into(), 0));
    assert_eq!(present(&app, TOKEN).await.status, 200);
    assert_eq!((seen.principal(), endpoint.calls()), ("alice".into(), 1));
}

#[tokio::test]
async fn a_refused_jwt_is_not_introspected() {
    let endpoint = Endpoint::default();
    let refused = with_claims(|claims| claims["aud"] = "https://other.example.com".into());
    endpoint.activate(&refused, claims());
    let (app, _) = jwts_and_opaque_tokens(&endpoint).await;
    let (log, _guard) = Log::start(LevelFilter::INFO);
    let response = present(&app, &refused).await;
    assert_eq!((response.status.as_u16(), endpoint.calls()), (401, 0));
    assert_eq!(response.challenges(), [r#"Bearer realm="mcp", error="invalid_token""#]);
    let lines = log.lines();
    assert!(lines[0].contains("https://other.example.com"), "the JWT's reason: {lines:?}");
    // Alone and without the option, the endpoint decides.
    let (app, _) = protected(endpoint.introspection().await);
    assert_eq!(present(&app, &refused).await.status, 200);
}

/// The verifier of JWTs only knows that the token is none.
#[tokio::test]
async fn the_reason_of_an_opaque_token_is_that_of_its_issuer() {
    let endpoint = Endpoint::default();
    let (app, _) = jwts_and_opaque_tokens(&endpoint).await;
    let (log, _guard) = Log::start(LevelFilter::INFO);
    assert_eq!(present(&app, TOKEN).await.status, 401);
    let lines = log.lines();
    assert!(lines.iter().any(|line| line.contains("the token is not active")), "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains("the token is not a JWT")), "{lines:?}");
}

#[tokio::test]
async fn both_kinds_of_tokens_have_one_challenge() {
    let endpoint = Endpoint::default();
    let (app, _) = jwts_and_opaque_tokens(&endpoint).await;
    assert_eq!(send(app.clone(), get("/", &[])).await.challenges(), [r#"Bearer realm="mcp""#]);
    let response = present(&app, "unknown").await;
    assert_eq!(response.challenges(), [r#"Bearer realm="mcp", error="invalid_token""#]);
}

/// For the layer's own 401, such as that of a token that expired while its request was read.
#[tokio::test]
async fn introspection_has_the_challenge_of_bearer_tokens() {
    let introspection = Endpoint::default().introspection().await;
    assert_eq!(introspection.challenges(), [Challenge::new(AuthScheme::BEARER)]);
}

/// The limit for calls of the endpoint does not concern JWTs, which need none.
#[tokio::test]
async fn jwts_of_many_users_are_not_throttled() {
    let endpoint = Endpoint::default();
    let (app, _) = jwts_and_opaque_tokens(&endpoint).await;
    for number in 0..50 {
        let token = with_claims(|claims| claims["jti"] = format!("t-{number}").into());
        assert_eq!(present(&app, &token).await.status, 200);
    }
}
