//! A login by OAuth, through rmcp: the user opens a URL, and the browser is redirected to this program.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::routing::get;
use rmcp::transport::auth::{AuthorizationManager, AuthorizationRequest, OAuthState};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::cli::{self, Failure};

/// Logs in at the authorization server that the challenge of a server leads to.
pub async fn log_in(url: &str, challenge: &str) -> Result<AuthorizationManager, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Failure::work)?;
    let address = listener.local_addr().map_err(Failure::work)?;
    let redirect = format!("http://{address}/callback");

    // Registers this program, unless the server knows it.
    let mut login = OAuthState::new(url, None).await.map_err(Failure::work)?;
    let request = AuthorizationRequest::new(&redirect)
        .with_client_name("mcp-auth-layer example client")
        .with_challenge(challenge)
        .with_initial_scope_selection();
    login.start_authorization(request).await.map_err(failed)?;
    let login_url = login.get_authorization_url().await.map_err(failed)?;
    cli::print_to_stderr(format_args!("log in at {login_url}"));

    let query = redirected(listener).await?;
    login.handle_callback_url(&format!("{redirect}?{query}")).await.map_err(failed)?;
    login.into_authorization_manager().ok_or_else(|| failed("it was not completed"))
}

/// Waits for the browser, and returns the query of its request.
async fn redirected(listener: TcpListener) -> Result<String, Failure> {
    let (sender, mut queries) = mpsc::channel(1);
    let callback = async |State(sender): State<mpsc::Sender<String>>, RawQuery(query): RawQuery| {
        let _ = sender.try_send(query.unwrap_or_default());
        "You can close this page."
    };
    let app = Router::new().route("/callback", get(callback)).with_state(sender);
    let server = tokio::spawn(async { axum::serve(listener, app).await });
    let query = queries.recv().await;
    server.abort();
    query.ok_or_else(|| failed("the browser was not redirected"))
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::work(format!("the login failed: {error}"))
}
