//! Which codings the inner service is asked for: it must not encode what the layer has to read.

use http::Method;
use mcp_auth_layer::{Bearer, McpAuthLayer};

use super::{EVENT_STREAM, TOOLS_LIST, answering, call, layer, post, without_denials};
use crate::support::{recorder, request, send};

/// Returns what codings the inner service is asked for, if the client accepts `gzip, br`.
async fn asked_for(
    layer: McpAuthLayer<Bearer>,
    name: &str,
    method: Method,
    accept: &str,
    body: &str,
) -> String {
    let (app, seen) = recorder();
    let authorization = format!("Bearer {name}");
    let fields = [
        ("authorization", &*authorization),
        ("accept", accept),
        ("accept-encoding", "gzip, br"),
        ("content-type", "application/json"),
    ];
    let mut request = request(method, "/mcp", &fields);
    *request.body_mut() = body.to_owned().into();
    send(app.layer(layer), request).await;
    seen.only().headers["accept-encoding"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn no_coding_is_accepted_for_answers_that_are_read() {
    const EVENTS: &str = "text/event-stream";
    let search = call("search", 1);
    for (name, method, accept, body, expected) in [
        ("ci", Method::POST, "application/json", TOOLS_LIST, "identity"),
        // It may bring the answer to another request.
        ("ci", Method::POST, "application/json", &search, "identity"),
        ("ci", Method::GET, EVENTS, "", "identity"),
        ("alice", Method::POST, "application/json", TOOLS_LIST, "gzip, br"),
        // The policy may change while the stream is open.
        ("alice", Method::GET, EVENTS, "", "identity"),
        ("alice", Method::GET, "application/json", "", "gzip, br"),
    ] {
        for layer in
            [layer(without_denials()), layer(without_denials()).danger_disable_session_binding()]
        {
            let asked = asked_for(layer, name, method.clone(), accept, body).await;
            assert_eq!(asked, expected, "{name} {method} {accept} {body}");
        }
    }
}

#[tokio::test]
async fn codings_are_accepted_where_nothing_is_read() {
    let open = || McpAuthLayer::bearer("alice").danger_disable_session_binding();
    let tried = layer(without_denials()).dry_run().danger_disable_session_binding();
    let exempt = mcp_auth_layer::layer::ExactPath::from_static("/mcp");
    let exempt = layer(without_denials()).not_mcp(exempt).danger_disable_session_binding();
    for (layer, name) in [(open(), "alice"), (tried, "ci"), (exempt, "ci")] {
        let get = asked_for(layer.clone(), name, Method::GET, "text/event-stream", "").await;
        assert_eq!(get, "gzip, br");
        let list = asked_for(layer, name, Method::POST, "text/event-stream", TOOLS_LIST).await;
        assert_eq!(list, "gzip, br");
    }
}

/// The layer reads in passing what a server announces to a session, if it can.
#[tokio::test]
async fn an_encoded_answer_to_initialize_passes() {
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#;
    let gzip = ("content-encoding", "gzip");
    let layer = layer(without_denials()).danger_disable_session_binding();
    let app =
        answering(layer, move || ([EVENT_STREAM, gzip, ("mcp-session-id", "6f1c")], "encoded"));
    let response = send(app.clone(), post("alice", "/mcp", initialize)).await;
    assert_eq!((response.status.as_u16(), &*response.body), (200, "encoded"));
    // To a restricted principal it may be a list.
    assert_eq!(send(app, post("ci", "/mcp", initialize)).await.status, 502);
}
