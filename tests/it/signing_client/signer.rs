//! `Signer` and the verifier agree: every signed request is accepted, and no modified one.

use std::collections::BTreeMap;

use axum::body::Body;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use http::{Method, Uri};
use mcp_auth_layer::schemes::{SignError, Signer};
use mcp_auth_layer::{HttpSignature, McpAuthLayer};
use proptest::prelude::*;

use super::signer;
use crate::support::forged_request::SECRET;
use crate::support::{recorder, send};

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

fn signed(mut request: http::Request<Vec<u8>>) -> http::Request<Vec<u8>> {
    signer().sign(&mut request).unwrap();
    request
}

/// The verifier's response to a request that is signed after the verifier has started.
fn status(request: impl FnOnce() -> http::Request<Vec<u8>>) -> u16 {
    let (app, seen) = recorder();
    // These tests are about signatures, so session binding is off.
    let hmac = HttpSignature::new([("ci", SECRET)]).unwrap();
    let request = request();
    let named = request.uri().authority().map_or("", |authority| authority.as_str());
    let hmac = if named.contains('@') || named.is_empty() {
        hmac
    } else {
        hmac.authority(named.parse().unwrap())
    };
    let app = app.layer(McpAuthLayer::new(hmac).danger_disable_session_binding());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let response = runtime.block_on(send(app, request.map(Body::from)));
    assert_eq!(seen.count(), usize::from(response.status == 200));
    response.status.as_u16()
}

/// Generates requests that can be signed.
fn requests() -> impl Strategy<Value = http::Request<Vec<u8>>> {
    let method = prop::sample::select(vec!["GET", "POST", "DELETE", "PUT", "PURGE"]);
    let target = "http://[a-zA-Z0-9.-]{1,20}(:[1-9][0-9]{0,3})?(/[a-zA-Z0-9._~%!$&'()*+,;=:@-]{0,12}){0,4}(\\?[a-zA-Z0-9/?._~%!$&'()*+,;=:@-]{0,20})?";
    let names = "mcp-[a-z0-9-]{1,10}|last-event-id|content-encoding|x-[a-z]{1,5}";
    let headers = prop::collection::vec((names, "[ -~]{0,30}"), 0..6);
    let body = prop::collection::vec(any::<u8>(), 0..200);
    (method, target, headers, body).prop_filter_map(
        "no request",
        |(method, target, headers, body)| {
            let mut request = http::Request::builder().method(method).uri(target);
            let headers: BTreeMap<_, _> = headers.into_iter().collect(); // one value per header
            for (name, value) in headers {
                request = request.header(name, value);
            }
            request.header("content-type", "application/json").body(body).ok()
        },
    )
}

/// A copy with one changed bit in something that the signature covers.
fn change(
    request: http::Request<Vec<u8>>,
    what: prop::sample::Index,
    at: prop::sample::Index,
    bit: u8,
) -> Option<http::Request<Vec<u8>>> {
    let (mut head, mut body) = request.into_parts();
    let flip = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        let at = (!bytes.is_empty()).then(|| at.index(bytes.len()))?;
        bytes[at] ^= 1 << bit;
        Some(bytes)
    };
    let covered: Vec<_> = head
        .headers
        .keys()
        .filter(|name| !name.as_str().starts_with("x-"))
        .filter(|name| !(name.as_str() == "content-type" && body.is_empty()))
        .cloned()
        .collect();
    match what.index(covered.len() + 3) {
        0 => head.method = Method::from_bytes(&flip(head.method.as_str())?).ok()?,
        1 => {
            let changed: Uri =
                String::from_utf8(flip(&head.uri.to_string())?).ok()?.parse().ok()?;
            // Case and the default port do not change the authority. The scheme is not covered.
            let covered_part = |uri: &Uri| {
                let authority =
                    uri.authority().map(|a| a.as_str().trim_end_matches(":80").to_lowercase());
                let query = uri.query().unwrap_or_default().to_owned();
                (authority, uri.path().to_owned(), query)
            };
            if covered_part(&changed) == covered_part(&head.uri) {
                return None;
            }
            head.uri = changed;
        }
        2 if body.is_empty() => body.push(0),
        2 => {
            let at = at.index(body.len());
            body[at] ^= 1 << bit;
        }
        header => {
            let name = &covered[header - 3];
            let old = head.headers[name].clone();
            let changed = http::HeaderValue::from_bytes(&flip(old.to_str().ok()?)?).ok()?;
            // White space around a value is not covered. In the last character of a signature of 32
            // bytes, two bits are unused (RFC 8941 §4.2.7 allows any value).
            let covered_part = |value: &http::HeaderValue| {
                let value = value.as_bytes().trim_ascii();
                let bytes = value.strip_prefix(b"sig=:").and_then(|v| v.strip_suffix(b":"));
                match bytes.filter(|_| name == "signature").map(|v| LENIENT.decode(v)) {
                    Some(Ok(bytes)) => bytes,
                    _ => value.to_vec(),
                }
            };
            if covered_part(&changed) == covered_part(&old) {
                return None;
            }
            head.headers.insert(name, changed);
        }
    }
    Some(http::Request::from_parts(head, body))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn signed_requests_are_accepted_by_the_verifier(request in requests()) {
        prop_assert_eq!(status(|| signed(request)), 200);
    }

    #[test]
    fn any_modified_byte_is_rejected(
        request in requests(),
        what in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        bit in 0u8..7,
    ) {
        let (mut shown, mut unchanged) = (String::new(), false);
        let status = status(|| {
            let signed = signed(request);
            let changed = change(signed.clone(), what, at, bit);
            unchanged = changed.is_none();
            shown = format!("{changed:?}");
            changed.unwrap_or(signed)
        });
        prop_assert!(unchanged || status == 401 || status == 400, "{}: {}", status, shown);
    }
}

#[test]
fn signing_again_replaces_the_previous_signature() {
    let mut request = http::Request::post("http://localhost/mcp")
        .header("content-type", "application/json")
        .body(b"{}".to_vec())
        .unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let sign = || {
            signer().sign(&mut request).unwrap();
            request.clone()
        };
        assert_eq!(status(sign), 200);
        for name in ["signature", "signature-input", "content-digest"] {
            assert_eq!(request.headers().get_all(name).iter().count(), 1, "{name}");
        }
        seen.push(request.headers()["signature"].clone());
    }
    assert!(seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2]);
    let input = request.headers()["signature-input"].to_str().unwrap();
    let nonce = input.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(nonce.len() >= 16, "{nonce}");
}

#[test]
fn a_header_field_is_signed_if_it_is_named() {
    for (signer, expected) in [(signer(), 200), (signer().cover("x-tenant".parse().unwrap()), 401)]
    {
        let sign = || {
            let request = http::Request::get("http://localhost/").header("x-tenant", "7");
            let mut request = request.body(Vec::new()).unwrap();
            signer.sign(&mut request).unwrap();
            request.headers_mut().insert("x-tenant", "8".parse().unwrap());
            request
        };
        assert_eq!(status(sign), expected, "after it was modified");
    }
}

#[test]
fn lifetime_and_tag_are_signed() {
    for (seconds, expected) in [(300, 200), (301, 401)] {
        let tagged = signer().tag("mcp").lifetime(std::time::Duration::from_secs(seconds));
        let sign = || {
            let mut request = http::Request::get("http://localhost/").body(Vec::new()).unwrap();
            tagged.sign(&mut request).unwrap();
            let input = request.headers()["signature-input"].to_str().unwrap();
            assert!(input.ends_with(r#";alg="hmac-sha256";tag="mcp""#), "{input}");
            request
        };
        assert_eq!(status(sign), expected, "a window of {seconds} seconds");
    }
}

#[test]
fn unsignable_requests_are_errors() {
    let request = |target: &str, body: &str| {
        http::Request::post(target).body(body.as_bytes().to_vec()).unwrap()
    };
    assert_eq!(signer().sign(&mut request("http://a/", "x")), Err(SignError::NoContentType));
    assert_eq!(signer().sign(&mut request("http://a/", "")), Ok(()));
    assert_eq!(signer().sign(&mut request("/", "")), Err(SignError::Authority));
    let mut request = request("http://a/", "");
    assert_eq!(signer().tag("é").sign(&mut request), Err(SignError::Tag));
    request.headers_mut().insert("mcp-name", http::HeaderValue::from_bytes(b"\xe9").unwrap());
    assert_eq!(signer().sign(&mut request), Err(SignError::HeaderValue));
    request.headers_mut().insert("mcp-name", "a".parse().unwrap());
    assert_eq!(signer().sign(&mut request), Ok(()));
    request.headers_mut().append("mcp-name", "b".parse().unwrap());
    assert_eq!(signer().sign(&mut request), Err(SignError::DuplicateHeader));
    assert!(Signer::new("ci", [0; 31]).is_err() && Signer::new("", SECRET).is_err());
}
