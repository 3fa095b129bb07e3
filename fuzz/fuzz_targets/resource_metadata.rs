//! The challenge of a protected resource names the URL that a plain reading makes of the resource's own (RFC 9728 §3.1),
//! and the document of the resource is there, and below the well-known path nowhere else.

#![no_main]

use std::convert::Infallible;

use axum::body::{Body, to_bytes};
use http::{Request, Response, Uri};
use libfuzzer_sys::fuzz_target;
use mcp_auth_layer::McpAuthLayer;
use mcp_auth_layer::layer::Resource;
use mcp_auth_layer_fuzz::runtime::block_on;
use serde_json::Value;
use tower::{Layer, ServiceExt, service_fn};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    // The URL of a resource, and a path below the well-known one.
    let (url, other) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(resource) = Resource::new(url, "https://id.example.com") else {
        assert!(!is_plain(url), "{url:?}");
        return;
    };
    let (scheme, rest) = url.split_once("://").expect("a resource has an absolute URL");
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let own = format!("{WELL_KNOWN}{}", if path == "/" { "" } else { path });
    let metadata_url = format!("{}://{authority}{own}", scheme.to_ascii_lowercase());
    assert_eq!(resource.metadata_url(), metadata_url, "{url:?}");

    // A request for a document that OAuth clients look for is no request for a resource.
    if !path.contains("/.well-known/") {
        let challenge = respond(&resource, url).expect("it is a URL");
        assert_eq!(challenge.status(), 401, "{url:?}");
        let fields = challenge.headers().get_all("www-authenticate").iter();
        let named = format!("resource_metadata=\"{metadata_url}\"");
        assert!(
            fields.into_iter().any(|field| field.to_str().unwrap().contains(&named)),
            "{url:?}"
        );
    }
    assert_eq!(document(&resource, &metadata_url), Some(Ok(url.to_owned())));
    let other = format!("{WELL_KNOWN}{other}");
    let Ok(parsed) = other.parse::<Uri>() else { return };
    let asked = without_slash(parsed.path());
    let is_there = asked == without_slash(&own) || asked == WELL_KNOWN;
    let expected = if is_there { Ok(url.to_owned()) } else { Err(404) };
    assert_eq!(document(&resource, &other), Some(expected), "{url:?} {other:?}");
});

fn without_slash(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

/// Returns the response to a request without a credential.
fn respond(resource: &Resource, uri: &str) -> Option<Response<Body>> {
    let request = Request::get(uri.parse::<Uri>().ok()?).body(Body::empty()).unwrap();
    let inner = service_fn(|_: Request<Body>| async {
        Ok::<_, Infallible>(Response::new(Body::from("no request has a credential")))
    });
    let app = McpAuthLayer::bearer("token").resource(resource.clone()).layer(inner);
    Some(block_on(app.oneshot(request)).unwrap())
}

/// Returns the resource that the document at a URL names, or the status if there is no document.
fn document(resource: &Resource, uri: &str) -> Option<Result<String, u16>> {
    let response = respond(resource, uri)?;
    if response.status() != 200 {
        return Some(Err(response.status().as_u16()));
    }
    let body = block_on(to_bytes(response.into_body(), usize::MAX)).unwrap();
    let document: Value = serde_json::from_slice(&body).unwrap();
    Some(Ok(document["resource"].as_str().unwrap().to_owned()))
}

/// Returns whether this is surely the URL of a resource.
fn is_plain(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else { return false };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let is_label = |label: &str| {
        (1..64).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_lowercase())
    };
    let is_segment =
        |segment: &str| !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_alphanumeric());
    host.split('.').all(is_label) && path.split('/').skip(1).all(is_segment)
}
