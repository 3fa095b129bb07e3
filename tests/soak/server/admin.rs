//! The private port: changes of credentials, and the number of tasks.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use mcp_auth_layer::Principal;
use mcp_auth_layer::revocation::{Revocations, RevokeError};
use mcp_auth_layer::schemes::{BearerHandle, HtpasswdFileHandle, HttpSignatureHandle, JwtHandle};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::app::ISSUER;

/// What changes the credentials.
#[derive(Clone)]
pub struct Handles {
    pub signatures: HttpSignatureHandle,
    pub tokens: BearerHandle,
    pub jwts: JwtHandle,
    pub users: HtpasswdFileHandle,
    /// The revocations of this replica.
    pub own: Revocations,
    /// The revocations of another one.
    pub replica: Revocations,
}

pub fn router(handles: Handles) -> Router {
    Router::new()
        .route("/tasks", get(tasks))
        .route("/reload", post(reload))
        .route("/revoke", post(revoke))
        .with_state(Arc::new(handles))
}

async fn tasks() -> String {
    Handle::current().metrics().num_alive_tasks().to_string()
}

type Reply = (StatusCode, String);

fn failed(error: impl ToString) -> Reply {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

/// Reads all files now.
async fn reload(State(handles): State<Arc<Handles>>) -> Result<(), Reply> {
    handles.jwts.refresh().await.map_err(failed)?;
    let reload = move || {
        handles.signatures.reload()?;
        handles.tokens.reload()?;
        handles.users.reload()
    };
    match spawn_blocking(reload).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(failed(error)),
        Err(error) => Err(failed(error)),
    }
}

/// Revokes a credential. The body has three lines: at what, what, and its value. Status 202 says that it is revoked in
/// this process, and that the store did not take it.
async fn revoke(State(handles): State<Arc<Handles>>, body: String) -> Result<StatusCode, Reply> {
    let lines: Vec<_> = body.lines().collect();
    let [at, what, value] = lines[..] else { return Err(failed("expected three lines")) };
    let found = match (at, what) {
        ("handle", "token") => handles.tokens.revoke(value),
        ("handle", "key") => handles.signatures.revoke_all(value) == 1,
        ("own", what) => return stored(&handles.own, what, value).await,
        ("replica", what) => return stored(&handles.replica, what, value).await,
        _ => return Err(failed("expected another revocation")),
    };
    if found { Ok(StatusCode::OK) } else { Err(failed("there is no such credential")) }
}

async fn stored(at: &Revocations, what: &str, value: &str) -> Result<StatusCode, Reply> {
    let result: Result<(), RevokeError> = match what {
        "token" => at.revoke_token(value).await,
        "jti" => at.revoke_jti(ISSUER, value).await,
        "subject" => at.revoke_subject(ISSUER, value).await,
        "principal" => at.revoke_principal(&Principal::new(value)).await,
        _ => return Err(failed("expected another revocation")),
    };
    Ok(if result.is_ok() { StatusCode::OK } else { StatusCode::ACCEPTED })
}
