//! The HTTP+SSE transport of MCP 2024-11-05 as a [`Router`]: `GET /sse` opens a session and streams
//! the messages of the server, `POST /messages/?session_id=…` receives a message of the client.
//!
//! rmcp itself no longer has this transport, but serves a pair of channels:
//!
//! ```text
//! POST /messages/ ──▶ incoming ──▶ ┌─────────┐
//!                                  │ service │   a task of its own
//! GET /sse        ◀── outgoing ◀── └─────────┘
//! ```
//!
//! A session ends with the response to `GET /sse`. The transport does not authenticate: it forwards
//! the head of every request to the service, with the principal if a layer has inserted one. Sessions
//! are limited per principal.

use std::collections::HashMap;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, OriginalUri, Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::{Stream, StreamExt, stream};
use http::request::Parts;
use http::{StatusCode, Uri};
use mcp_auth_layer::Principal;
use rmcp::model::{ClientJsonRpcMessage, GetExtensions, ServerJsonRpcMessage};
use rmcp::{RoleServer, Service, ServiceExt};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, PollSender};

pub const MAX_SESSIONS: usize = 256;
/// An eighth of all sessions, so that one user cannot use them up.
pub const MAX_SESSIONS_PER_USER: usize = MAX_SESSIONS / 8;
/// The maximum size of a message in bytes: the one of rmcp for Streamable HTTP.
pub const MAX_MESSAGE: usize = 4 * 1024 * 1024;
/// How long a session may take until it is initialized.
pub const INITIALIZE_TIMEOUT: Duration = Duration::from_secs(30);
/// How many messages are buffered in each direction.
const BUFFERED_MESSAGES: usize = 16;

/// Returns the two routes. Each session has a clone of `service`. Streams end when `shutdown` is
/// cancelled.
pub fn router<S>(service: S, shutdown: CancellationToken) -> Router
where
    S: Service<RoleServer> + Clone + Sync,
{
    let transport = Transport { service, sessions: Sessions::default(), shutdown };
    Router::new()
        .route("/sse", get(open))
        .route("/messages/", post(receive))
        .layer(DefaultBodyLimit::max(MAX_MESSAGE))
        .with_state(transport)
}

#[derive(Clone)]
struct Transport<S> {
    service: S,
    sessions: Sessions,
    shutdown: CancellationToken,
}

type Incoming = mpsc::Sender<ClientJsonRpcMessage>;

/// An entry in the table of open sessions.
struct Entry {
    incoming: Incoming,
    owner: Option<Principal>,
}

/// The open sessions by their IDs.
#[derive(Clone, Default)]
struct Sessions(Arc<Mutex<HashMap<String, Entry>>>);

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a session, unless there are too many, or too many of its owner.
    fn open(&self, entry: Entry, ended: CancellationToken) -> Result<Session, &'static str> {
        // The ID must not be guessable: without a layer, it is the only protection of a session.
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| "no random bytes for a session ID")?;
        let id = format!("{:032x}", u128::from_ne_bytes(random));
        let mut open = self.lock();
        if open.len() >= MAX_SESSIONS {
            return Err("too many sessions: try again later");
        }
        let owned = open.values().filter(|other| other.owner == entry.owner).count();
        if entry.owner.is_some() && owned >= MAX_SESSIONS_PER_USER {
            return Err("too many sessions of this user: close one, or try again later");
        }
        open.insert(id.clone(), entry);
        let sessions = self.clone();
        Ok(Session { id, sessions, ended })
    }
}

/// An open session. It ends when this is dropped.
struct Session {
    id: String,
    sessions: Sessions,
    ended: CancellationToken,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.sessions.lock().remove(&self.id);
        self.ended.cancel();
    }
}

/// `GET /sse`
async fn open<S>(
    State(transport): State<Transport<S>>,
    OriginalUri(original): OriginalUri,
    uri: Uri,
    owner: Option<Principal>,
) -> Response
where
    S: Service<RoleServer>,
{
    let (incoming, messages) = mpsc::channel(BUFFERED_MESSAGES);
    let (outgoing, responses) = mpsc::channel::<ServerJsonRpcMessage>(BUFFERED_MESSAGES);
    let ended = transport.shutdown.child_token(); // also cancelled when the session ends
    let session = match transport.sessions.open(Entry { incoming, owner }, ended.clone()) {
        Ok(session) => session,
        Err(reason) => return error(StatusCode::SERVICE_UNAVAILABLE, reason),
    };

    // The task owns the only sender: when the task ends, the stream and the session end. It ends when
    // it is cancelled, when the client violates the protocol, or when it does not initialize.
    let channels = (PollSender::new(outgoing), stream_of(messages));
    let serving = transport.service.serve_with_ct(channels, ended);
    tokio::spawn(async move {
        if let Ok(Ok(session)) = tokio::time::timeout(INITIALIZE_TIMEOUT, serving).await {
            let _ = session.waiting().await;
        }
    });

    // The path for the client includes the prefix of `Router::nest`.
    let prefix = original.path().strip_suffix(uri.path()).unwrap_or_default();
    let endpoint = format!("{prefix}/messages/?session_id={}", session.id);
    let endpoint = Event::default().event("endpoint").data(endpoint);
    let messages =
        stream_of(responses).map(|message| Event::default().event("message").json_data(message));
    let events = stream::once(ready(Ok(endpoint)))
        .chain(messages)
        // The stream owns the session: both are dropped with the connection.
        .inspect(move |_| _ = &session);
    // Proxies such as nginx must not buffer the stream, and caches must not store it.
    let headers = [("x-accel-buffering", "no"), ("cache-control", "no-cache")];
    (headers, Sse::new(events).keep_alive(KeepAlive::default())).into_response()
}

fn stream_of<T>(mut channel: mpsc::Receiver<T>) -> impl Stream<Item = T> + Unpin {
    stream::poll_fn(move |cx| channel.poll_recv(cx))
}

#[derive(Deserialize)]
struct Target {
    session_id: String,
}

/// `POST /messages/?session_id=…`
async fn receive<S>(
    State(transport): State<Transport<S>>,
    Query(Target { session_id }): Query<Target>,
    head: Parts,
    body: Bytes,
) -> Response {
    let incoming = transport.sessions.lock().get(&session_id).map(|it| it.incoming.clone());
    let Some(incoming) = incoming else {
        return error(StatusCode::NOT_FOUND, "unknown session");
    };
    let Ok(mut message) = serde_json::from_slice(&body) else {
        return error(StatusCode::BAD_REQUEST, "expected one JSON-RPC message");
    };
    match &mut message {
        ClientJsonRpcMessage::Request(request) => {
            request.request.extensions_mut().insert(head);
        }
        ClientJsonRpcMessage::Notification(notification) => {
            notification.notification.extensions_mut().insert(head);
        }
        // Responses to requests of the server have no handler.
        ClientJsonRpcMessage::Response(_) | ClientJsonRpcMessage::Error(_) => {}
    }
    match incoming.send(message).await {
        Ok(()) => (StatusCode::ACCEPTED, "Accepted").into_response(),
        Err(_) => error(StatusCode::NOT_FOUND, "the session has ended"),
    }
}

fn error(status: StatusCode, reason: &'static str) -> Response {
    (status, reason).into_response()
}
