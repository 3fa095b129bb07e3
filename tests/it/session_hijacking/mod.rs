//! Session hijacking over real sockets: Bob has valid credentials of his own and knows the IDs of
//! Alice's session.

mod resumption;

use std::sync::Arc;

use axum::Router;
use http::header::AUTHORIZATION;
use mcp_auth_layer::{Challenge, McpAuthLayer, Principal, Rejection, authenticate_fn};
use reqwest::{Method, Response};
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use serde_json::{Value, json};

use crate::support::example_server::{ALICE, Events, Server, SseSession, execute, http};
use crate::support::mcp_server::{Session, Working, assert_ends};
use crate::support::serve;

const ALICES_TOKEN: &str = "Bearer YWxpY2VzLXRva2Vu";
const BOB: &str = "Basic Ym9iOmh1bnRlcjI=";
const USERS: [&str; 6] =
    ["--user", "alice:pass:word", "--token", "alice:YWxpY2VzLXRva2Vu", "--user", "bob:hunter2"];

/// Asserts the response for an ID that is not bound to the principal.
async fn assert_unknown_session(response: Response) {
    assert_eq!(response.status(), 404);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["message"], "no such session: initialize a new one");
}

#[tokio::test]
async fn streamable_http_sessions_cannot_be_hijacked() {
    let server = Server::start("streamable_server", &USERS).await;
    let alice_session = Session::open(&format!("{}/mcp", server.url), ALICE).await;
    let unbound = alice_session.id.rsplit_once('.').unwrap().0.to_owned();

    // Alice waits for the result of a call, and listens for events.
    let called = tokio::spawn(execute(alice_session.call(ALICE, "sleep 2; echo for-alice-only")));
    let mut listening = Events::of(execute(alice_session.request(Method::GET, ALICE)).await);

    // Bob uses Alice's ID, the inner ID, and both.
    for id in [&alice_session.id, &unbound] {
        let bob_session = Session { id: id.clone(), url: alice_session.url.clone() };
        assert_unknown_session(execute(bob_session.call(BOB, "echo taken over")).await).await;
        assert_unknown_session(execute(bob_session.request(Method::GET, BOB)).await).await;
        let resumed = bob_session.request(Method::GET, BOB).header("last-event-id", "0/0");
        assert_unknown_session(execute(resumed).await).await;
        let resumed = bob_session.request(Method::GET, BOB);
        assert_unknown_session(execute(resumed.header("mcp-session-id", &*unbound)).await).await;
        assert_unknown_session(execute(bob_session.request(Method::DELETE, BOB)).await).await;
    }
    // Bob combines a valid session of Bob with Alice's event ID.
    let bob_session = Session::open(&alice_session.url, BOB).await;
    let resumed = bob_session.request(Method::GET, BOB).header("last-event-id", "0/0");
    assert_unknown_session(execute(resumed).await).await;

    let result = called.await.unwrap().text().await.unwrap();
    assert!(result.contains("for-alice-only"), "{result}");
    // The session still works, with either of Alice's credentials.
    for authorization in [ALICE, ALICES_TOKEN] {
        let result = execute(alice_session.call(authorization, "echo still-here")).await;
        assert!(result.text().await.unwrap().contains("still-here"));
    }
    assert_eq!(execute(alice_session.request(Method::DELETE, ALICES_TOKEN)).await.status(), 202);
    assert_ends(&mut listening).await; // alice deleted the session
    assert_eq!(execute(bob_session.call(BOB, "echo fine")).await.status(), 200);
}

#[tokio::test]
async fn http_sse_sessions_cannot_be_hijacked() {
    let server = Server::start("sse_server", &USERS).await;
    let mut alice_session = SseSession::open(&server.url, ALICE).await;
    let (path, query) = alice_session.endpoint.split_once('?').unwrap();
    let bound = query.strip_prefix("session_id=").unwrap();
    let unbound = bound.rsplit_once('.').unwrap().0;
    let call = r#"{"jsonrpc":"2.0","id":99,"method":"tools/call","params":{"name":"whoami"}}"#;
    let post = async |authorization: &str, query: &str| {
        let request = http().post(format!("{path}?{query}")).header("authorization", authorization);
        execute(request.body(call)).await
    };
    assert_unknown_session(post(BOB, query).await).await;
    for query in [
        format!("session_id={unbound}"),
        format!("session_id={bound}&session_id={unbound}"),
        format!("session_id={bound}&sessionId={unbound}"),
        format!("session%5Fid={unbound}&session_id={bound}"),
        format!("session_id={unbound};session_id={bound}"),
    ] {
        assert_unknown_session(post(BOB, &query).await).await;
        assert_unknown_session(post(ALICE, &query).await).await;
    }
    let bob_session = SseSession::open(&server.url, BOB).await;
    assert_eq!(bob_session.post(call).await, 202);

    assert_eq!(
        post(ALICES_TOKEN, query).await.status(),
        202,
        "another credential of the same principal"
    );
    let (_, data) = alice_session.events.next().await.unwrap();
    assert!(data.contains(r#""text":"alice""#), "{data}");
    assert_eq!(alice_session.tool("whoami", json!({})).await, ("alice".to_owned(), false));
}

/// All pairs of a principal that opened a session and one that uses its ID.
#[tokio::test]
async fn sessions_are_bound_to_issuer_and_name() {
    let by_name = |head: &http::request::Parts| {
        let name = head.headers.get(AUTHORIZATION).and_then(|name| name.to_str().ok());
        let name = name.and_then(|name| name.strip_prefix("Name ")).map(str::to_owned);
        async move {
            let name = name.ok_or_else(|| Rejection::missing(Challenge::new("Name")))?;
            Ok(match name.split_once('@') {
                Some((name, issuer)) => Principal::new(name).issued_by(issuer),
                None => Principal::new(name),
            })
        }
    };
    let sessions = Arc::new(LocalSessionManager::default());
    let mcp = StreamableHttpService::new(|| Ok(Working), sessions, Default::default());
    let app = Router::new().route_service("/mcp", mcp);
    let url =
        format!("{}/mcp", serve(app.layer(McpAuthLayer::new(authenticate_fn(by_name)))).await);
    let principals = ["Name alice", "Name bob", "Name alice@one", "Name alice@two"];
    for owner in principals {
        let session = Session::open(&url, owner).await;
        for requester in principals {
            for method in [Method::GET, Method::DELETE] {
                if requester != owner {
                    assert_unknown_session(execute(session.request(method, requester)).await).await;
                }
            }
        }
        assert_eq!(execute(session.request(Method::GET, "anonymous")).await.status(), 401);
        assert_eq!(execute(session.request(Method::GET, owner)).await.status(), 200);
        assert_eq!(execute(session.request(Method::DELETE, owner)).await.status(), 202);
    }
}
