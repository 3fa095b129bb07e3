//! An rmcp client that signs its requests, against rmcp's server over a real socket; captured
//! requests are sent again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use mcp_auth_layer::schemes::{Signer, SigningClient};
use mcp_auth_layer::{McpAuthLayer, Principal};
use rmcp::model::CallToolRequestParams;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClient, StreamableHttpClientTransportConfig,
};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServiceExt, tool, tool_router};
use tokio::net::TcpListener;

use crate::support::forged_request::SECRET;

struct Tools;

#[tool_router(server_handler)]
impl Tools {
    #[tool(description = "Who is calling")]
    async fn whoami(&self, principal: Principal) -> String {
        principal.name().to_owned()
    }
}

type Captured = Arc<Mutex<Vec<http::Request<Vec<u8>>>>>;

/// Captures each request on its way to the server.
async fn capture(State(captured): State<Captured>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let copy = http::Request::from_parts(head.clone(), body.to_vec());
    captured.lock().unwrap().push(copy);
    next.run(Request::from_parts(head, Body::from(body))).await
}

/// A protected server: its URL, and the requests that it receives.
async fn serve() -> (String, Captured) {
    let mcp = StreamableHttpService::new(
        || Ok(Tools),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let captured = Captured::default();
    let app = Router::new()
        .nest_service("/tools/mcp", mcp)
        .layer(McpAuthLayer::hmac("ci", SECRET))
        .layer(from_fn_with_state(captured.clone(), capture));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/tools/mcp?tenant=7", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, app).into_future());
    (url, captured)
}

fn transport(url: &str, secret: [u8; 32]) -> StreamableHttpClientTransport<SigningClient> {
    let client = SigningClient::new(Signer::new("ci", secret).unwrap()).unwrap();
    let config = StreamableHttpClientTransportConfig::with_uri(url.to_owned());
    StreamableHttpClientTransport::with_client(client, config)
}

#[tokio::test(flavor = "multi_thread")]
async fn rmcp_requests_are_signed_and_cannot_be_replayed() {
    let (url, captured) = serve().await;
    let session = ().serve(transport(&url, SECRET)).await.unwrap();
    assert_eq!(session.list_all_tools().await.unwrap().len(), 1);
    let result = session.call_tool(CallToolRequestParams::new("whoami")).await.unwrap();
    assert_eq!(result.content[0].as_text().unwrap().text, "ci");
    session.cancel().await.unwrap();

    let captured: Vec<_> = captured.lock().unwrap().drain(..).collect();
    for method in ["POST", "GET", "DELETE"] {
        assert!(captured.iter().any(|request| request.method() == method), "{method}");
    }
    let wire = reqwest::Client::new();
    for request in captured {
        assert!(request.headers().contains_key("signature"));
        let (head, body) = request.into_parts();
        let url = reqwest::Url::parse(&url).unwrap().join(&head.uri.to_string()).unwrap();
        let again = wire.request(head.method, url).headers(head.headers).body(body);
        let response = again.send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert!(response.headers().contains_key("accept-signature"));
    }
}

/// Sends a request of each kind to a server that only captures them, and returns what their signatures cover.
async fn components_of_requests(session: Option<&str>, token: Option<&str>) -> Vec<String> {
    let captured = Captured::default();
    let app = Router::new()
        .fallback(|| async { StatusCode::ACCEPTED })
        .layer(from_fn_with_state(captured.clone(), capture));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Arc<str> = format!("http://{}/mcp", listener.local_addr().unwrap()).into();
    tokio::spawn(axum::serve(listener, app).into_future());
    let client = SigningClient::new(Signer::new("ci", SECRET).unwrap()).unwrap();
    let session = session.map(Arc::<str>::from);
    let token = token.map(str::to_owned);
    let message = serde_json::json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let message = serde_json::from_value(message).unwrap();
    let none = HashMap::new;
    client
        .post_message(url.clone(), message, session.clone(), token.clone(), none())
        .await
        .unwrap();
    // The server sends no stream.
    let last_event = session.as_deref().map(str::to_owned);
    let stream = client.get_stream(url.clone(), session.clone(), last_event, token.clone(), none());
    assert!(stream.await.is_err());
    let session = session.unwrap_or_else(|| "s".into());
    client.delete_session(url, session, token, none()).await.unwrap();
    let captured = captured.lock().unwrap();
    captured
        .iter()
        .map(|sent| sent.headers()["signature-input"].to_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn rmcp_client_signs_the_session_and_the_token_it_sends() {
    let both = components_of_requests(Some("s"), Some("t")).await;
    assert_eq!(both.len(), 3);
    for components in both {
        assert!(components.contains(r#""authorization""#), "{components}");
        assert!(components.contains(r#""mcp-session-id""#), "{components}");
    }
    let [post, get, delete] = &*components_of_requests(None, None).await else { panic!() };
    for components in [post, get, delete] {
        assert!(!components.contains(r#""authorization""#), "{components}");
    }
    assert!(!post.contains("mcp-session-id") && !get.contains("mcp-session-id"));
    assert!(delete.contains("mcp-session-id"), "there is a session to delete");
}

#[tokio::test]
async fn rmcp_client_with_a_wrong_secret_is_rejected() {
    let (url, _) = serve().await;
    let error = ().serve(transport(&url, [9; 32])).await.err().unwrap();
    assert!(
        error.auth_challenge().is_some_and(|challenge| challenge.starts_with("Signature")),
        "{error}"
    );
}

#[tokio::test]
async fn signing_client_does_not_follow_redirects() {
    let (elsewhere, captured) = serve().await;
    let target = elsewhere.clone();
    let redirect =
        Router::new().fallback(move || async move { axum::response::Redirect::temporary(&target) });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, redirect).into_future());
    assert!(().serve(transport(&url, SECRET)).await.is_err());
    assert!(captured.lock().unwrap().is_empty());
}
