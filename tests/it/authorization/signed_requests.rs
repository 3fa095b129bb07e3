//! Signed requests: the signature is verified first, and stays valid for the inner service.

use axum::Router;
use mcp_auth_layer::HttpSignature;

use super::*;
use crate::support::forged_request::{Forged, SECRET, sha_256};

fn signed_app() -> (Router, Inner) {
    log::set_up();
    let inner = Inner::default();
    let signatures = HttpSignature::new([("ci", SECRET)]).unwrap();
    let layer = McpAuthLayer::new(signatures).authorize(policy());
    (inner.router().layer(layer), inner)
}

/// Case 100.
#[tokio::test]
async fn a_refused_request_has_spent_its_nonce() {
    let (app, inner) = signed_app();
    for (name, forwarded) in [("search", 1), ("delete", 0)] {
        let forged = Forged::post(&tool(name)).with_current_time();
        let response = send(app.clone(), forged.request()).await;
        assert_eq!((response.status.as_u16(), inner.take().len()), (200, forwarded), "{name}");
        let refused = error(ID, INVALID_PARAMS, &may_not_call(name));
        assert_eq!(json_of(&response) == refused, forwarded == 0, "{}", response.body);
        let again = send(app.clone(), forged.request()).await;
        assert_eq!((again.status.as_u16(), inner.take().len()), (401, 0), "{name}");
    }
}

/// Case 101.
#[tokio::test]
async fn the_digest_is_valid_for_what_the_inner_service_sees() {
    let (app, inner) = signed_app();
    let body = format!(" {}\r\n", tool_with("search", r#"{"n":1e999,"s":"\ud800","a":1,"a":2}"#));
    assert_eq!(send(app, Forged::post(&body).request()).await.status, 200);
    let [(head, received)] = <[_; 1]>::try_from(inner.take()).unwrap();
    assert_eq!(received, body);
    assert_eq!(head.headers["content-digest"], sha_256(&received));
}

#[tokio::test]
async fn a_body_with_a_wrong_signature_is_not_read_as_a_message() {
    let (app, inner) = signed_app();
    for body in [tool("search"), tool("delete"), "{".to_owned()] {
        let mut forged = Forged::post(&tool("search"));
        forged.body = format!("{body} ").into();
        let response = send(app.clone(), forged.request()).await;
        assert_eq!((response.status.as_u16(), inner.take().len()), (401, 0));
        assert!(json_of(&response)["id"].is_null());
    }
}

#[tokio::test]
async fn a_signed_body_that_cannot_be_read_in_one_way_is_rejected() {
    let (app, inner) = signed_app();
    let twice = tool("search").replace(r#""name""#, r#""name":"delete","name""#);
    let response = send(app, Forged::post(&twice).request()).await;
    assert_eq!((response.status.as_u16(), inner.take().len()), (400, 0));
    assert_eq!(json_of(&response)["error"]["code"], INVALID_REQUEST);
}
