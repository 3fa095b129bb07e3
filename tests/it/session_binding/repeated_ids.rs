//! Responses that repeat the session ID of their request get the bound ID that the client sent. All others are bound
//! anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures::stream;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use mcp_auth_layer::layer::SessionKey;
use mcp_auth_layer::{Authenticator, Bearer, McpAuthLayer, Principal};
use tower::ServiceExt;

use super::{EVENT, KEY, SESSION, UNBOUND, assert_unknown_session, by_name, layer};
use crate::support::{TestResponse, get, send};

/// Names the session IDs of the response, separated by commas.
const RESPOND: &str = "x-respond";
const OTHER: &str = "0d6a0b6a";

/// A server whose responses have the session IDs that the request asks for, and one event.
fn obedient(layer: McpAuthLayer<impl Authenticator>) -> Router {
    async fn respond(head: Parts) -> Response {
        let events = format!("id: {UNBOUND}\n\n");
        let mut response = ([("content-type", "text/event-stream")], events).into_response();
        if let Some(ids) = head.headers.get(RESPOND) {
            for id in ids.to_str().unwrap().split(',') {
                response.headers_mut().append(SESSION, id.parse().unwrap());
            }
        }
        response
    }
    Router::new().fallback(respond).layer(layer)
}

fn session_ids(response: &TestResponse) -> Vec<String> {
    assert_eq!(response.status, 200);
    let fields = response.headers.get_all(SESSION).iter();
    fields.map(|id| id.to_str().unwrap().to_owned()).collect()
}

/// The bound session IDs in the response to a request of this principal.
async fn respond(app: &Router, who: &str, ids: &str, fields: &[(&str, &str)]) -> Vec<String> {
    let fields = [&[("x-who", who), (RESPOND, ids)], fields].concat();
    session_ids(&send(app.clone(), get("/mcp", &fields)).await)
}

/// The ID as it is bound in the response to a request without one.
async fn bound(app: &Router, who: &str, id: &str) -> String {
    respond(app, who, id, &[]).await.remove(0)
}

async fn is_accepted(app: &Router, who: &str, id: &str) -> bool {
    let response = send(app.clone(), get("/mcp", &[("x-who", who), (SESSION, id)])).await;
    if response.status != 200 {
        assert_unknown_session(&response);
    }
    response.status == 200
}

#[tokio::test]
async fn repeated_session_id_is_bound_as_the_client_sent_it() {
    let app = obedient(layer());
    let own = bound(&app, "alice", UNBOUND).await;
    for name in [SESSION, "mcp_session_id"] {
        assert_eq!(respond(&app, "alice", UNBOUND, &[(name, &own)]).await, [&*own], "{name}");
    }
    let without = send(app.clone(), get("/mcp", &[("x-who", "alice"), (SESSION, &own)])).await;
    assert_eq!(session_ids(&without), [""; 0]);
}

#[tokio::test]
async fn other_session_ids_of_a_response_are_bound_anew() {
    let app = obedient(layer());
    let own = bound(&app, "alice", UNBOUND).await;
    let sent = [(SESSION, &*own)];
    // The last one is a server that repeats the bound ID as its own one.
    for other in [OTHER, "6f1c4f0", "6f1c4f0e0", "6F1C4F0E", "6f1c4f0e.", &own] {
        let responded = respond(&app, "alice", other, &sent).await;
        assert_eq!(responded, [bound(&app, "alice", other).await], "{other}");
        assert!(responded[0] != own && responded[0].starts_with(&format!("{other}.")));
        assert!(is_accepted(&app, "alice", &responded[0]).await, "{other}");
        assert!(!is_accepted(&app, "bob", &responded[0]).await, "{other}");
    }
}

#[tokio::test]
async fn each_session_id_of_a_response_is_bound_by_itself() {
    let app = obedient(layer());
    let (own, other) = (bound(&app, "alice", UNBOUND).await, bound(&app, "alice", OTHER).await);
    let (own, other) = (own.as_str(), other.as_str());
    let sent = [(SESSION, own)];
    for (responded, expected) in [
        ([UNBOUND, OTHER], [own, other]),
        ([OTHER, UNBOUND], [other, own]),
        ([UNBOUND, UNBOUND], [own, own]),
        ([OTHER, OTHER], [other, other]),
    ] {
        let responded = responded.join(",");
        assert_eq!(respond(&app, "alice", &responded, &sent).await, expected, "{responded}");
    }
}

/// Bob knows Alice's IDs, and has a session of his own.
#[tokio::test]
async fn responses_bind_ids_to_the_requester_alone() {
    let app = obedient(layer());
    let alice = bound(&app, "alice", UNBOUND).await;
    let bob = bound(&app, "bob", UNBOUND).await;
    let bobs_other = bound(&app, "bob", OTHER).await;
    for sent in [&bob, &bobs_other] {
        assert_eq!(respond(&app, "bob", UNBOUND, &[(SESSION, sent)]).await, [&*bob]);
    }
    assert!(is_accepted(&app, "alice", &alice).await && !is_accepted(&app, "alice", &bob).await);
    // Neither Alice's ID nor a second field reaches the server.
    for fields in [
        &[(SESSION, &*alice)][..],
        &[(SESSION, &bob), (SESSION, &alice)],
        &[(SESSION, &alice), (SESSION, &bob)],
        &[(SESSION, &bob), ("mcp_session_id", &alice)],
        &[("mcp.session.id", &alice), (SESSION, &bob)],
    ] {
        let fields = [&[("x-who", "bob"), (RESPOND, UNBOUND)], fields].concat();
        let response = send(app.clone(), get("/mcp", &fields)).await;
        assert_unknown_session(&response);
        assert!(!response.headers.contains_key(SESSION));
    }
}

/// The tag of an event ID is none of a session ID, even where the IDs are the same.
#[tokio::test]
async fn event_and_query_ids_are_not_repeated_as_session_headers() {
    let app = obedient(layer());
    let own = bound(&app, "alice", UNBOUND).await;
    let events = send(app.clone(), get("/mcp", &[("x-who", "alice")])).await.body;
    let event = events.trim().strip_prefix("id: ").unwrap();
    assert!(event.starts_with(&format!("{UNBOUND}.")) && event != own);
    assert_eq!(respond(&app, "alice", UNBOUND, &[(EVENT, event)]).await, [&*own]);
    let both = [(SESSION, &*own), (EVENT, event)];
    assert_eq!(respond(&app, "alice", UNBOUND, &both).await, [&*own]);

    let other = bound(&app, "alice", OTHER).await;
    let fields = [("x-who", "alice"), (RESPOND, "6f1c4f0e,0d6a0b6a")];
    let response = send(app, get(&format!("/mcp?session_id={own}"), &fields)).await;
    assert_eq!(session_ids(&response), [own, other]);
}

/// A client must have an ID of the current key before the previous one is removed.
#[tokio::test]
async fn repeated_id_of_the_previous_key_is_bound_with_the_current_one() {
    let key = |bytes: [u8; 32]| SessionKey::from(bytes);
    let old = obedient(McpAuthLayer::new(by_name()).session_key(key([1; 32])));
    let new = obedient(McpAuthLayer::new(by_name()).session_key(key(KEY)));
    let rotating = McpAuthLayer::new(by_name()).session_key(key(KEY));
    let rotating = obedient(rotating.previous_session_key(key([1; 32])));

    let before = bound(&old, "alice", UNBOUND).await;
    let after = respond(&rotating, "alice", UNBOUND, &[(SESSION, &before)]).await.remove(0);
    assert_ne!(after, before);
    assert!(is_accepted(&new, "alice", &after).await && !is_accepted(&new, "alice", &before).await);
    assert_eq!(respond(&rotating, "alice", UNBOUND, &[(SESSION, &after)]).await, [after]);
    // With neither key it is unknown, whatever the response says.
    let unknown = get("/mcp", &[("x-who", "alice"), (RESPOND, UNBOUND), (SESSION, &before)]);
    assert_unknown_session(&send(new, unknown).await);
}

/// The layer replaces a principal by one with the scopes that its own ones include.
#[tokio::test]
async fn implied_scopes_do_not_change_what_ids_are_bound_to() {
    let ci = |scope: &'static str| Principal::new("ci").issued_by("tokens").with_scopes([scope]);
    let tokens = [(ci("admin"), "admin-token"), (ci("other"), "other-token")];
    let layer = McpAuthLayer::new(Bearer::new(tokens).unwrap()).scope_implies("admin", "read");
    let app = obedient(layer);
    let ids = async |token: &str, fields: &[(&str, &str)]| {
        let fields = [&[("authorization", token), (RESPOND, UNBOUND)], fields].concat();
        session_ids(&send(app.clone(), get("/mcp", &fields)).await)
    };
    let opened = ids("Bearer admin-token", &[]).await;
    for token in ["Bearer admin-token", "Bearer other-token"] {
        assert_eq!(ids(token, &[(SESSION, &opened[0])]).await, opened, "{token}");
        assert_eq!(ids(token, &[]).await, opened, "{token}");
    }
}

#[tokio::test]
async fn empty_session_id_is_not_repeated() {
    let app = obedient(layer());
    let own = bound(&app, "alice", UNBOUND).await;
    assert_eq!(respond(&app, "alice", UNBOUND, &[(SESSION, "")]).await, [&*own]);
    assert_eq!(respond(&app, "alice", "", &[(SESSION, &own)]).await, [""]);
}

/// What a header field of a request is made of, such as the buffer of its connection.
struct Buffer(String, Arc<AtomicBool>);

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.1.store(true, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn open_stream_does_not_hold_the_head_of_its_request() {
    let stream = |head: Parts| async move {
        let mut response =
            Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()).into_response();
        let fields = response.headers_mut();
        fields.insert(SESSION, head.headers.get(SESSION).cloned().unwrap());
        fields.insert("content-type", HeaderValue::from_static("text/event-stream"));
        response
    };
    let own = bound(&obedient(layer()), "alice", UNBOUND).await;
    let app = Router::new().fallback(stream).layer(layer());
    let is_dropped = Arc::new(AtomicBool::new(false));
    let buffer = Bytes::from_owner(Buffer(own.clone(), is_dropped.clone()));
    let mut request = get("/mcp", &[("x-who", "alice")]);
    let value = HeaderValue::from_maybe_shared(buffer).unwrap();
    request.headers_mut().insert(HeaderName::from_static(SESSION), value);

    let mut response = app.oneshot(request).await.unwrap();
    let bound = response.headers_mut().remove(SESSION).unwrap();
    assert_eq!(bound, own);
    assert!(!is_dropped.load(Ordering::Relaxed), "the response has the value of the request");
    drop(bound);
    assert!(is_dropped.load(Ordering::Relaxed));
    drop(response);
}
