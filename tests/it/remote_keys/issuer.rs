//! A fake authorization server on this machine.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Redirect, Response};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::net::TcpSocket;

use crate::support::access_token::{SigningKey, jwks};

/// What the server does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    ServerError,
    Html,
    Redirect,
    /// 300 KiB of keys.
    Large,
    OnlyUnusableKeys,
    OtherIssuer,
    /// It accepts connections and does not respond.
    Stall,
    /// It responds byte by byte.
    Drip,
}

pub struct Issuer {
    pub url: String,
    socket: Mutex<Option<TcpSocket>>,
    state: Arc<Mutex<State>>,
}

struct State {
    url: String,
    fault: Fault,
    keys: Vec<Value>,
    metadata_requests: usize,
    key_requests: usize,
}

impl Issuer {
    /// Reserves the port of a server, which refuses connections.
    pub fn down() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let url = format!("http://{}", socket.local_addr().unwrap());
        let state = State {
            url: url.clone(),
            fault: Fault::None,
            keys: Vec::new(),
            metadata_requests: 0,
            key_requests: 0,
        };
        let state = Arc::new(Mutex::new(state));
        Self { url, socket: Mutex::new(Some(socket)), state }
    }

    pub fn start() -> Self {
        let issuer = Self::down();
        issuer.come_up();
        issuer
    }

    /// Starts to listen, in the runtime of the test.
    pub fn come_up(&self) {
        let listener = self.socket.lock().unwrap().take().unwrap().listen(1024).unwrap();
        let state = self.state.clone();
        let app = Router::new().fallback(move |request: Request| {
            let state = state.clone();
            async move { respond(&state, request.uri().path()).await }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
    }

    /// Replaces the keys.
    pub fn publish(&self, keys: &[(&str, &SigningKey)]) {
        self.state.lock().unwrap().keys = keys.iter().map(|(kid, key)| key.jwk(kid)).collect();
    }

    pub fn has(&self, fault: Fault) {
        self.state.lock().unwrap().fault = fault;
    }

    /// How often the keys were requested.
    pub fn key_requests(&self) -> usize {
        self.state.lock().unwrap().key_requests
    }

    pub fn metadata_requests(&self) -> usize {
        self.state.lock().unwrap().metadata_requests
    }
}

async fn respond(state: &Mutex<State>, path: &str) -> Response {
    let (fault, url, keys) = {
        let mut state = state.lock().unwrap();
        match path {
            "/keys" => state.key_requests += 1,
            _ => state.metadata_requests += 1,
        }
        (state.fault, state.url.clone(), jwks(state.keys.clone()))
    };
    let json = |text: String| ([("content-type", "application/json")], text).into_response();
    if path == "/.well-known/openid-configuration" {
        let slash = if fault == Fault::OtherIssuer { "/" } else { "" };
        let keys = format!("{url}/keys");
        return json(json!({"issuer": url + slash, "jwks_uri": keys}).to_string());
    }
    if path != "/keys" {
        return http::StatusCode::NOT_FOUND.into_response();
    }
    match fault {
        Fault::None | Fault::OtherIssuer => json(keys),
        Fault::ServerError => (http::StatusCode::INTERNAL_SERVER_ERROR, keys).into_response(),
        Fault::Html => axum::response::Html("<html>maintenance</html>").into_response(),
        Fault::Redirect => Redirect::temporary("/keys?again").into_response(),
        Fault::Large => json(keys + &" ".repeat(300 * 1024)),
        Fault::OnlyUnusableKeys => json(jwks([json!({"kty": "oct", "k": "AAAA", "kid": "a"})])),
        Fault::Stall => std::future::pending().await,
        Fault::Drip => Body::from_stream(stream::iter(keys.into_bytes()).then(|byte| async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok::<_, std::convert::Infallible>(Bytes::from(vec![byte]))
        }))
        .into_response(),
    }
}
