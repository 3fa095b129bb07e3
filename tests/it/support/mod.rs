//! Helpers for the tests: an app that records requests, and functions that send requests to it.

pub mod access_token;
pub mod build_examples;
pub mod credential_file;
pub mod example_server;
pub mod forged_request;
pub mod htpasswd;
pub mod known_secrets;
pub mod log;
pub mod mcp_server;

use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use http::request::Parts;
use http::{Extensions, HeaderMap, Method, StatusCode};
use mcp_auth_layer::{Authenticator, McpAuthLayer, Principal};
use tokio::net::{TcpListener, TcpSocket};
use tower::{Service, ServiceExt};

/// Writes a credential file that only its owner may write, whatever the umask is.
pub fn write_credentials(path: impl AsRef<Path>, text: impl AsRef<[u8]>) {
    std::fs::write(&path, text).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

/// The heads of the requests that reached the inner service.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Vec<Parts>>>);

impl Seen {
    pub fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// The only request since the last call.
    pub fn only(&self) -> Parts {
        let mut seen = self.0.lock().unwrap();
        assert_eq!(seen.len(), 1, "one request reached the inner service");
        seen.pop().unwrap()
    }

    pub fn principal(&self) -> String {
        let head = self.only();
        let principal = head.extensions.get::<Principal>();
        principal.expect("a principal reached the inner service").name().to_owned()
    }
}

/// A router that records every request and responds 200 with the body of the request.
pub fn recorder() -> (Router, Seen) {
    log::set_up();
    let seen = Seen::default();
    let record = seen.clone();
    let router = Router::new().fallback(move |request: Request| async move {
        let (head, body) = request.into_parts();
        record.0.lock().unwrap().push(head);
        body.into_response()
    });
    (router, seen)
}

/// The recorder behind a layer with this authenticator.
pub fn protected(authenticator: impl Authenticator) -> (Router, Seen) {
    let (app, seen) = recorder();
    (app.layer(McpAuthLayer::new(authenticator)), seen)
}

/// Serves the app on a free port, and returns its URL.
pub async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

/// A port that refuses connections. The socket is bound and does not listen, so that no other test
/// can get the port meanwhile.
pub struct UnusedPort(TcpSocket);

impl UnusedPort {
    pub fn reserve() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self(socket)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }
}

#[derive(Debug)]
pub struct TestResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub extensions: Extensions,
    pub body: String,
}

impl TestResponse {
    /// The values of `WWW-Authenticate`.
    pub fn challenges(&self) -> Vec<&str> {
        let fields = self.headers.get_all("www-authenticate").iter();
        fields.map(|field| field.to_str().unwrap()).collect()
    }

    pub fn message(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).expect("a JSON body");
        assert_eq!(body["jsonrpc"], "2.0");
        assert!(body["id"].is_null() && body.get("id").is_some());
        assert_eq!(body["error"]["code"], self.status.as_u16());
        body["error"]["message"].as_str().expect("a message").to_owned()
    }
}

pub async fn send<S>(service: S, request: Request) -> TestResponse
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let (head, body) = service.oneshot(request).await.unwrap().into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("a complete body");
    TestResponse {
        status: head.status,
        headers: head.headers,
        extensions: head.extensions,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

/// A request without a body, with these header fields in this order.
pub fn request(method: Method, target: &str, fields: &[(&str, &str)]) -> Request {
    let mut request = http::Request::builder().method(method).uri(target);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

pub fn get(target: &str, fields: &[(&str, &str)]) -> Request {
    request(Method::GET, target, fields)
}

/// `GET /` with this `Authorization`.
pub fn with_authorization(value: &str) -> Request {
    get("/", &[("authorization", value)])
}

pub fn basic(user: &str, password: &str) -> String {
    let pair = format!("{user}:{password}");
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}
