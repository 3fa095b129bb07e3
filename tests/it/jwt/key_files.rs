//! Keys in a file that is watched.

use mcp_auth_layer::auth::Lifetime;
use mcp_auth_layer::{Jwt, McpAuthLayer};

use super::{accepts, rejects};
use crate::support::access_token::{EC, ISSUER, K1, RESOURCE, good, jwks};
use crate::support::{recorder, send, with_authorization, write_credentials};

fn file(keys: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    write_credentials(&path, keys);
    (folder, path)
}

#[tokio::test]
async fn a_changed_file_replaces_the_keys() {
    let (_folder, path) = file(&jwks([K1.jwk("k1")]));
    let jwt = Jwt::with_key_file(ISSUER, RESOURCE, &path).unwrap();
    assert!(jwt.handle().is_ready());
    accepts(&jwt, &good(), "the first keys").await;

    write_credentials(&path, jwks([EC.jwk("ec")]));
    jwt.handle().refresh().await.unwrap();
    rejects(&jwt, &good(), "no key of the issuer").await;

    write_credentials(&path, "{}");
    let error = jwt.handle().refresh().await.unwrap_err().to_string();
    assert!(error.contains("keys.json") && error.contains("no array `keys`"), "{error}");
    rejects(&jwt, &good(), "no key of the issuer").await;

    write_credentials(&path, jwks([EC.jwk("ec"), K1.jwk("k1")]));
    jwt.handle().refresh().await.unwrap();
    accepts(&jwt, &good(), "the last keys").await;
}

#[tokio::test]
async fn a_removed_key_ends_what_it_signed_and_nothing_else() {
    let (_folder, path) = file(&jwks([K1.jwk("k1"), EC.jwk("ec")]));
    let jwt = Jwt::with_key_file(ISSUER, RESOURCE, &path).unwrap();
    let handle = jwt.handle();
    let (app, seen) = recorder();
    let app = app.layer(McpAuthLayer::new(jwt));
    let header = serde_json::json!({"alg": "ES256", "kid": "ec"}).to_string();
    let claims = crate::support::access_token::claims().to_string();
    let mut lifetimes = Vec::new();
    for token in [good(), EC.token("ES256", &header, &claims)] {
        send(app.clone(), with_authorization(&format!("Bearer {token}"))).await;
        lifetimes.push(seen.only().extensions.get::<Lifetime>().unwrap().clone());
    }
    write_credentials(&path, jwks([EC.jwk("ec")]));
    handle.refresh().await.unwrap();
    assert!(!lifetimes[0].is_active() && lifetimes[1].is_active());
}

#[tokio::test]
async fn an_emptied_file_makes_tokens_unavailable() {
    let (_folder, path) = file(&jwks([K1.jwk("k1")]));
    let jwt = Jwt::with_key_file(ISSUER, RESOURCE, &path).unwrap();
    write_credentials(&path, "");
    jwt.handle().refresh().await.unwrap();
    assert!(!jwt.handle().is_ready());
    let (response, _) = super::respond(jwt, &good()).await;
    assert_eq!(response.status, 503);
    assert!(response.headers.contains_key("retry-after") && response.challenges().is_empty());
}

#[test]
fn a_file_without_usable_keys_is_an_error() {
    for keys in ["", "{}", r#"{"keys":[]}"#] {
        let (_folder, path) = file(keys);
        let error = Jwt::with_key_file(ISSUER, RESOURCE, &path).unwrap_err().to_string();
        assert!(error.contains("keys.json"), "{error}");
    }
    let error = Jwt::with_key_file(ISSUER, RESOURCE, "/nowhere/keys.json").unwrap_err().to_string();
    assert!(error.contains("/nowhere/keys.json"), "{error}");
}
