//! The keys of an authorization server are fetched from the URL that its metadata names, if a plain reading finds there
//! the configured issuer and a URL that is safe.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_auth_layer_fuzz::fragments;
use metadata::jwks_uri;
use serde_json::Value;

#[path = "../parts/auth.rs"]
mod auth;
#[path = "../parts/metadata.rs"]
mod metadata;

/// Issuers: the first byte of the data chooses one.
const ISSUERS: [&str; 3] =
    ["https://id.example.com", "https://id.example.com/tenant", "http://127.0.0.1:7001"];

/// Each byte from 0x80 on stands for one of these.
const FRAGMENTS: &[&str] = &[
    r#"{"issuer":"https://id.example.com","jwks_uri":"https://"#,
    r#"{"issuer":"https://id.example.com/tenant","jwks_uri":"https://id.example.com/keys"}"#,
    r#"{"issuer":"http://127.0.0.1:7001","jwks_uri":"http"#,
    r#""issuer":"https://id.example.com""#,
    r#""jwks_uri":"#,
    r#","issuer":null"#,
    r#"\u0073"#,
    "://",
    "s://",
    "id.example.com",
    "localhost",
    "127.0.0.1",
    "127.1",
    "0x7f000001",
    "[::1]",
    "[::ffff:127.0.0.1]",
    ":8443",
    ":0",
    "/keys",
    "/..",
    "?a=b",
    "%2e",
    "\"}",
    "\",",
];

fuzz_target!(|data: &[u8]| {
    let (first, data) = data.split_first().unwrap_or((&0, data));
    let issuer = ISSUERS[usize::from(*first) % ISSUERS.len()];
    let json = fragments::text(data, 128, FRAGMENTS);
    let shown = json.escape_ascii();

    let found = jwks_uri(issuer, "https://id.example.com/.well-known/x", &json);
    let metadata: Value = serde_json::from_slice(&json).unwrap_or_default();
    let named = metadata["jwks_uri"].as_str().filter(|_| metadata["issuer"] == issuer);
    let Some(named) = named else {
        assert!(found.is_err(), "{issuer} {shown}");
        return;
    };
    match found {
        Ok(url) => assert!(url == named && !is_unsafe(issuer, named), "{issuer} {shown}"),
        Err(error) => assert!(!is_plain(named), "{error:?} of {issuer} {shown}"),
    }
});

/// Splits a URL into its scheme, in lower case, its authority, and the rest.
fn split(url: &str) -> Option<(String, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    Some((scheme.to_ascii_lowercase(), &rest[..end], &rest[end..]))
}

/// Returns whether keys must not be fetched from there.
fn is_unsafe(issuer: &str, url: &str) -> bool {
    let Some((scheme, authority, _)) = split(url) else { return true };
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let is_loopback = host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|host| host.octets()[0] == 127)
        || host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .is_some_and(|host| host.parse() == Ok(std::net::Ipv6Addr::LOCALHOST));
    let is_secure =
        scheme == "https" || scheme == "http" && is_loopback && issuer.starts_with("http://");
    !is_secure || host.is_empty() || authority.contains('@') || url.contains(['#', ' ', '\\'])
}

/// Returns whether this is surely the URL of a web server.
fn is_plain(url: &str) -> bool {
    let Some((scheme, authority, rest)) = split(url) else { return false };
    let (host, port) = authority.split_once(':').unwrap_or((authority, "1"));
    let is_name = |label: &str| {
        !label.is_empty() && label.len() < 64 && label.bytes().all(|byte| byte.is_ascii_lowercase())
    };
    let is_path = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-?=".contains(&byte);
    scheme == "https"
        && url.starts_with("https")
        && host.split('.').all(is_name)
        && (1..=4).contains(&port.len())
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && rest.bytes().all(is_path)
}
