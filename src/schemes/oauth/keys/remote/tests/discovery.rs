//! The metadata of an issuer.

use super::metadata::{check, jwks_uri, locations, transmitter_locations};
use super::*;

#[test]
fn metadata_is_looked_for_at_the_places_of_both_standards() {
    assert_eq!(
        locations("https://id.example.com:8443/realms/a"),
        [
            "https://id.example.com:8443/.well-known/oauth-authorization-server/realms/a",
            "https://id.example.com:8443/.well-known/openid-configuration/realms/a",
            "https://id.example.com:8443/realms/a/.well-known/openid-configuration",
        ]
    );
    let at_the_root = [
        "https://id.example.com/.well-known/oauth-authorization-server",
        "https://id.example.com/.well-known/openid-configuration",
    ];
    assert_eq!(locations("https://id.example.com"), at_the_root);
    assert_eq!(locations("https://id.example.com/"), at_the_root);
    let with_slash = locations("https://id.example.com/a/");
    assert_eq!(with_slash[0], "https://id.example.com/.well-known/oauth-authorization-server/a");
    assert_eq!(with_slash[2], "https://id.example.com/a/.well-known/openid-configuration");
}

#[test]
fn transmitters_have_places_of_their_own_which_come_first() {
    let places = transmitter_locations("https://tr.example.com/issuer1/");
    let own = [
        "https://tr.example.com/.well-known/ssf-configuration/issuer1",
        "https://tr.example.com/.well-known/risc-configuration/issuer1",
    ];
    assert_eq!(places[..2], own);
    assert_eq!(places[2..], locations("https://tr.example.com/issuer1/"));
}

/// Reads metadata of this issuer and with this `jwks_uri`.
fn read(issuer: &str, jwks: &str) -> Result<String, String> {
    let json = format!(r#"{{"issuer":"{issuer}","jwks_uri":"{jwks}"}}"#);
    let url = "https://id.example.com/metadata";
    jwks_uri(ISSUER, url, json.as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn metadata_of_another_issuer_is_refused() {
    let keys = "https://id.example.com/keys";
    assert_eq!(read(ISSUER, keys).unwrap(), keys);
    for other in [
        "https://id.example.com/",
        "https://ID.example.com",
        "https://id.example.com:443",
        "http://id.example.com",
        "https://evil.example.com",
        "",
    ] {
        let error = read(other, keys).unwrap_err();
        for text in [&format!("{other:?}"), "\"https://id.example.com\"", "/metadata"] {
            assert!(error.contains(text), "{error}");
        }
    }
}

#[test]
fn keys_may_be_at_another_host_by_https_alone() {
    assert!(read(ISSUER, "https://keys.example.net/keys?v=3").is_ok());
    for unsafe_url in [
        "http://id.example.com/keys",
        "http://127.0.0.1/keys",
        "HTTP://localhost/keys",
        "file:///etc/passwd",
        "https://user@id.example.com/keys",
        "/keys",
        "",
    ] {
        let error = read(ISSUER, unsafe_url).unwrap_err();
        assert!(error.contains("jwks_uri") && error.contains("cannot be used"), "{error}");
    }
    assert!(check("http://127.0.0.1:7001", "http://127.0.0.1:7002/keys").is_ok());
    assert!(check("http://127.0.0.1:7001", "http://id.example.com/keys").is_err());
}

#[test]
fn metadata_that_is_not_complete_is_refused() {
    for (json, problem) in [
        ("<html>", "not JSON"),
        ("", "not JSON"),
        ("[]", "no `issuer`"),
        (r#"{"jwks_uri":"https://id.example.com/keys"}"#, "no `issuer`"),
        (
            r#"{"issuer":["https://id.example.com"],"jwks_uri":"https://id.example.com/keys"}"#,
            "no `issuer`",
        ),
        (r#"{"issuer":"https://id.example.com"}"#, "no `jwks_uri`"),
        (r#"{"issuer":"https://id.example.com","jwks_uri":7}"#, "no `jwks_uri`"),
    ] {
        let error = jwks_uri(ISSUER, "u", json.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(problem), "{json}: {error}");
    }
}
