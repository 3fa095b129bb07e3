//! Header fields that could contradict the body.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::*;

const PING: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const CALL: &[u8] = br#"{"id":"x","method":"tools/call","params":{"name":"search"}}"#;

/// Returns what comes of a body with these fields.
fn with(fields: &[(&str, &str)], body: &[u8]) -> Outcome {
    let request = fields
        .iter()
        .fold(Request::post("/mcp"), |request, (name, value)| request.header(*name, *value));
    outcome(&head(request), body)
}

fn mirrored(fields: &[(&str, &str)], body: &[u8]) -> Outcome {
    with(&[&[("content-type", "application/json")], fields].concat(), body)
}

#[test]
fn bodies_in_another_charset_are_never_read() {
    let utf7 = br#"{"id":1,"method":"tools/call","params":{"name":"search","na+AG0-e":"evil"}}"#;
    let refused = Err((415, INVALID, "null".to_owned()));
    assert_eq!(with(&[("content-type", "application/json; charset=utf-7")], utf7), refused);
    assert_eq!(with(&[("content-type", "application/json; charset=utf-16")], utf7), refused);
    assert_eq!(with(&[], PING), refused);
    assert_eq!(with(&[("content-type", "text/plain")], PING), refused);
    let accepted = with(&[("content-type", "application/json; charset=\"UTF-8\"")], PING);
    assert_eq!(accepted, one("ping", &[]));
}

#[test]
fn compressed_bodies_are_refused() {
    let refused = Err((415, INVALID, "null".to_owned()));
    assert_eq!(mirrored(&[("content-encoding", "gzip")], PING), refused);
    assert_eq!(mirrored(&[("content-encoding", "identity")], PING), one("ping", &[]));
}

#[test]
fn batches_are_refused_in_versions_without_them() {
    let batch = [b"[", PING, b"]"].concat();
    let refused = Err((400, INVALID, "null".to_owned()));
    assert_eq!(mirrored(&[("mcp-protocol-version", "2025-06-18")], &batch), refused);
    assert_eq!(mirrored(&[("mcp-protocol-version", "2025-03-26")], &batch), one("ping", &[]));
    assert_eq!(mirrored(&[], &batch), one("ping", &[]));
    // The version matters to nothing else.
    assert_eq!(mirrored(&[("mcp-protocol-version", "2025-06-18")], PING), one("ping", &[]));
}

#[test]
fn mirrored_fields_are_compared_with_the_body() {
    let search = one("tools/call", &[(Tool, "search")]);
    let encoded = format!("=?base64?{}?=", BASE64_STANDARD.encode("search"));
    for fields in [
        &[("mcp-method", "tools/call"), ("mcp-name", "search")][..],
        &[("mcp-name", &*encoded)],
        &[("mcp-method", "tools/call")],
        &[],
    ] {
        assert_eq!(mirrored(fields, CALL), search, "{fields:?}");
    }
    for fields in [
        &[("mcp-name", "evil")][..],
        &[("mcp-name", "Search")],
        &[("mcp-name", "")],
        &[("mcp-name", "search"), ("mcp-name", "search")],
        &[("mcp-name", "=?base64?c2VhcmNo")],
        &[("mcp-name", "=?base64?c2VhcmN?=")],
        &[("mcp-name", "=?base64?!?=")],
        &[("mcp-name", "=?BASE64?c2VhcmNo?=")],
        &[("mcp-method", "ping")],
        &[("mcp-method", "tools/call"), ("mcp-method", "ping")],
        // Whatever the version is.
        &[("mcp-protocol-version", "2024-11-05"), ("mcp-name", "evil")],
    ] {
        assert_eq!(mirrored(fields, CALL), Err((400, -32020, "\"x\"".to_owned())), "{fields:?}");
    }
}

#[test]
fn mirrored_fields_must_mirror_something() {
    let refused = |id: &str| Err((400, -32020, id.to_owned()));
    assert_eq!(mirrored(&[("mcp-name", "search")], PING), refused("1"));
    assert_eq!(mirrored(&[("mcp-method", "ping")], PING), one("ping", &[]));
    let batch = [b"[", PING, b"]"].concat();
    assert_eq!(mirrored(&[("mcp-method", "ping")], &batch), refused("null"));
    let response = br#"{"id":1,"result":{}}"#;
    assert_eq!(mirrored(&[("mcp-method", "ping")], response), refused("null"));
}

#[test]
fn names_that_fields_cannot_have_come_in_base64() {
    let call = "{\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\" süß \"}}".as_bytes();
    let encoded = format!("=?base64?{}?=", BASE64_STANDARD.encode(" süß "));
    let expected = one("tools/call", &[(Tool, " süß ")]);
    assert_eq!(mirrored(&[("mcp-name", &encoded)], call), expected);
    assert!(mirrored(&[("mcp-name", " süß ")], call).is_err());
    // A name that looks like base64 is encoded once more.
    let call = br#"{"id":1,"method":"tools/call","params":{"name":"=?base64?YQ==?="}}"#;
    let encoded = format!("=?base64?{}?=", BASE64_STANDARD.encode("=?base64?YQ==?="));
    assert!(mirrored(&[("mcp-name", &encoded)], call).is_ok());
    assert!(mirrored(&[("mcp-name", "=?base64?YQ==?=")], call).is_err());
}

#[test]
fn status_is_a_client_error() {
    let head = head(post());
    let error = read_messages(&head, "/", b"{").expect_err("it is refused");
    assert_eq!(error.status(), StatusCode::BAD_REQUEST);
    assert_eq!(error.to_string(), "the body is not JSON");
}
