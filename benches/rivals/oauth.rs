//! A request with an access token through this crate's layer, and through that of `oauth-resource-server`, which
//! does the same work: both have the key in hand, and hand the principal on in an extension.
//!
//! ```sh
//! cd benches/rivals && cargo bench --bench oauth
//! ```

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../../tests/it/support/access_token.rs"]
mod access_token;
#[allow(dead_code, reason = "other benchmarks use the rest")]
#[path = "../harness/mod.rs"]
mod harness;

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;

use access_token::{ISSUER, RESOURCE, SigningKey, claims, jwks};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use harness::{measure, measuring, service};
use http::StatusCode;
use mcp_auth_layer::{Jwt, McpAuthLayer};
use oauth_resource_server::http_layer::HttpAuthLayer;
use oauth_resource_server::{KeyNaming, OAuthConfig, OAuthValidator};
use tower::{Layer, service_fn};

fn main() {
    let rounds = if measuring() { 1500 } else { 1 };
    // It looks at Tokio's clock.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let _guard = runtime.enter();
    for (algorithm, key) in [
        ("RS256", SigningKey::rsa()),
        ("ES256", SigningKey::p256()),
        ("EdDSA", SigningKey::ed25519()),
    ] {
        let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"k1"}}"#);
        let token = key.token(algorithm, &header, &claims().to_string());
        let keys = jwks([key.jwk("k1")]);
        let request = || {
            let request = http::Request::post("/mcp").header("host", "127.0.0.1:8000");
            let request = request.header("authorization", format!("Bearer {token}"));
            request.body(Body::empty()).expect("it is valid")
        };
        let nothing =
            || service_fn(|_: Request| ready(Ok::<_, Infallible>(Response::new(Body::empty()))));

        let config = OAuthConfig {
            enabled: true,
            issuer: ISSUER.into(),
            audience: RESOURCE.into(),
            resource: RESOURCE.into(),
            required_scopes: vec!["tools:read".into()],
            ..OAuthConfig::default()
        };
        let config = config.resolve(KeyNaming::Dotted("oauth")).expect("valid").expect("enabled");
        let validator = OAuthValidator::builder(&config).initial_jwks(&keys).build();
        let theirs = HttpAuthLayer::builder().oauth(Arc::new(validator.expect("valid")));
        let theirs = theirs.build().expect("valid");

        let jwt = Jwt::with_keys(ISSUER, RESOURCE, &keys).expect("valid");
        let ours = McpAuthLayer::new(jwt).require_scopes(["tools:read"]);

        let ok = StatusCode::OK;
        let contenders = vec![
            service("McpAuthLayer with Jwt", ok, ours.layer(nothing()), request),
            service("oauth-resource-server 0.4", ok, theirs.layer(nothing()), request),
        ];
        measure(&format!("{algorithm}, accepted"), rounds, contenders);
    }
}
