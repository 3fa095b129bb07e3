//! Keys that an authorization server publishes, over sockets. The numbers are those of the cases in the
//! specification of the OAuth support.

mod discovery;
mod faults;
mod flood;
mod issuer;
mod log;
mod outages;
mod rotation;

use axum::Router;
use mcp_auth_layer::Jwt;
use mcp_auth_layer::schemes::JwtHandle;
use serde_json::json;

use self::issuer::Issuer;
use crate::support::access_token::{RESOURCE, SigningKey, now};
use crate::support::{TestResponse, protected, send, with_authorization};

/// An app that verifies the tokens of an issuer, whose keys it discovers.
pub struct Scene {
    pub issuer: Issuer,
    pub app: Router,
    pub keys: JwtHandle,
}

impl Scene {
    /// Starts an issuer with these keys, and the app.
    pub fn with(keys: &[(&str, &SigningKey)]) -> Self {
        let issuer = Issuer::start();
        issuer.publish(keys);
        Self::of(issuer)
    }

    pub fn of(issuer: Issuer) -> Self {
        let jwt = Jwt::discover(&issuer.url, RESOURCE).unwrap();
        let keys = jwt.handle();
        Self { issuer, app: protected(jwt).0, keys }
    }

    /// A token of the issuer, signed by this key.
    pub fn token(&self, kid: &str, key: &SigningKey) -> String {
        token(&self.issuer.url, kid, key)
    }

    pub async fn respond(&self, token: &str) -> TestResponse {
        send(self.app.clone(), with_authorization(&format!("Bearer {token}"))).await
    }

    pub async fn status(&self, token: &str) -> u16 {
        self.respond(token).await.status.as_u16()
    }
}

/// A token of an issuer for alice, signed by an Ed25519 key.
pub fn token(issuer: &str, kid: &str, key: &SigningKey) -> String {
    let header = json!({"alg": "EdDSA", "kid": kid, "typ": "at+jwt"}).to_string();
    let claims = json!({"iss": issuer, "aud": RESOURCE, "sub": "alice", "exp": now() + 300});
    key.token("EdDSA", &header, &claims.to_string())
}

/// Asserts that it cannot be said whether a token is good.
#[track_caller]
pub fn assert_unavailable(response: &TestResponse) {
    assert_eq!(response.status, 503, "{}", response.body);
    let seconds: u64 = response.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert!(response.challenges().is_empty());
}
