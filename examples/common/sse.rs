//! The HTTP+SSE transport of MCP 2024-11-05 as a [`Router`]: `GET /sse` opens a session and
//! streams what the server says, `POST /messages/?session_id=…` takes what the client says.
//!
//! rmcp itself has no such server any more, but is happy to talk over a pair of channels:
//!
//! ```text
//! POST /messages/ ──▶ incoming ──▶ ┌─────────┐
//!                                  │ service │   a task of its own
//! GET /sse        ◀── outgoing ◀── └─────────┘
//! ```
//!
//! The session lives as long as the response to `GET /sse`. Knowing nothing about credentials,
//! the transport hands on the head of every request, and with it whom a layer has put there; it counts
//! sessions by them.

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
/// An eighth of them, so that one user does not keep the others out.
pub const MAX_SESSIONS_OF_ONE: usize = MAX_SESSIONS / 8;
/// As much as rmcp takes over Streamable HTTP.
pub const MAX_MESSAGE: usize = 4 * 1024 * 1024;
/// How long a session may wait for its `initialize`.
pub const INITIALIZE_WITHIN: Duration = Duration::from_secs(30);
/// How many messages wait in either direction before the sender waits.
const BACKLOG: usize = 16;

/// The two routes, with a copy of `service` for every session. Streams end when `shutdown` is
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

/// An open session as others see it, and whose it is, where a layer says so.
struct Entry {
    incoming: Incoming,
    owner: Option<Principal>,
}

/// The open sessions, by their ids.
#[derive(Clone, Default)]
struct Sessions(Arc<Mutex<HashMap<String, Entry>>>);

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens one more session, unless there are too many, or too many of its owner.
    fn open(&self, entry: Entry, ended: CancellationToken) -> Result<Session, &'static str> {
        // Whoever knows the id can write into the session: it must not be guessed.
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| "no random bytes for a session id")?;
        let id = format!("{:032x}", u128::from_ne_bytes(random));
        let mut open = self.lock();
        if open.len() >= MAX_SESSIONS {
            return Err("too many sessions: try again later");
        }
        let of_owner = open.values().filter(|other| other.owner == entry.owner).count();
        if entry.owner.is_some() && of_owner >= MAX_SESSIONS_OF_ONE {
            return Err("too many sessions of yours: close one, or try again later");
        }
        open.insert(id.clone(), entry);
        let sessions = self.clone();
        Ok(Session { id, sessions, ended })
    }
}

/// An open session, which ends when this is dropped.
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
    let (incoming, messages) = mpsc::channel(BACKLOG);
    let (outgoing, answers) = mpsc::channel::<ServerJsonRpcMessage>(BACKLOG);
    let ended = transport.shutdown.child_token(); // cancelled by either
    let session = match transport.sessions.open(Entry { incoming, owner }, ended.clone()) {
        Ok(session) => session,
        Err(why) => return refuse(StatusCode::SERVICE_UNAVAILABLE, why),
    };

    // The only sender moves into the task: when that ends, so do the stream and the session. It
    // ends when it is cancelled, when the client breaks the protocol, and when it never begins.
    let channels = (PollSender::new(outgoing), received(messages));
    let serving = transport.service.serve_with_ct(channels, ended);
    tokio::spawn(async move {
        if let Ok(Ok(session)) = tokio::time::timeout(INITIALIZE_WITHIN, serving).await {
            let _ = session.waiting().await;
        }
    });

    // Where this router is nested, the client must be told the whole path.
    let prefix = original.path().strip_suffix(uri.path()).unwrap_or_default();
    let endpoint = format!("{prefix}/messages/?session_id={}", session.id);
    let endpoint = Event::default().event("endpoint").data(endpoint);
    let answers =
        received(answers).map(|answer| Event::default().event("message").json_data(answer));
    let events = stream::once(ready(Ok(endpoint)))
        .chain(answers)
        // Held by the stream, which is dropped with the connection.
        .inspect(move |_| _ = &session);
    // Proxies such as nginx would wait for more, and caches keep it.
    let headers = [("x-accel-buffering", "no"), ("cache-control", "no-cache")];
    (headers, Sse::new(events).keep_alive(KeepAlive::default())).into_response()
}

fn received<T>(mut channel: mpsc::Receiver<T>) -> impl Stream<Item = T> + Unpin {
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
        return refuse(StatusCode::NOT_FOUND, "no such session");
    };
    let Ok(mut message) = serde_json::from_slice(&body) else {
        return refuse(StatusCode::BAD_REQUEST, "expected one JSON-RPC message");
    };
    match &mut message {
        ClientJsonRpcMessage::Request(request) => {
            request.request.extensions_mut().insert(head);
        }
        ClientJsonRpcMessage::Notification(notification) => {
            notification.notification.extensions_mut().insert(head);
        }
        // Answers to what the server asked reach no handler.
        ClientJsonRpcMessage::Response(_) | ClientJsonRpcMessage::Error(_) => {}
    }
    match incoming.send(message).await {
        Ok(()) => (StatusCode::ACCEPTED, "Accepted").into_response(),
        Err(_) => refuse(StatusCode::NOT_FOUND, "the session has ended"),
    }
}

fn refuse(status: StatusCode, why: &'static str) -> Response {
    (status, why).into_response()
}
