//! A limit on the number of sessions over Streamable HTTP. rmcp's session manager has none, and
//! keeps a session for five minutes after its last message. Here the oldest session ends if there
//! are too many, or too many of one user.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, StatusCode};
use mcp_auth_layer::Principal;
use rmcp::transport::streamable_http_server::SessionManager;
use rmcp::transport::streamable_http_server::session::SessionId;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;

pub const MAX_SESSIONS: usize = 256;
/// An eighth of all sessions, so that one user cannot use them up.
pub const MAX_SESSIONS_PER_USER: usize = MAX_SESSIONS / 8;

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// The open sessions and their owners, oldest first.
#[derive(Clone, Default)]
pub struct Sessions {
    pub manager: Arc<LocalSessionManager>,
    owners: Arc<Mutex<Vec<(SessionId, Principal)>>>,
}

impl Sessions {
    /// Adds a session. Returns the session that must end to stay within the limits.
    fn add(&self, id: SessionId, owner: Principal) -> Option<SessionId> {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        owners.push((id, owner.clone()));
        let is_owned = |(_, other): &(SessionId, Principal)| *other == owner;
        let oldest =
            if owners.iter().filter(|session| is_owned(session)).count() > MAX_SESSIONS_PER_USER {
                owners.iter().position(is_owned)?
            } else if owners.len() > MAX_SESSIONS {
                0
            } else {
                return None;
            };
        Some(owners.remove(oldest).0)
    }

    /// Removes the sessions that have ended.
    async fn remove_ended(&self) {
        let open = self.manager.sessions.read().await;
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        owners.retain(|(id, _)| open.contains_key(id));
    }
}

/// Middleware that counts the sessions that requests open.
pub async fn limit(
    State(sessions): State<Sessions>,
    owner: Option<Principal>,
    request: Request,
    next: Next,
) -> Response {
    let Some(owner) = owner else { return next.run(request).await };
    if request.headers().contains_key(SESSION_ID) {
        return next.run(request).await;
    }
    // In its own task: if the client disconnects, its new session must be counted nevertheless.
    let counted = tokio::spawn(async move {
        let response = next.run(request).await;
        let id = response.headers().get(SESSION_ID).and_then(|id| id.to_str().ok());
        if let Some(id) = id.map(SessionId::from) {
            sessions.remove_ended().await;
            if let Some(oldest) = sessions.add(id, owner) {
                let _ = sessions.manager.close_session(&oldest).await;
            }
        }
        response
    });
    counted.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
