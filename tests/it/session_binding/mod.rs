//! Session and event IDs are bound to their principal in responses, and verified in requests: an ID
//! works for the principal that opened the session, and for no other principal.

mod configuration;
mod event_streams;
mod rejected_ids;
mod repeated_ids;

use axum::Router;
use axum::extract::OriginalUri;
use axum::routing::{any, get as get_route};
use http::Method;
use http::request::Parts;
use mcp_auth_layer::auth::AuthScheme;
use mcp_auth_layer::auth::{AuthenticatorExt, Challenge, RejectionKind, authenticate_fn};
use mcp_auth_layer::layer::{ExactPath, SessionKey};
use mcp_auth_layer::{Authenticator, McpAuthLayer, Principal, Rejection};

use crate::support::{Seen, TestResponse, basic, get, recorder, request, send};

const KEY: [u8; 32] = [7; 32];
const SESSION: &str = "mcp-session-id";
const EVENT: &str = "last-event-id";

/// The inner server's ID of the session.
const UNBOUND: &str = "6f1c4f0e";
const EVENTS: &str = "event: endpoint\ndata: /messages/?a=1&session_id=6f1c4f0e&b=%20\n\n\
                      id: 0/0\ndata: hello\n\n";

/// Authenticates clients as the `name` or `name@issuer` that they send.
fn by_name() -> impl Authenticator {
    authenticate_fn(|head: &Parts| {
        let name = head.headers.get("x-who").and_then(|name| name.to_str().ok()).map(str::to_owned);
        async move {
            let name = name.ok_or_else(|| {
                Rejection::missing(Challenge::new(AuthScheme::from_static("Name")))
            })?;
            Ok(match name.split_once('@') {
                Some((name, issuer)) => Principal::new(name).issued_by(issuer),
                None => Principal::new(name),
            })
        }
    })
}

fn layer() -> McpAuthLayer<impl Authenticator> {
    McpAuthLayer::new(by_name())
        .session_key(SessionKey::try_from(&KEY[..]).unwrap())
        .public_path(ExactPath::from_static("/public"))
}

/// A server that gives the same IDs to all clients, and records its requests.
fn server() -> (Router, Seen) {
    let (recording, seen) = recorder();
    let stream = || async { ([("content-type", "text/event-stream")], EVENTS) };
    let router = Router::new()
        .route("/open", any(|| async { [(SESSION, UNBOUND)] }))
        .route("/sse", get_route(stream))
        .fallback_service(recording);
    (router, seen)
}

/// The IDs that a client receives: of a session in a header, of a session in a URL, and of an
/// event.
struct BoundIds {
    header: String,
    endpoint: String,
    event: String,
}

impl BoundIds {
    fn query(&self) -> &str {
        self.endpoint.split("session_id=").nth(1).unwrap().split('&').next().unwrap()
    }
}

async fn bound_ids(app: &Router, name: &str) -> BoundIds {
    let response = send(app.clone(), get("/open", &[("x-who", name)])).await;
    let header = response.headers[SESSION].to_str().unwrap().to_owned();
    let events = send(app.clone(), get("/sse", &[("x-who", name)])).await.body;
    let field = |name| {
        let line = events.lines().find_map(|line: &str| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {events}")).to_owned()
    };
    BoundIds { header, endpoint: field("data: "), event: field("id: ") }
}

fn assert_unknown_session(response: &TestResponse) {
    assert_eq!(response.status, 404);
    assert_eq!(response.message(), "no such session: initialize a new one");
    assert_eq!(
        response.extensions.get::<Rejection>().unwrap().kind(),
        RejectionKind::UnknownSession
    );
    assert_eq!(response.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn bound_ids_work_for_their_principal() {
    let (server, seen) = server();
    let app = server.layer(layer());
    let alice = bound_ids(&app, "alice").await;
    assert_eq!(alice.header.rsplit_once('.').unwrap().0, UNBOUND);
    assert_ne!(alice.header, UNBOUND);
    assert_eq!(alice.event.rsplit_once('.').unwrap().0, "0/0");
    assert!(
        alice.endpoint.starts_with("/messages/?a=1&session_id=6f1c4f0e."),
        "other parameters are kept"
    );
    assert!(alice.endpoint.ends_with("&b=%20"), "the encoding is kept");

    let by_header = [("x-who", "alice"), (SESSION, &*alice.header), (EVENT, &*alice.event)];
    for method in [Method::POST, Method::GET, Method::DELETE, Method::PUT, Method::OPTIONS] {
        assert_eq!(send(app.clone(), request(method, "/mcp", &by_header)).await.status, 200);
        let head = seen.only();
        assert_eq!(head.headers[SESSION], UNBOUND);
        assert_eq!(head.headers[EVENT], "0/0");
    }
    let post = request(Method::POST, &alice.endpoint, &[("x-who", "alice")]);
    assert_eq!(send(app.clone(), post).await.status, 200);
    let head = seen.only();
    assert_eq!(head.uri, "/messages/?a=1&session_id=6f1c4f0e&b=%20");
    assert_eq!(head.extensions.get::<OriginalUri>().unwrap().0, head.uri);
}

/// All pairs of a principal that opened a session and one that uses its ID.
#[tokio::test]
async fn bound_ids_are_rejected_for_other_principals() {
    let (server, seen) = server();
    let app = server.layer(layer());
    let principals = ["alice", "bob", "alice@one", "alice@two", "alice@", "", "alic", "Alice"];
    for owner in principals {
        let ids = bound_ids(&app, owner).await;
        for requester in principals {
            let target = format!("/mcp?session_id={}", ids.query());
            for request in [
                get("/mcp", &[("x-who", requester), (SESSION, &ids.header)]),
                get("/mcp", &[("x-who", requester), (EVENT, &ids.event)]),
                get(&target, &[("x-who", requester)]),
            ] {
                let response = send(app.clone(), request).await;
                if owner == requester {
                    assert_eq!((response.status.as_u16(), seen.only().method), (200, Method::GET));
                } else {
                    assert_unknown_session(&response);
                }
            }
        }
        // Unauthenticated requests to public paths are forwarded without IDs.
        let target = format!("/public?session_id={}&kept", ids.query());
        let anonymous = get(&target, &[(SESSION, &ids.header), (EVENT, &ids.event)]);
        assert_eq!(send(app.clone(), anonymous).await.status, 200);
        let head = seen.only();
        assert_eq!(head.uri, "/public?kept");
        assert!(!head.headers.contains_key(SESSION) && !head.headers.contains_key(EVENT));
        let anonymous = get("/mcp", &[(SESSION, &ids.header)]);
        assert_eq!(send(app.clone(), anonymous).await.status, 401);
        assert_eq!(seen.count(), 0);
    }
}

/// Principals of different schemes with the same name can be separated.
#[tokio::test]
async fn issuers_separate_principals_of_the_same_name() {
    use mcp_auth_layer::{Basic, Bearer, any_of};
    let users = || Basic::new([("ci", "pw")]).unwrap();
    let machines = || Bearer::new([("ci", "tok")]).unwrap();
    let session = axum::routing::get(|| async { ([(SESSION, "s1")], "ok") });
    let by_password = basic("ci", "pw");
    for (authenticator, expected) in [
        (any_of((users(), machines())).boxed(), 200),
        (any_of((users().issued_by("users"), machines())).boxed(), 404),
        (any_of((users().issued_by("a"), machines().issued_by("b"))).boxed(), 404),
        (any_of((users().issued_by("a"), machines().issued_by("a"))).boxed(), 200),
    ] {
        let app = axum::Router::new().route("/", session.clone());
        let app = app.layer(McpAuthLayer::new(authenticator));
        let opened = send(app.clone(), get("/", &[("authorization", "Bearer tok")])).await;
        let id = opened.headers[SESSION].to_str().unwrap().to_owned();
        let own = [("authorization", "Bearer tok"), (SESSION, &*id)];
        assert_eq!(send(app.clone(), get("/", &own)).await.status, 200);
        let other = [("authorization", &*by_password), (SESSION, &*id)];
        assert_eq!(send(app, get("/", &other)).await.status, expected);
    }
}

#[tokio::test]
async fn requests_without_session_ids_are_forwarded() {
    let (server, seen) = server();
    let app = server.layer(layer());
    for target in ["/mcp", "/mcp?", "/mcp?a=b;c", "/mcp?=session_id", "/session_id?x"] {
        let request = request(Method::POST, target, &[("x-who", "alice")]);
        assert_eq!(send(app.clone(), request).await.status, 200);
        assert_eq!(seen.only().uri, target);
    }
}

/// With `nest`, the inner service finds the unbound ID in both URIs.
#[tokio::test]
async fn original_uri_of_nested_routers_is_restored_too() {
    let (server, seen) = server();
    let alice = bound_ids(&server.clone().layer(layer()), "alice").await;
    let app = Router::new().nest("/tools", server.layer(layer()));
    let target = format!("/tools/mcp?session_id={}", alice.query());
    assert_eq!(send(app, get(&target, &[("x-who", "alice")])).await.status, 200);
    let head = seen.only();
    assert_eq!(head.uri, "/mcp?session_id=6f1c4f0e");
    let original = &head.extensions.get::<OriginalUri>().unwrap().0;
    assert_eq!(original, "/tools/mcp?session_id=6f1c4f0e");
}

/// `+` and `%20` are white space in queries, but an ID in headers.
#[tokio::test]
async fn session_headers_are_not_percent_decoded() {
    let (recording, seen) = recorder();
    let response = |id: &'static str| any(move || async move { [(SESSION, id)] });
    let app = Router::new().route("/1", response("+")).route("/2", response("%20"));
    let app = app.fallback_service(recording).layer(layer());
    for (path, id) in [("/1", "+"), ("/2", "%20")] {
        let bound = send(app.clone(), get(path, &[("x-who", "alice")])).await.headers;
        let bound = bound[SESSION].to_str().unwrap();
        let own = get("/mcp", &[("x-who", "alice"), (SESSION, bound)]);
        assert_eq!(send(app.clone(), own).await.status, 200, "{bound}");
        assert_eq!(seen.only().headers[SESSION], id);
        assert_unknown_session(
            &send(app.clone(), get("/mcp", &[("x-who", "alice"), (SESSION, id)])).await,
        );
    }
}
