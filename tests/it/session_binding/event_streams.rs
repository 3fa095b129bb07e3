//! Responses with event streams: IDs in them are bound, and what cannot be rewritten is not sent.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::request::Parts;
use http::{HeaderName, Method};
use mcp_auth_layer::McpAuthLayer;
use mcp_auth_layer::layer::ExactPath;

use super::layer;
use crate::support::log::Log;
use crate::support::{TestResponse, basic, get, recorder, request, send};

/// IDs are bound in responses to any method; other responses and headers are unchanged.
#[tokio::test]
async fn only_event_streams_are_rewritten() {
    async fn response(head: Parts) -> Response {
        let body = Body::from("id: 1\n\n");
        let mut response = body.into_response();
        for name in ["content-type", "content-encoding", "content-length"] {
            if let Some(value) = head.headers.get(format!("x-{name}")).cloned() {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
    let app = Router::new().route("/", any(response)).layer(layer());
    let response_with = |kind: &'static str, encoding: &'static str| {
        let fields = [
            ("x-who", "alice"),
            ("x-content-type", kind),
            ("x-content-encoding", encoding),
            ("x-content-length", "7"),
        ];
        let fields =
            if encoding.is_empty() { &[fields[0], fields[1], fields[3]][..] } else { &fields };
        let request: Request = request(Method::POST, "/", fields);
        send(app.clone(), request)
    };
    for kind in ["text/event-stream", "Text/Event-Stream ; charset=utf-8"] {
        for encoding in ["", "identity"] {
            let response = response_with(kind, encoding).await;
            assert_eq!(response.status, 200);
            assert!(response.body.starts_with("id: 1."), "{}", response.body);
            assert!(!response.headers.contains_key("content-length"));
        }
        for encoding in ["gzip", "br", "identity, gzip"] {
            let response = response_with(kind, encoding).await;
            assert_eq!(response.status, 502, "{encoding}");
            assert_eq!(response.message(), "the server's response cannot be protected");
        }
    }
    for kind in ["application/json", "text/event-stream-not", "text/plain"] {
        let response = response_with(kind, "gzip").await;
        assert_eq!((response.status.as_u16(), &*response.body), (200, "id: 1\n\n"));
        assert_eq!(response.headers["content-length"], "7");
    }
}

fn alice_layer() -> McpAuthLayer<mcp_auth_layer::Basic> {
    McpAuthLayer::basic("alice", "a")
}

/// The response of the layer to a request whose inner response has these events and headers.
async fn streamed(
    method: Method,
    events: &'static str,
    fields: &[(&'static str, &'static str)],
) -> TestResponse {
    let mut headers = http::HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, value.parse().unwrap());
    }
    let response = move || async move { (headers, events) };
    let app = axum::Router::new().fallback(response).layer(alice_layer());
    let authorization = basic("alice", "a");
    send(app, request(method, "/sse", &[("authorization", &authorization)])).await
}

const STREAM: (&str, &str) = ("content-type", "text/event-stream");

/// Codings without an effect do not make a stream unreadable.
#[tokio::test]
async fn event_stream_content_codings_other_than_identity_are_502() {
    for coding in ["none", "", "identity", "NONE", "identity, none", " , identity ,", "none,none"] {
        let response =
            streamed(Method::GET, "id: 1\n\n", &[STREAM, ("content-encoding", coding)]).await;
        assert_eq!(response.status, 200, "{coding:?}");
        assert!(response.body.starts_with("id: 1."), "{coding:?} {}", response.body);
    }
    for coding in ["gzip", "identity, gzip", "br", "x-unknown", "nonesuch", "none gzip"] {
        let response =
            streamed(Method::GET, "id: 1\n\n", &[STREAM, ("content-encoding", coding)]).await;
        assert_eq!(response.status, 502, "{coding:?}");
    }
}

/// The inner service must not encode what the layer has to rewrite.
#[tokio::test]
async fn accept_encoding_is_identity_if_events_are_accepted() {
    let authorization = basic("alice", "a");
    let accept_encoding_for = async |layer: McpAuthLayer<mcp_auth_layer::Basic>,
                                     accept: &[&str]| {
        let (app, seen) = recorder();
        let mut fields = vec![("authorization", &*authorization), ("accept-encoding", "gzip, br")];
        fields.extend(accept.iter().map(|accept| ("accept", *accept)));
        send(app.layer(layer), get("/mcp", &fields)).await;
        seen.only().headers["accept-encoding"].to_str().unwrap().to_owned()
    };
    for accept in [
        &[][..],
        &["*/*"],
        &["text/event-stream"],
        &["application/json, Text/Event-Stream;q=0.5"],
        &["application/json", "text/*"],
        &["text/event-stream;q=0", "*/*;q=0.1"],
        &["text/event-stream;a=b;Q=0.001"],
        &[""],
        &[" , ", ","],
    ] {
        assert_eq!(accept_encoding_for(alice_layer(), accept).await, "identity", "{accept:?}");
    }
    for accept in [
        "application/json",
        "text/html",
        "text/event-streams",
        "application/json, text/event-stream;q=0",
        "application/json, */* ; Q=0.000, ",
    ] {
        assert_eq!(accept_encoding_for(alice_layer(), &[accept]).await, "gzip, br", "{accept}");
    }
    let shared = alice_layer().danger_disable_session_binding();
    assert_eq!(accept_encoding_for(shared, &["text/event-stream"]).await, "gzip, br");
}

/// Responses are private for every kind of credential (RFC 9111 §3.5).
#[tokio::test]
async fn authenticated_responses_are_private_by_default() {
    for (fields, expected) in [
        (&[][..], "private"),
        (&[("expires", "0")], "private"),
        (&[("cache-control", "public, max-age=60")], "public, max-age=60"),
        (&[("cache-control", "no-store")], "no-store"),
        (&[("cache-control", "")], "private"),
        (&[("cache-control", ""), ("cache-control", "no-cache")], ""),
        (&[STREAM], "private"),
    ] {
        let response = streamed(Method::GET, "", fields).await;
        assert_eq!(response.headers["cache-control"], expected, "{fields:?}");
    }
    let app = recorder().0.layer(alice_layer().public_path(ExactPath::from_static("/health")));
    let public = send(app, get("/health", &[])).await;
    assert!(!public.headers.contains_key("cache-control"));
}

/// A server that echoes client input must not be tricked into binding another principal's ID.
#[tokio::test]
async fn ambiguous_endpoint_events_are_not_bound() {
    let endpoint = |url: &'static str| -> &'static str {
        Box::leak(format!("event: endpoint\ndata: {url}\n\n").into_boxed_str())
    };
    for url in [
        "/messages/?tenant=x&session_id=6f1c4f0e&session_id=b0b",
        "/messages/?session_id=6f1c4f0e&sessionId=b0b",
        "/messages/?session%5Fid=6f1c4f0e;session_id=b0b",
        "http://localhost/messages/?SESSION-ID=6f1c4f0e&session_id=b0b",
        "/messages/?session_id[]=6f1c4f0e&session_id=b0b#x",
        "/messages/?session_id=&session_id=b0b",
        // The echoed input turns the server's own parameter into a part of something else: of the
        // fragment, of a value, or of another line.
        "/messages/?tenant=x&session_id=6f1c4f0e#&session_id=b0b",
        "/?session_id=6f1c4f0e#/messages/?session_id=b0b",
        "/?session_id=6f1c4f0e&z=/messages/?session_id=b0b",
        "/;session_id=b0b?session_id=6f1c4f0e",
        "/messages/?tenant=x\ndata: ?session_id=6f1c4f0e\ndata: &session_id=b0b",
    ] {
        let response = streamed(Method::GET, endpoint(url), &[STREAM]).await;
        assert_eq!(response.body, endpoint(url), "{url}");
    }
    for url in [
        "/messages/?tenant=x&session_id=b0b",
        "http://localhost/messages/?session_id=b0b#x=?y",
        "/messages/?session_id=b0b\ndata:\ndata:  ",
    ] {
        let response = streamed(Method::GET, endpoint(url), &[STREAM]).await;
        assert!(response.body.contains("session_id=b0b."), "{url}: {}", response.body);
    }
    // HTTP+SSE opens sessions with GET. The response to a POST may contain text of any client.
    let echoed = endpoint("/messages/?session_id=6f1c4f0e");
    assert_eq!(streamed(Method::POST, echoed, &[STREAM]).await.body, echoed);
}

/// Clients can repeat this, so it must not fill the log.
#[tokio::test]
async fn unbound_endpoint_is_logged_once_per_stream() {
    let (log, _guard) = Log::start(tracing_subscriber::filter::LevelFilter::WARN);
    let warnings = async |method, events: String| {
        let response =
            streamed(method, Box::leak(events.clone().into_boxed_str()), &[STREAM]).await;
        assert_eq!(response.body, events);
        log.lines()
    };
    let event = |url: &str| format!("event: endpoint\ndata: {url}\n\n");
    for (method, events, why) in [
        (Method::GET, event("/?session_id=1&session_id=2"), "several session IDs"),
        (Method::POST, event("/?session_id=1"), "another method than GET"),
        (Method::GET, event("/?session_id=1\ndata: 2"), "several lines"),
    ] {
        let lines = warnings(method, events.repeat(9)).await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("WARN") && lines[0].contains(why), "{lines:?}");
        assert!(!lines[0].contains("session_id="), "the URL is not logged: {lines:?}");
    }
    for quiet in ["/messages", "/?session_id=", "/?a=b#c"] {
        assert_eq!(warnings(Method::POST, event(quiet)).await, [""; 0], "{quiet}");
    }
}
