//! Where the keys of an issuer are looked for.

use mcp_auth_layer::Jwt;
use mcp_auth_layer::schemes::OAuthConfigError;

use super::issuer::Fault;
use super::{Issuer, token};
use crate::support::access_token::{RESOURCE, SigningKey};
use crate::support::{protected, send, with_authorization};

/// Case 70.
#[tokio::test]
async fn metadata_of_another_issuer_is_refused() {
    let issuer = Issuer::start();
    issuer.publish(&[("a", &SigningKey::ed25519())]);
    let keys = Jwt::discover(&issuer.url, RESOURCE).unwrap().handle();
    keys.refresh().await.unwrap();
    issuer.has(Fault::OtherIssuer);
    let keys = Jwt::discover(&issuer.url, RESOURCE).unwrap().handle();
    let error = keys.refresh().await.unwrap_err().to_string();
    for shown in [format!("\"{}/\"", issuer.url), format!("\"{}\"", issuer.url)] {
        assert!(error.contains(&shown), "{error}");
    }
    assert!(!keys.is_ready());
    assert_eq!(issuer.key_requests(), 1);
}

#[tokio::test]
async fn configured_keys_need_no_metadata() {
    let key = SigningKey::ed25519();
    let issuer = Issuer::start();
    issuer.publish(&[("a", &key)]);
    let url = format!("{}/keys", issuer.url);
    let jwt = Jwt::with_jwks_url(&issuer.url, RESOURCE, url).unwrap();
    let token = token(&issuer.url, "a", &key);
    let request = with_authorization(&format!("Bearer {token}"));
    assert_eq!(send(protected(jwt).0, request).await.status, 200);
    assert_eq!((issuer.metadata_requests(), issuer.key_requests()), (0, 1));
}

/// Cases 71 and 72.
#[test]
fn issuers_and_keys_are_at_https_urls_or_on_this_machine() {
    for issuer in ["https://id.example.com/", "http://127.0.0.1:7001", "http://localhost/a"] {
        assert!(Jwt::discover(issuer, RESOURCE).is_ok(), "{issuer}");
    }
    for issuer in ["http://id.example.com", "id.example.com", "https://id.example.com/?a", ""] {
        let error = Jwt::discover(issuer, RESOURCE).unwrap_err();
        assert!(matches!(error, OAuthConfigError::InvalidUrl { .. }), "{issuer}: {error}");
    }
    let issuer = "https://id.example.com";
    assert!(Jwt::with_jwks_url(issuer, RESOURCE, "https://keys.example.net/").is_ok());
    for url in ["http://id.example.com/keys", "http://127.0.0.1/keys", "/keys"] {
        let error = Jwt::with_jwks_url(issuer, RESOURCE, url).unwrap_err();
        assert!(matches!(error, OAuthConfigError::InvalidUrl { .. }), "{url}: {error}");
    }
    assert!(Jwt::discover(issuer, "").is_err());
}
