//! Access tokens that are JWTs. The numbers are those of the cases in the specification of the OAuth support.

mod algorithms;
mod claims;
mod composition;
mod form;
mod headers;
mod key_files;
mod key_sets;
mod options;
mod principals;
mod providers;

use mcp_auth_layer::Jwt;
use tracing_subscriber::filter::LevelFilter;

use crate::support::access_token::{ISSUER, RESOURCE, issuer_keys};
use crate::support::log::Log;
use crate::support::{TestResponse, protected, send, with_authorization};

/// A verifier with the keys of the issuer.
pub fn jwt() -> Jwt {
    Jwt::with_keys(ISSUER, RESOURCE, issuer_keys()).unwrap()
}

/// The response to a request with this token, and the principal that reached the inner service.
pub async fn respond(jwt: Jwt, token: &str) -> (TestResponse, Option<http::request::Parts>) {
    let (app, seen) = protected(jwt);
    let response = send(app, with_authorization(&format!("Bearer {token}"))).await;
    let head = (seen.count() == 1).then(|| seen.only());
    assert_eq!(head.is_some(), response.status == 200);
    (response, head)
}

/// Asserts that a token is accepted.
pub async fn accepts(jwt: &Jwt, token: &str, what: impl std::fmt::Debug) {
    let (response, _) = respond(jwt.clone(), token).await;
    assert_eq!(response.status, 200, "{what:?}: {}", response.body);
}

/// Asserts that a token is rejected with 401 and `invalid_token`, that the response says nothing about the
/// reason, and that the log says `reason`.
pub async fn rejects(jwt: &Jwt, token: &str, reason: &str) {
    let (log, guard) = Log::start(LevelFilter::INFO);
    let (response, _) = respond(jwt.clone(), token).await;
    let lines = log.lines();
    drop(guard);
    assert_eq!(response.status, 401, "{reason}");
    let challenge = r#"Bearer realm="mcp", error="invalid_token""#;
    assert_eq!(response.challenges(), [challenge], "{reason}");
    assert_eq!(response.message(), "the credential is wrong or has expired", "{reason}");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains(" INFO ") && lines[0].contains(reason), "{reason}: {}", lines[0]);
    assert!(lines[0].len() < 1_500, "{}", lines[0]);
    let signature = token.rsplit('.').next().unwrap_or_default();
    assert!(signature.len() < 20 || !lines[0].contains(signature));
}
