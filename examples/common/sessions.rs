//! How many sessions of Streamable HTTP there may be. rmcp's own manager keeps as many as are asked
//! for, each for five minutes after its last message; so the oldest of whoever has too many ends.

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
/// An eighth of them, so that one user does not keep the others out.
pub const MAX_SESSIONS_OF_ONE: usize = MAX_SESSIONS / 8;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// Whose sessions there are, the oldest first.
#[derive(Clone, Default)]
pub struct Sessions {
    pub manager: Arc<LocalSessionManager>,
    owners: Arc<Mutex<Vec<(SessionId, Principal)>>>,
}

impl Sessions {
    /// Notes a new session. Returns one that must end for it.
    fn add(&self, id: SessionId, owner: Principal) -> Option<SessionId> {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        owners.push((id, owner.clone()));
        let of_owner = owners.iter().filter(|(_, other)| *other == owner).count();
        let oldest = match () {
            () if of_owner > MAX_SESSIONS_OF_ONE => {
                owners.iter().position(|(_, other)| *other == owner)?
            }
            () if owners.len() > MAX_SESSIONS => 0,
            () => return None,
        };
        Some(owners.remove(oldest).0)
    }

    /// Forgets those that have ended.
    async fn forget_ended(&self) {
        let alive = self.manager.sessions.read().await;
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        owners.retain(|(id, _)| alive.contains_key(id));
    }
}

/// Counts the session that a request without one may open.
pub async fn limit(
    State(sessions): State<Sessions>,
    owner: Option<Principal>,
    request: Request,
    next: Next,
) -> Response {
    let (Some(owner), false) = (owner, request.headers().contains_key(SESSION)) else {
        return next.run(request).await;
    };
    // In a task of its own: whoever hangs up meanwhile must not leave an uncounted session.
    let counted = tokio::spawn(async move {
        let answer = next.run(request).await;
        let id = answer.headers().get(SESSION).and_then(|id| id.to_str().ok());
        if let Some(id) = id.map(SessionId::from) {
            sessions.forget_ended().await;
            if let Some(oldest) = sessions.add(id, owner) {
                let _ = sessions.manager.close_session(&oldest).await;
            }
        }
        answer
    });
    counted.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
