//! A small authorization server that logs everybody in as Alice: registration, code with PKCE, resource
//! indicator (RFC 7591, 7636, 8707).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Form, Query, State};
use axum::response::Redirect;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::access_token::{base64url, issuer_keys, with_claims};

type Parameters = HashMap<String, String>;

/// The logins that have a code, which is their index.
#[derive(Clone)]
pub struct LoginServer {
    pub url: String,
    logins: Arc<Mutex<Vec<Parameters>>>,
}

impl LoginServer {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { url, logins: Arc::default() };
        let app = Router::new()
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/keys", get(|| async { issuer_keys() }))
            .route("/register", post(register))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(server.clone());
        tokio::spawn(async { axum::serve(listener, app).await });
        server
    }

    /// What the logins asked for.
    pub fn logins(&self) -> Vec<Parameters> {
        self.logins.lock().unwrap().clone()
    }
}

async fn metadata(State(server): State<LoginServer>) -> Json<Value> {
    let url = &server.url;
    Json(json!({
        "issuer": url,
        "jwks_uri": format!("{url}/keys"),
        "registration_endpoint": format!("{url}/register"),
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
    }))
}

async fn register(Json(mut client): Json<Value>) -> (StatusCode, Json<Value>) {
    client["client_id"] = json!("registered");
    (StatusCode::CREATED, Json(client))
}

async fn authorize(State(server): State<LoginServer>, Query(login): Query<Parameters>) -> Redirect {
    let mut logins = server.logins.lock().unwrap();
    let code = logins.len();
    let redirect = format!("{}?code={code}&state={}", login["redirect_uri"], login["state"]);
    logins.push(login);
    Redirect::to(&redirect)
}

async fn token(
    State(server): State<LoginServer>,
    Form(request): Form<Parameters>,
) -> Result<Json<Value>, StatusCode> {
    let code = request["code"].parse::<usize>().map_err(|_| StatusCode::BAD_REQUEST)?;
    let login = server.logins().get(code).cloned().ok_or(StatusCode::BAD_REQUEST)?;
    if base64url(Sha256::digest(&request["code_verifier"])) != login["code_challenge"]
        || request["resource"] != login["resource"]
        || request["redirect_uri"] != login["redirect_uri"]
    {
        return Err(StatusCode::BAD_REQUEST);
    }
    let token = with_claims(|claims| {
        claims["iss"] = json!(server.url);
        claims["aud"] = json!(login["resource"]);
        claims["scope"] = json!(login["scope"]);
    });
    Ok(Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": 300 })))
}
