//! What is logged about the keys of an issuer.

use tracing_subscriber::filter::LevelFilter;

use super::Scene;
use super::issuer::{Fault, Issuer};
use crate::support::access_token::SigningKey;
use crate::support::log::Log;

#[tokio::test]
async fn an_outage_is_logged_once_and_so_are_changes_of_keys() {
    let [a, b] = [SigningKey::ed25519(), SigningKey::ed25519()];
    let scene = Scene::with(&[("a", &a)]);
    let (log, _guard) = Log::start(LevelFilter::INFO);
    let expect = |level: &str, texts: &[&str]| {
        let lines = log.lines();
        assert_eq!(lines.len(), 1, "{lines:#?}");
        for text in [&[level, "mcp_auth_layer: ", &scene.issuer.url], texts].concat() {
            assert!(lines[0].contains(text), "{text}: {}", lines[0]);
        }
    };
    scene.keys.refresh().await.unwrap();
    expect(" INFO ", &["keys of the issuer changed", "added=1", "removed=0"]);
    scene.keys.refresh().await.unwrap();
    assert!(log.lines().is_empty(), "nothing changed");
    scene.issuer.publish(&[("b", &b)]);
    scene.keys.refresh().await.unwrap();
    expect(" INFO ", &["keys of the issuer changed", "added=1", "removed=1", "keys=1"]);
    scene.issuer.has(Fault::Html);
    for _ in 0..3 {
        scene.keys.refresh().await.unwrap_err();
    }
    expect(" ERROR ", &["keys of the issuer not refreshed", "/keys: ", "not a JWK set"]);
    scene.issuer.has(Fault::None);
    scene.keys.refresh().await.unwrap();
    expect(" INFO ", &["keys of the issuer refreshed again", "failures=3"]);
}

/// Anyone can send a token with an unknown key.
#[tokio::test]
async fn requests_during_an_outage_are_no_further_errors() {
    let key = SigningKey::ed25519();
    let scene = Scene::of(Issuer::down());
    let token = scene.token("a", &key);
    let (log, _guard) = Log::start(LevelFilter::INFO);
    for _ in 0..3 {
        assert_eq!(scene.status(&token).await, 503);
    }
    let lines = log.lines();
    let errors: Vec<_> = lines.iter().filter(|line| line.contains(" ERROR ")).collect();
    assert_eq!(errors.len(), 1, "{lines:#?}");
    assert!(errors[0].contains("keys of the issuer not available"), "{}", errors[0]);
    assert_eq!(lines.iter().filter(|line| line.contains("rejected")).count(), 3, "{lines:#?}");
}

#[tokio::test]
async fn an_issuer_that_is_not_configured_exactly_is_named() {
    let key = SigningKey::ed25519();
    let scene = Scene::with(&[("a", &key)]);
    scene.issuer.has(Fault::OtherIssuer);
    let (log, _guard) = Log::start(LevelFilter::INFO);
    let token = scene.token("a", &key);
    assert_eq!(scene.status(&token).await, 503);
    let lines = log.lines();
    let url = &scene.issuer.url;
    let outage = lines.iter().find(|line| line.contains("keys of the issuer not available"));
    let outage = outage.unwrap_or_else(|| panic!("{lines:#?}"));
    for text in [" ERROR ", &format!("\"{url}/\""), &format!("\"{url}\"")] {
        assert!(outage.contains(text), "{text}: {outage}");
    }
    for part in token.split('.') {
        assert!(!lines.concat().contains(part));
    }
}
