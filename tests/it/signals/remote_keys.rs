//! Keys that a transmitter publishes.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::*;
use crate::support::access_token::{ED, SigningKey, jwks};
use crate::support::{UnusedPort, serve};

/// A transmitter that publishes its metadata at this path. Returns its URL, and its keys.
async fn transmitter_at(path: &'static str) -> (String, Arc<Mutex<String>>) {
    let published = Arc::new(Mutex::new(jwks([])));
    let keys = published.clone();
    let app = Router::new().fallback(move |request: Request| {
        let host = request.headers()["host"].to_str().unwrap().to_owned();
        let (found, keys) = (request.uri().path().to_owned(), keys.lock().unwrap().clone());
        async move {
            let url = format!("http://{host}");
            match &*found {
                "/keys" => Ok(keys),
                found if found == path => {
                    Ok(json!({"issuer": url, "jwks_uri": format!("{url}/keys")}).to_string())
                }
                _ => Err(http::StatusCode::NOT_FOUND),
            }
        }
    });
    (serve(app).await, published)
}

fn set_of(issuer: &str, kid: &str, key: &SigningKey) -> String {
    let header = json!({"alg": "EdDSA", "kid": kid, "typ": "secevent+jwt"}).to_string();
    let mut claims = set_claims();
    claims["iss"] = json!(issuer);
    claims["sub_id"]["iss"] = json!(issuer);
    key.token("EdDSA", &header, &claims.to_string())
}

#[tokio::test]
async fn keys_are_found_by_the_metadata_of_the_transmitter() {
    for path in [
        "/.well-known/ssf-configuration",
        "/.well-known/risc-configuration",
        "/.well-known/openid-configuration",
    ] {
        let (url, keys) = transmitter_at(path).await;
        *keys.lock().unwrap() = jwks([ED.jwk("ed")]);
        let (app, _) = app_with(Transmitter::discover(&url, AUDIENCE).unwrap()).await;
        accepts(&app, set_of(&url, "ed", &ED)).await;
        let other = SigningKey::ed25519();
        refuses(&app, set_of(&url, "ed", &other), "authentication_failed", path).await;
    }
}

#[tokio::test]
async fn keys_are_fetched_from_a_url() {
    let (url, keys) = transmitter_at("/nowhere").await;
    *keys.lock().unwrap() = jwks([ED.jwk("ed")]);
    let transmitter = Transmitter::with_jwks_url(&url, AUDIENCE, format!("{url}/keys")).unwrap();
    let handle = transmitter.handle();
    handle.refresh().await.unwrap();
    assert!(handle.is_ready());
    let (app, _) = app_with(transmitter).await;
    accepts(&app, set_of(&url, "ed", &ED)).await;
}

#[tokio::test]
async fn an_event_is_sent_again_while_there_are_no_keys() {
    let unused = UnusedPort::reserve();
    let url = unused.url();
    let (app, _) = app_with(Transmitter::discover(&url, AUDIENCE).unwrap()).await;
    let response = push(&app, set_of(&url, "ed", &ED)).await;
    assert_eq!(response.status, 503, "{}", response.body);
    let seconds: u64 = response.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    // What needs no key to be refused is refused.
    refuses(&app, set_of("https://other.example.com", "ed", &ED), "invalid_issuer", "issuer").await;
}
