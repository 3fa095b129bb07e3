//! The options of session binding: keys, names, and turning it off.

use axum::Router;
use axum::routing::{any, get as get_route};
use http::HeaderName;
use mcp_auth_layer::McpAuthLayer;
use mcp_auth_layer::layer::{SessionKey, SessionParameter};

use super::{EVENTS, SESSION, UNBOUND, assert_unknown_session, bound_ids, by_name, layer, server};
use crate::support::{get, recorder, send};

#[tokio::test]
async fn session_keys_are_per_process_or_given_and_rotatable() {
    let (server, _) = server();
    let (old, new) = ([1; 32], [2; 32]);
    let ways = [
        McpAuthLayer::new(by_name()),
        McpAuthLayer::new(by_name()).session_key(SessionKey::try_from(&old[..]).unwrap()),
        McpAuthLayer::new(by_name())
            .previous_session_key(SessionKey::try_from(&old[..]).unwrap())
            .session_key(SessionKey::try_from(&new[..]).unwrap()),
        McpAuthLayer::new(by_name()).session_key(SessionKey::try_from(&new[..]).unwrap()),
    ];
    // Whether the column's layer accepts IDs that the row's layer bound.
    let accepted = [
        [true, false, false, false],
        [false, true, true, false],
        [false, false, true, true],
        [false, false, true, true],
    ];
    for (binding, accepted) in ways.iter().zip(accepted) {
        let alice = bound_ids(&server.clone().layer(binding.clone()), "alice").await;
        for (verifying, accepted) in ways.iter().zip(accepted) {
            // Two layers in one process share its key.
            let app = server.clone().layer(verifying.clone());
            let request = get("/mcp", &[("x-who", "alice"), (SESSION, &alice.header)]);
            assert_eq!(send(app, request).await.status, if accepted { 200 } else { 404 });
        }
    }
    let another_layer = server.clone().layer(McpAuthLayer::new(by_name()));
    let alice = bound_ids(&server.layer(ways[0].clone()), "alice").await;
    let request = get("/mcp", &[("x-who", "alice"), (SESSION, &alice.header)]);
    assert_eq!(send(another_layer, request).await.status, 200);
}

#[tokio::test]
async fn session_header_and_parameter_are_configurable() {
    let stream = || async {
        ([("content-type", "text/event-stream")], "event: endpoint\ndata: ?sid=1&session_id=2\n\n")
    };
    let (recording, seen) = recorder();
    let app = Router::new()
        .route("/open", any(|| async { [("x-sid", UNBOUND), (SESSION, "as it is")] }))
        .route("/sse", get_route(stream))
        .fallback_service(recording)
        .layer(
            layer()
                .session_header(HeaderName::from_static("x-sid"))
                .session_parameter(SessionParameter::from_static("sid")),
        );
    let response = send(app.clone(), get("/open", &[("x-who", "alice")])).await;
    assert_eq!(response.headers[SESSION], "as it is");
    let bound = response.headers["x-sid"].to_str().unwrap();
    let events = send(app.clone(), get("/sse", &[("x-who", "alice")])).await.body;
    assert!(
        events.starts_with("event: endpoint\ndata: ?sid=1.")
            && events.ends_with("&session_id=2\n\n"),
        "{events}"
    );

    let own = get("/mcp?session_id=2", &[("x-who", "alice"), ("x-sid", bound), (SESSION, "1")]);
    assert_eq!(send(app.clone(), own).await.status, 200);
    let head = seen.only();
    assert_eq!(
        (&head.headers["x-sid"], &head.headers[SESSION]),
        (&UNBOUND.parse().unwrap(), &"1".parse().unwrap())
    );
    assert_unknown_session(
        &send(app, get("/mcp", &[("x-who", "alice"), ("x-sid", UNBOUND)])).await,
    );
}

#[tokio::test]
async fn session_binding_can_be_disabled() {
    let (server, seen) = server();
    let app = server.layer(layer().danger_disable_session_binding());
    let response = send(app.clone(), get("/open", &[("x-who", "alice")])).await;
    assert_eq!(response.headers[SESSION], UNBOUND);
    assert_eq!(send(app.clone(), get("/sse", &[("x-who", "alice")])).await.body, EVENTS);
    let fields = [("x-who", "bob"), (SESSION, UNBOUND), (SESSION, "two")];
    assert_eq!(send(app.clone(), get("/mcp?session_id=1", &fields)).await.status, 200);
    seen.only();
    // Session IDs are still removed from unauthenticated requests.
    let anonymous = get("/public?session_id=1", &[(SESSION, UNBOUND)]);
    send(app, anonymous).await;
    let head = seen.only();
    assert!(!head.headers.contains_key(SESSION) && head.uri.query().is_none());
}
