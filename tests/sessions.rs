//! A session belongs to who opened it: handles are sealed on their way out, and open on their way
//! in for their owner alone.

mod common;

use axum::Router;
use axum::body::Body;
use axum::extract::{OriginalUri, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get as get_route};
use common::{Answer, Seen, get, recorder, request, send};
use http::request::Parts;
use http::{HeaderName, Method};
use mcp_auth_layer::{
    Authenticator, Challenge, McpAuthLayer, Principal, Rejection, RejectionKind, authenticate_fn,
};

const KEY: [u8; 32] = [7; 32];
const SESSION: &str = "mcp-session-id";
const EVENT: &str = "last-event-id";
/// What the inner server calls the session.
const BARE: &str = "6f1c4f0e";
const EVENTS: &str = "event: endpoint\ndata: /messages/?a=1&session_id=6f1c4f0e&b=%20\n\n\
                      id: 0/0\ndata: hello\n\n";

/// Lets everybody in who says who they are, as `name` or `name@issuer`.
fn by_name() -> impl Authenticator {
    authenticate_fn(|head: &Parts| {
        let who = head.headers.get("x-who").and_then(|who| who.to_str().ok()).map(str::to_owned);
        async move {
            let who = who.ok_or_else(|| Rejection::missing(Challenge::new("Name")))?;
            Ok(match who.split_once('@') {
                Some((name, issuer)) => Principal::new(name).issued_by(issuer),
                None => Principal::new(who),
            })
        }
    })
}

fn layer() -> McpAuthLayer<impl Authenticator> {
    McpAuthLayer::new(by_name()).session_key(KEY).public_path("/public")
}

/// A server that gives the same ids to everybody, and records what it is asked.
fn server() -> (Router, Seen) {
    let (recording, seen) = recorder();
    let stream = || async { ([("content-type", "text/event-stream")], EVENTS) };
    let router = Router::new()
        .route("/open", any(|| async { [(SESSION, BARE)] }))
        .route("/sse", get_route(stream))
        .fallback_service(recording);
    (router, seen)
}

/// The handles that the server gives to somebody: of a session by header, of a session by URL, and
/// of an event.
struct Given {
    header: String,
    endpoint: String,
    event: String,
}

impl Given {
    fn query(&self) -> &str {
        self.endpoint.split("session_id=").nth(1).unwrap().split('&').next().unwrap()
    }
}

async fn given(app: &Router, who: &str) -> Given {
    let answer = send(app.clone(), get("/open", &[("x-who", who)])).await;
    let header = answer.headers[SESSION].to_str().unwrap().to_owned();
    let events = send(app.clone(), get("/sse", &[("x-who", who)])).await.body;
    let field = |name| {
        let line = events.lines().find_map(|line: &str| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {events}")).to_owned()
    };
    Given { header, endpoint: field("data: "), event: field("id: ") }
}

fn is_unknown(answer: &Answer) {
    assert_eq!(answer.status, 404);
    assert_eq!(answer.message(), "no such session: initialize a new one");
    assert_eq!(answer.extensions.get::<Rejection>().unwrap().kind(), RejectionKind::UnknownSession);
    assert_eq!(answer.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn what_the_owner_was_given_works_for_the_owner() {
    let (server, seen) = server();
    let app = server.layer(layer());
    let alice = given(&app, "alice").await;
    assert_eq!(alice.header.rsplit_once('.').unwrap().0, BARE);
    assert_ne!(alice.header, BARE);
    assert_eq!(alice.event.rsplit_once('.').unwrap().0, "0/0");
    assert!(alice.endpoint.starts_with("/messages/?a=1&session_id=6f1c4f0e."), "others are kept");
    assert!(alice.endpoint.ends_with("&b=%20"), "and their encoding");

    let by_header = [("x-who", "alice"), (SESSION, &*alice.header), (EVENT, &*alice.event)];
    for method in [Method::POST, Method::GET, Method::DELETE, Method::PUT, Method::OPTIONS] {
        assert_eq!(send(app.clone(), request(method, "/mcp", &by_header)).await.status, 200);
        let head = seen.only();
        assert_eq!(head.headers[SESSION], BARE);
        assert_eq!(head.headers[EVENT], "0/0");
    }
    let post = request(Method::POST, &alice.endpoint, &[("x-who", "alice")]);
    assert_eq!(send(app.clone(), post).await.status, 200);
    let head = seen.only();
    assert_eq!(head.uri, "/messages/?a=1&session_id=6f1c4f0e&b=%20");
    assert_eq!(head.extensions.get::<OriginalUri>().unwrap().0, head.uri);
}

/// All pairs of who opened and who asks.
#[tokio::test]
async fn it_works_for_nobody_else() {
    let (server, seen) = server();
    let app = server.layer(layer());
    let people = ["alice", "bob", "alice@one", "alice@two", "alice@", "", "alic", "Alice"];
    for owner in people {
        let given = given(&app, owner).await;
        for asks in people {
            let target = format!("/mcp?session_id={}", given.query());
            for request in [
                get("/mcp", &[("x-who", asks), (SESSION, &given.header)]),
                get("/mcp", &[("x-who", asks), (EVENT, &given.event)]),
                get(&target, &[("x-who", asks)]),
            ] {
                let answer = send(app.clone(), request).await;
                match owner == asks {
                    true => {
                        assert_eq!((answer.status.as_u16(), seen.only().method), (200, Method::GET))
                    }
                    false => is_unknown(&answer),
                }
            }
        }
        // Whoever says nothing is let in where everybody is, and brings no handle along.
        let target = format!("/public?session_id={}&kept", given.query());
        let anonymous = get(&target, &[(SESSION, &given.header), (EVENT, &given.event)]);
        assert_eq!(send(app.clone(), anonymous).await.status, 200);
        let head = seen.only();
        assert_eq!(head.uri, "/public?kept");
        assert!(!head.headers.contains_key(SESSION) && !head.headers.contains_key(EVENT));
        let anonymous = get("/mcp", &[(SESSION, &given.header)]);
        assert_eq!(send(app.clone(), anonymous).await.status, 401);
        assert_eq!(seen.count(), 0);
    }
}

#[tokio::test]
async fn what_was_never_given_works_for_nobody() {
    let (server, seen) = server();
    let app = server.layer(layer());
    let alice = given(&app, "alice").await;
    let other_kind = given(&app, "alice").await.event;
    let seal = alice.header.strip_prefix(BARE).unwrap();
    let upper = alice.header.to_uppercase();
    let padded = format!("{}==", alice.header);
    let longer = format!("{}A", alice.header);
    let shorter = &alice.header[..alice.header.len() - 1];
    let other_id = format!("6f1c4f0f{seal}");
    let other_case = format!("6F1C4F0E{seal}");
    let inner = format!("x.{}", alice.header);
    let twice = format!("{0}, {0}", alice.header);
    for session in [
        BARE,
        ".",
        seal,
        &upper,
        &padded,
        &longer,
        shorter,
        &other_id,
        &other_case,
        &other_kind,
        &inner,
        &twice,
        "never-was",
    ] {
        let by_header = get("/mcp", &[("x-who", "alice"), (SESSION, session)]);
        is_unknown(&send(app.clone(), by_header).await);
        let target = format!("/mcp?session_id={}", session.replace(", ", ","));
        is_unknown(&send(app.clone(), get(&target, &[("x-who", "alice")])).await);
    }
    for event in ["0/0", &alice.header, &alice.event[1..]] {
        is_unknown(&send(app.clone(), get("/mcp", &[("x-who", "alice"), (EVENT, event)])).await);
    }
    assert_eq!(seen.count(), 0);
    let good = get("/mcp", &[("x-who", "alice"), (SESSION, &alice.header)]);
    assert_eq!(send(app, good).await.status, 200);
}

#[tokio::test]
async fn two_handles_are_none() {
    let (server, seen) = server();
    let app = server.layer(layer());
    let alice = given(&app, "alice").await;
    let (good, sealed) = (&*alice.header, alice.query());
    for fields in [
        [(SESSION, good), (SESSION, good)],
        [(SESSION, good), (SESSION, BARE)],
        [(SESSION, BARE), (SESSION, good)],
        [(SESSION, good), (SESSION, "")],
        [(SESSION, good), ("mcp_session_id", BARE)],
        [("Mcp_Session-Id", BARE), (SESSION, good)],
        [(SESSION, good), ("Mcp.Session.Id", BARE)],
        [("Mcp!Session~Id", BARE), (SESSION, good)],
        [(EVENT, &*alice.event), (EVENT, &*alice.event)],
        [(EVENT, &*alice.event), ("last_event_id", "0/0")],
        [(EVENT, &*alice.event), ("Last.Event'Id", "0/0")],
    ] {
        let [first, second] = fields;
        let doubled = get("/mcp", &[("x-who", "alice"), first, second]);
        is_unknown(&send(app.clone(), doubled).await);
        let alone = [first, second].into_iter().find(|(_, value)| value.contains('.')).unwrap();
        assert_eq!(send(app.clone(), get("/mcp", &[("x-who", "alice"), alone])).await.status, 200);
        seen.only();
    }
    for query in [
        format!("session_id={sealed}&session_id={sealed}"),
        format!("session_id={sealed}&session_id={BARE}"),
        format!("session_id={BARE}&session_id={sealed}"),
        format!("session_id={sealed}&session_id="),
        format!("session_id={sealed}&session_id"),
        format!("session_id={sealed}&sessionId={BARE}"),
        format!("sessionId={BARE}&session_id={sealed}"),
        format!("session_id={sealed}&SESSION_ID={BARE}"),
        format!("session_id={sealed}&session%5Fid={BARE}"),
        format!("session_id={sealed}&%73ession%5fi%64={BARE}"),
        format!("session_id={sealed};session_id={BARE}"),
        format!("a=1;session_id={BARE}&session_id={sealed}"),
        format!("session_id={sealed}&session.id={BARE}"),
        format!("session_id={sealed}&session+id={BARE}"),
        format!("session_id={sealed}&session_id[]={BARE}"),
        format!("session_id={sealed}&&session_id%00={BARE}"),
        format!("session_id={sealed}&session_id={BARE}#"),
        format!("session_id={sealed}&sessionId[0]={BARE}"),
        format!("session_id={sealed}&sessionId%5B0%5D={BARE}"),
        format!("session_id={sealed}&[sessionId][a]={BARE}"),
        format!("session_id={sealed}&session_id%00x={BARE}"),
    ] {
        let doubled = get(&format!("/mcp?{query}"), &[("x-who", "alice")]);
        is_unknown(&send(app.clone(), doubled).await);
    }
    for query in [
        format!("session_id={sealed}"),
        format!("sessionId={sealed}"),
        format!("session%5Fid={sealed}"),
        format!("session_id={sealed}&my_session_id={BARE}"),
        format!("session_id={sealed}&session={BARE}&sessionids={BARE}"),
        format!("session_id={sealed}&filter[session_id]={BARE}&session[0]={BARE}"),
        format!("session_id={sealed}&session_id_x={BARE}&session%00id0={BARE}"),
        format!("sessionId[0]={sealed}"),
        format!("a=session_id&session_id={sealed}"),
    ] {
        let once = get(&format!("/mcp?{query}"), &[("x-who", "alice")]);
        assert_eq!(send(app.clone(), once).await.status, 200, "{query}");
        assert_eq!(seen.only().uri.query().unwrap(), query.replace(sealed, BARE));
    }
    let both = format!("/mcp?session_id={sealed}");
    let both = get(&both, &[("x-who", "alice"), (SESSION, good)]);
    is_unknown(&send(app.clone(), both).await);
    assert_eq!(seen.count(), 0);
}

/// A spelling that some servers take for the handle's name does not bring a bare one past.
#[tokio::test]
async fn a_handle_is_one_however_its_name_is_spelled() {
    let (server, seen) = server();
    let app = server.layer(layer());
    let alice = given(&app, "alice").await;
    for (name, sealed) in [
        ("Mcp_Session_Id", &alice.header),
        ("Mcp.Session.Id", &alice.header), // PHP
        ("Mcp!Session~Id", &alice.header), // lighttpd, to CGI
        ("Last.Event.Id", &alice.event),
    ] {
        let bare = sealed.rsplit_once('.').unwrap().0;
        is_unknown(&send(app.clone(), get("/mcp", &[("x-who", "bob"), (name, bare)])).await);
        is_unknown(&send(app.clone(), get("/mcp", &[("x-who", "bob"), (name, sealed)])).await);
        let own = get("/mcp", &[("x-who", "alice"), (name, sealed)]);
        assert_eq!(send(app.clone(), own).await.status, 200, "{name}");
        assert_eq!(seen.only().headers[name], bare);
        let anonymous = get("/public", &[(name, bare)]);
        assert_eq!(send(app.clone(), anonymous).await.status, 200);
        assert!(!seen.only().headers.contains_key(name), "{name}");
    }
    let sealed = alice.query();
    for name in [
        "sessionId[0]", // to Express a list, which as a key is its only element
        "sessionId[]",
        "sessionId%5b1%5D",
        "[sessionId]",
        "[sessionId][0]",
        "session_id]",
        "session.id",
        "session[id",
        "session_id%00x", // PHP reads up to the NUL
        "session[id%00x",
    ] {
        let target = |id| format!("/mcp?a=1&{name}={id}");
        is_unknown(&send(app.clone(), get(&target(BARE), &[("x-who", "bob")])).await);
        is_unknown(&send(app.clone(), get(&target(sealed), &[("x-who", "bob")])).await);
        let own = get(&target(sealed), &[("x-who", "alice")]);
        assert_eq!(send(app.clone(), own).await.status, 200, "{name}");
        assert_eq!(seen.only().uri, *target(BARE));
        let anonymous = get(&format!("/public?a=1&{name}={BARE}"), &[]);
        assert_eq!(send(app.clone(), anonymous).await.status, 200);
        assert_eq!(seen.only().uri, "/public?a=1", "{name}");
    }
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn without_a_handle_requests_pass() {
    let (server, seen) = server();
    let app = server.layer(layer());
    for target in ["/mcp", "/mcp?", "/mcp?a=b;c", "/mcp?=session_id", "/session_id?x"] {
        let request = request(Method::POST, target, &[("x-who", "alice")]);
        assert_eq!(send(app.clone(), request).await.status, 200);
        assert_eq!(seen.only().uri, target);
    }
}

/// Under `nest` the inner service finds the id opened wherever it looks.
#[tokio::test]
async fn the_original_uri_is_opened_as_well() {
    let (server, seen) = server();
    let alice = given(&server.clone().layer(layer()), "alice").await;
    let app = Router::new().nest("/tools", server.layer(layer()));
    let target = format!("/tools/mcp?session_id={}", alice.query());
    assert_eq!(send(app, get(&target, &[("x-who", "alice")])).await.status, 200);
    let head = seen.only();
    assert_eq!(head.uri, "/mcp?session_id=6f1c4f0e");
    let original = &head.extensions.get::<OriginalUri>().unwrap().0;
    assert_eq!(original, "/tools/mcp?session_id=6f1c4f0e");
}

#[tokio::test]
async fn keys_are_of_the_process_or_given_and_can_be_rotated() {
    let (server, _) = server();
    let (old, new) = ([1; 32], [2; 32]);
    let ways = [
        McpAuthLayer::new(by_name()),
        McpAuthLayer::new(by_name()).session_key(old),
        McpAuthLayer::new(by_name()).session_key(new).session_key(old),
        McpAuthLayer::new(by_name()).session_key(new),
    ];
    // Which of them open what which of them sealed.
    let opens = [
        [true, false, false, false],
        [false, true, true, false],
        [false, false, true, true],
        [false, false, true, true],
    ];
    for (sealing, opens) in ways.iter().zip(opens) {
        let alice = given(&server.clone().layer(sealing.clone()), "alice").await;
        for (opening, opens) in ways.iter().zip(opens) {
            // Two layers of one process share its key.
            let app = server.clone().layer(opening.clone());
            let request = get("/mcp", &[("x-who", "alice"), (SESSION, &alice.header)]);
            assert_eq!(send(app, request).await.status, if opens { 200 } else { 404 });
        }
    }
    let another_layer = server.clone().layer(McpAuthLayer::new(by_name()));
    let alice = given(&server.layer(ways[0].clone()), "alice").await;
    let request = get("/mcp", &[("x-who", "alice"), (SESSION, &alice.header)]);
    assert_eq!(send(another_layer, request).await.status, 200);
}

#[test]
fn short_keys_and_third_keys_are_refused() {
    let refused = |layer: fn() -> McpAuthLayer<mcp_auth_layer::Bearer>| {
        std::panic::catch_unwind(layer).is_err()
    };
    assert!(!refused(|| McpAuthLayer::bearer("tok").session_key([1; 32]).session_key([2; 33])));
    assert!(refused(|| McpAuthLayer::bearer("tok").session_key([1; 31])));
    assert!(refused(|| {
        McpAuthLayer::bearer("tok").session_key([1; 32]).session_key([2; 32]).session_key([3; 32])
    }));
    assert!(refused(|| McpAuthLayer::bearer("tok").session_parameter("_")));
}

#[tokio::test]
async fn header_and_parameter_can_have_other_names() {
    let stream = || async {
        ([("content-type", "text/event-stream")], "event: endpoint\ndata: ?sid=1&session_id=2\n\n")
    };
    let (recording, seen) = recorder();
    let app = Router::new()
        .route("/open", any(|| async { [("x-sid", BARE), (SESSION, "as it is")] }))
        .route("/sse", get_route(stream))
        .fallback_service(recording)
        .layer(layer().session_header(HeaderName::from_static("x-sid")).session_parameter("sid"));
    let answer = send(app.clone(), get("/open", &[("x-who", "alice")])).await;
    assert_eq!(answer.headers[SESSION], "as it is");
    let sealed = answer.headers["x-sid"].to_str().unwrap();
    let events = send(app.clone(), get("/sse", &[("x-who", "alice")])).await.body;
    assert!(
        events.starts_with("event: endpoint\ndata: ?sid=1.")
            && events.ends_with("&session_id=2\n\n"),
        "{events}"
    );

    let own = get("/mcp?session_id=2", &[("x-who", "alice"), ("x-sid", sealed), (SESSION, "1")]);
    assert_eq!(send(app.clone(), own).await.status, 200);
    let head = seen.only();
    assert_eq!(
        (&head.headers["x-sid"], &head.headers[SESSION]),
        (&BARE.parse().unwrap(), &"1".parse().unwrap())
    );
    is_unknown(&send(app, get("/mcp", &[("x-who", "alice"), ("x-sid", BARE)])).await);
}

#[tokio::test]
async fn it_can_be_turned_off_by_a_name_that_says_so() {
    let (server, seen) = server();
    let app = server.layer(layer().danger_disable_session_binding());
    let answer = send(app.clone(), get("/open", &[("x-who", "alice")])).await;
    assert_eq!(answer.headers[SESSION], BARE);
    assert_eq!(send(app.clone(), get("/sse", &[("x-who", "alice")])).await.body, EVENTS);
    let fields = [("x-who", "bob"), (SESSION, BARE), (SESSION, "two")];
    assert_eq!(send(app.clone(), get("/mcp?session_id=1", &fields)).await.status, 200);
    seen.only();
    // Nobody vouches for this one all the same.
    let anonymous = get("/public?session_id=1", &[(SESSION, BARE)]);
    send(app, anonymous).await;
    let head = seen.only();
    assert!(!head.headers.contains_key(SESSION) && head.uri.query().is_none());
}

/// Whatever the answer is to, its handles are sealed; other streams and fields stay.
#[tokio::test]
async fn answers_lose_nothing_else() {
    async fn answer(head: Parts) -> Response {
        let body = Body::from("id: 1\n\n");
        let mut answer = body.into_response();
        for name in ["content-type", "content-encoding", "content-length"] {
            if let Some(value) = head.headers.get(format!("x-{name}")).cloned() {
                answer.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        answer
    }
    let app = Router::new().route("/", any(answer)).layer(layer());
    let asked = |kind: &'static str, encoding: &'static str| {
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
            let answer = asked(kind, encoding).await;
            assert_eq!(answer.status, 200);
            assert!(answer.body.starts_with("id: 1."), "{}", answer.body);
            assert!(!answer.headers.contains_key("content-length"));
        }
        for encoding in ["gzip", "br", "identity, gzip"] {
            let answer = asked(kind, encoding).await;
            assert_eq!(answer.status, 502, "{encoding}");
            assert_eq!(answer.message(), "the server's answer cannot be protected");
        }
    }
    for kind in ["application/json", "text/event-stream-not", "text/plain"] {
        let answer = asked(kind, "gzip").await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (200, "id: 1\n\n"));
        assert_eq!(answer.headers["content-length"], "7");
    }
}

/// The kind: what is there and empty counts as something, in one direction and not in the other.
#[tokio::test]
async fn an_empty_id_is_none() {
    let (server, seen) = server();
    let app = server.layer(layer());
    let alice = given(&app, "alice").await;
    for empty in ["", " ", "\t"] {
        let fields = [("x-who", "alice"), (SESSION, empty), (EVENT, empty)];
        assert_eq!(send(app.clone(), get("/mcp", &fields)).await.status, 200, "{empty:?}");
        seen.only();
    }
    for query in ["session_id=", "sessionId", "session_id=%20", "session_id=+&a", "a&session_id="] {
        let request = get(&format!("/mcp?{query}"), &[("x-who", "alice")]);
        assert_eq!(send(app.clone(), request).await.status, 200, "{query}");
        seen.only();
    }
    // An empty one beside the header is none, too; of two in one place nobody knows which counts.
    let own = [("x-who", "alice"), (SESSION, &alice.header)];
    assert_eq!(send(app.clone(), get("/mcp?session_id=", &own)).await.status, 200);
    assert_eq!(seen.only().headers[SESSION], BARE);
    let two = format!("/mcp?session_id=&session_id={}", alice.query());
    is_unknown(&send(app.clone(), get(&two, &[("x-who", "alice")])).await);
    let two = [("x-who", "alice"), (SESSION, ""), (SESSION, &alice.header)];
    is_unknown(&send(app, get("/mcp", &two)).await);
}

/// On its way out.
#[tokio::test]
async fn nothing_is_bound_to_an_empty_id() {
    let events =
        "event: endpoint\ndata: /messages?session_id=\n\nid: \ndata: 1\n\nid:  \ndata: 2\n\n";
    let answer = move || async move {
        let fields = [("content-type", "text/event-stream"), (SESSION, "")];
        (fields, events)
    };
    let app = axum::Router::new().route("/", axum::routing::get(answer)).layer(layer());
    let answer = send(app, get("/", &[("x-who", "alice")])).await;
    assert_eq!(answer.headers[SESSION], "");
    assert_eq!(answer.body, events);
}

fn alice_layer() -> McpAuthLayer<mcp_auth_layer::Basic> {
    McpAuthLayer::basic("alice", "a")
}

/// What an app that answers with these events and fields is answered with.
async fn streamed(
    method: Method,
    events: &'static str,
    fields: &[(&'static str, &'static str)],
) -> Answer {
    let mut headers = http::HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, value.parse().unwrap());
    }
    let answer = move || async move { (headers, events) };
    let app = axum::Router::new().fallback(answer).layer(alice_layer());
    let authorization = common::basic("alice", "a");
    send(app, request(method, "/sse", &[("authorization", &authorization)])).await
}

const STREAM: (&str, &str) = ("content-type", "text/event-stream");

/// The kind: a coding that means nothing counts as one.
#[tokio::test]
async fn codings_that_mean_nothing_are_none() {
    for coding in ["none", "", "identity", "NONE", "identity, none", " , identity ,", "none,none"] {
        let answer =
            streamed(Method::GET, "id: 1\n\n", &[STREAM, ("content-encoding", coding)]).await;
        assert_eq!(answer.status, 200, "{coding:?}");
        assert!(answer.body.starts_with("id: 1."), "{coding:?} {}", answer.body);
    }
    for coding in ["gzip", "identity, gzip", "br", "x-unknown", "nonesuch", "none gzip"] {
        let answer =
            streamed(Method::GET, "id: 1\n\n", &[STREAM, ("content-encoding", coding)]).await;
        assert_eq!(answer.status, 502, "{coding:?}");
    }
}

/// The kind: the inner service is asked for what cannot be given back.
#[tokio::test]
async fn what_may_be_an_event_stream_is_asked_for_without_coding() {
    let authorization = common::basic("alice", "a");
    let asked = async |layer: McpAuthLayer<mcp_auth_layer::Basic>, accept: &[&str]| {
        let (app, seen) = common::recorder();
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
        assert_eq!(asked(alice_layer(), accept).await, "identity", "{accept:?}");
    }
    for accept in [
        "application/json",
        "text/html",
        "text/event-streams",
        "application/json, text/event-stream;q=0",
        "application/json, */* ; Q=0.000, ",
    ] {
        assert_eq!(asked(alice_layer(), &[accept]).await, "gzip, br", "{accept}");
    }
    let shared = alice_layer().danger_disable_session_binding();
    assert_eq!(asked(shared, &["text/event-stream"]).await, "gzip, br");
}

/// The kind: what is private is marked so for one kind of credential alone (RFC 9111 §3.5).
#[tokio::test]
async fn authenticated_responses_are_private_unless_the_service_decides() {
    for (fields, expected) in [
        (&[][..], "private"),
        (&[("expires", "0")], "private"),
        (&[("cache-control", "public, max-age=60")], "public, max-age=60"),
        (&[("cache-control", "no-store")], "no-store"),
        (&[("cache-control", "")], "private"),
        (&[("cache-control", ""), ("cache-control", "no-cache")], ""),
        (&[STREAM], "private"),
    ] {
        let answer = streamed(Method::GET, "", fields).await;
        assert_eq!(answer.headers["cache-control"], expected, "{fields:?}");
    }
    let app = common::recorder().0.layer(alice_layer().public_path("/health"));
    let public = send(app, get("/health", &[])).await;
    assert!(!public.headers.contains_key("cache-control"));
}

/// The kind: more is bound on its way out than would be verified on its way in. A server that
/// repeats what a client wrote would bind another principal's ID to it.
#[tokio::test]
async fn an_endpoint_that_repeats_the_clients_input_is_not_bound() {
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
        // What is repeated makes the server's own parameter a part of something else: of the
        // fragment, of a value, of another line.
        "/messages/?tenant=x&session_id=6f1c4f0e#&session_id=b0b",
        "/?session_id=6f1c4f0e#/messages/?session_id=b0b",
        "/?session_id=6f1c4f0e&z=/messages/?session_id=b0b",
        "/;session_id=b0b?session_id=6f1c4f0e",
        "/messages/?tenant=x\ndata: ?session_id=6f1c4f0e\ndata: &session_id=b0b",
    ] {
        let answer = streamed(Method::GET, endpoint(url), &[STREAM]).await;
        assert_eq!(answer.body, endpoint(url), "{url}");
    }
    for url in [
        "/messages/?tenant=x&session_id=b0b",
        "http://localhost/messages/?session_id=b0b#x=?y",
        "/messages/?session_id=b0b\ndata:\ndata:  ",
    ] {
        let answer = streamed(Method::GET, endpoint(url), &[STREAM]).await;
        assert!(answer.body.contains("session_id=b0b."), "{url}: {}", answer.body);
    }
    // HTTP+SSE opens a session by GET. What a POST is answered with may be anybody's text.
    let echoed = endpoint("/messages/?session_id=6f1c4f0e");
    assert_eq!(streamed(Method::POST, echoed, &[STREAM]).await.body, echoed);
}

/// The kind: names of different schemes are taken for one person.
#[tokio::test]
async fn schemes_can_be_told_apart_by_their_issuer() {
    use mcp_auth_layer::{AuthenticatorExt, Basic, Bearer, any_of};
    let people = || Basic::new([("ci", "pw")]).unwrap();
    let machines = || Bearer::new([("ci", "tok")]).unwrap();
    let session = axum::routing::get(|| async { ([(SESSION, "s1")], "ok") });
    let by_person = common::basic("ci", "pw");
    for (authenticator, expected) in [
        (any_of(people(), machines()).boxed(), 200),
        (any_of(people().issued_by("people"), machines()).boxed(), 404),
        (any_of(people().issued_by("a"), machines().issued_by("b")).boxed(), 404),
        (any_of(people().issued_by("a"), machines().issued_by("a")).boxed(), 200),
    ] {
        let app = axum::Router::new().route("/", session.clone());
        let app = app.layer(McpAuthLayer::new(authenticator));
        let opened = send(app.clone(), get("/", &[("authorization", "Bearer tok")])).await;
        let id = opened.headers[SESSION].to_str().unwrap().to_owned();
        let own = [("authorization", "Bearer tok"), (SESSION, &*id)];
        assert_eq!(send(app.clone(), get("/", &own)).await.status, 200);
        let other = [("authorization", &*by_person), (SESSION, &*id)];
        assert_eq!(send(app, get("/", &other)).await.status, expected);
    }
}

/// The kind: what a stranger can repeat as often as he likes is said each time.
#[tokio::test]
async fn an_unbound_endpoint_is_logged_once_per_stream() {
    let (log, _guard) = common::log::Log::start(tracing_subscriber::filter::LevelFilter::WARN);
    let warnings = async |method, events: String| {
        let answer = streamed(method, Box::leak(events.clone().into_boxed_str()), &[STREAM]).await;
        assert_eq!(answer.body, events);
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
        assert!(!lines[0].contains("session_id="), "nothing of the URL: {lines:?}");
    }
    for quiet in ["/messages", "/?session_id=", "/?a=b#c"] {
        assert_eq!(warnings(Method::POST, event(quiet)).await, [""; 0], "{quiet}");
    }
}

/// What means nothing in one place is an ID in another: `+` and `%20` are white space in queries
/// alone, and an ID that is bound on its way out opens on its way in.
#[tokio::test]
async fn a_header_is_not_decoded_as_a_query_is() {
    let (recording, seen) = recorder();
    let answer = |id: &'static str| any(move || async move { [(SESSION, id)] });
    let app = Router::new().route("/1", answer("+")).route("/2", answer("%20"));
    let app = app.fallback_service(recording).layer(layer());
    for (path, id) in [("/1", "+"), ("/2", "%20")] {
        let bound = send(app.clone(), get(path, &[("x-who", "alice")])).await.headers;
        let bound = bound[SESSION].to_str().unwrap();
        let own = get("/mcp", &[("x-who", "alice"), (SESSION, bound)]);
        assert_eq!(send(app.clone(), own).await.status, 200, "{bound}");
        assert_eq!(seen.only().headers[SESSION], id);
        is_unknown(&send(app.clone(), get("/mcp", &[("x-who", "alice"), (SESSION, id)])).await);
    }
}
