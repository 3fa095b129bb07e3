//! Every endpoint of the example servers requires authentication, except `/health`.

use http::header::AUTHORIZATION;
use reqwest::Method;
use serde_json::json;

use super::{assert_every_method_requires_credentials, shell_words};
use crate::support::example_server::{
    ALICE, INVALID, Server, SseSession, USERS, execute, http, initialize,
};

#[tokio::test]
async fn sse_server_protects_every_method_of_every_path() {
    let server = Server::start("sse_server", &USERS).await;
    let session = SseSession::open(&server.url, ALICE).await;
    let messages = session.endpoint.strip_prefix(&server.url).unwrap();
    let paths = ["/sse", "/sse/", "/messages", "/messages/", messages, "/", "/nothing", "/health/"];
    assert_every_method_requires_credentials(&server, &paths).await;
}

#[tokio::test]
async fn streamable_server_protects_every_method_of_every_path() {
    let server = Server::start("streamable_server", &USERS).await;
    assert_every_method_requires_credentials(
        &server,
        &["/mcp", "/mcp/", "/mcp/x", "/", "/nothing", "//health"],
    )
    .await;
}

#[tokio::test]
async fn message_posted_to_an_open_session_needs_credentials() {
    let server = Server::start("sse_server", &USERS).await;
    let mut session = SseSession::open(&server.url, ALICE).await;
    let call = json!({
        "jsonrpc": "2.0", "id": 99, "method": "tools/call",
        "params": { "name": "execute_command", "arguments": { "command": "echo" } },
    });
    for wrong in INVALID.into_iter().map(Some).chain([None]) {
        let mut request = http().post(&session.endpoint).body(call.to_string());
        if let Some(wrong) = wrong {
            request = request.header(AUTHORIZATION, wrong);
        }
        assert_eq!(execute(request).await.status(), 401, "{wrong:?}");
    }
    // None of them was executed: the next response belongs to the next request. Then the same call
    // is executed.
    assert_eq!(session.tool("whoami", json!({})).await, ("alice".to_owned(), false));
    assert_eq!(session.post(call.to_string()).await, 202);
    assert!(session.events.next().await.unwrap().1.contains("exit status: 0"));
}

#[tokio::test]
async fn only_the_exact_health_path_is_public() {
    for name in ["sse_server", "streamable_server"] {
        let server = Server::start(name, &USERS).await;
        let health = execute(server.request(Method::GET, "/health")).await;
        assert_eq!((health.status().as_u16(), &*health.text().await.unwrap()), (200, "ok"));
        for path in ["/health/", "/Health", "/%68ealth", "//health", "/health/x"] {
            assert_eq!(server.status(Method::GET, path, None).await, 401, "{name} {path}");
        }
    }
}

#[tokio::test]
async fn example_servers_accept_a_signed_request_once() {
    use base64::Engine as _;
    let secret = [7; 32];
    let key = format!("ci:{}", base64::engine::general_purpose::STANDARD.encode(secret));
    let signer = mcp_auth_layer::Signer::new("ci", secret).unwrap();
    for (name, method, path) in
        [("streamable_server", Method::POST, "/mcp"), ("sse_server", Method::GET, "/sse")]
    {
        let server = Server::start(name, &["--hmac-key", &key, "--user", "alice:pass:word"]).await;
        let body = match method {
            Method::POST => initialize("2025-06-18").to_string(),
            _ => String::new(),
        };
        let mut request = http::Request::builder()
            .method(&method)
            .uri(format!("{}{path}", server.url))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(body)
            .unwrap();
        signer.sign(&mut request).unwrap();
        for expected in [200, 401, 401] {
            let copy = reqwest::Request::try_from(request.clone()).unwrap();
            let response = reqwest::Client::new().execute(copy).await.unwrap();
            assert_eq!(response.status(), expected, "{name}");
        }
        assert_eq!(server.status(Method::GET, "/health", None).await, 200);
    }
}

#[tokio::test]
async fn streamable_server_on_loopback_rejects_foreign_hosts() {
    let initialize = initialize("2025-06-18");
    for (host, foreign) in [("127.0.0.1", 403), ("0.0.0.0", 200)] {
        let args = [&["--host", host][..], &USERS].concat();
        let server = Server::start("streamable_server", &args).await;
        for (name, status) in [("localhost", 200), ("tools.example.com", foreign)] {
            let request = server.request(Method::POST, "/mcp").header(AUTHORIZATION, ALICE);
            let request = request.header("accept", "application/json, text/event-stream");
            let request = request.header("host", name).json(&initialize);
            assert_eq!(execute(request).await.status(), status, "{host} {name}");
        }
    }
}

#[tokio::test]
async fn custom_authenticator_accepts_valid_api_keys() {
    let keys = ["--key", "alice:correct horse", "--key", "bob:battery:staple"];
    let server = Server::start("custom_authenticator", &keys).await;
    let with = |keys: &[&str]| {
        let mut request = server.request(Method::GET, "/whoami");
        for key in keys {
            request = request.header("x-api-key", *key);
        }
        async { execute(request).await }
    };
    for (key, name) in [("correct horse", "alice"), ("battery:staple", "bob")] {
        assert_eq!(with(&[key]).await.text().await.unwrap(), name);
    }
    for key in ["", "correct", "correct horse ", "alice:correct horse", "alice"] {
        // White space around a header value is not part of it.
        let expected = if key == "correct horse " { 200 } else { 401 };
        assert_eq!(with(&[key]).await.status(), expected, "{key:?}");
    }
    let rejected = with(&[]).await;
    assert_eq!(rejected.status(), 401);
    let challenge = &rejected.headers()["www-authenticate"];
    assert_eq!(challenge, r#"ApiKey realm="mcp", header="x-api-key""#);
    assert_eq!(with(&["correct horse", "correct horse"]).await.status(), 400);
    assert_eq!(server.status(Method::GET, "/whoami", Some(ALICE)).await, 401);

    let server = Server::start("custom_authenticator", &[]).await;
    let words = shell_words(&server.printed[0]);
    let key = words.iter().find_map(|word| word.strip_prefix("x-api-key: ")).unwrap();
    let request = server.request(Method::GET, "/whoami").header("x-api-key", key);
    assert_eq!(execute(request).await.text().await.unwrap(), "demo");
}
