//! Prints what the layer makes of access tokens, which `tests/differential/run` compares with other
//! implementations: `{"subject": …}` if it accepts a token, else `{"status": …}`.
//!
//! ```sh
//! token_verdicts ISSUER AUDIENCE JWKS_FILE <TOKENS # a JSON string a line
//! ```

use std::convert::Infallible;
use std::error::Error;
use std::future::ready;
use std::io::stdin;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use mcp_auth_layer::{Jwt, McpAuthLayer, Principal};
use serde_json::json;
use tower::{Layer, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, audience, keys] = &arguments[..] else {
        return Err("usage: token_verdicts ISSUER AUDIENCE JWKS_FILE".into());
    };
    let keys = std::fs::read_to_string(keys)?;
    let jwt = Jwt::with_keys(issuer.as_str(), audience.as_str(), &keys)?;
    let app = McpAuthLayer::new(jwt).layer(service_fn(|request: Request| {
        let mut response = Response::new(Body::empty());
        if let Some(principal) = request.extensions().get::<Principal>() {
            response.extensions_mut().insert(principal.clone());
        }
        ready(Ok::<_, Infallible>(response))
    }));

    for line in stdin().lines() {
        let token: String = serde_json::from_str(&line?)?;
        // A server's HTTP parser removes white space around the value of a field, and refuses what a field
        // cannot contain.
        let value = format!("Bearer {token}");
        let value = value.trim_matches([' ', '\t']);
        let verdict = match HeaderValue::from_str(value) {
            Ok(value) => {
                let request = Request::post("/mcp").header(AUTHORIZATION, value);
                let response = app.clone().oneshot(request.body(Body::empty())?).await?;
                match response.extensions().get::<Principal>() {
                    Some(principal) => json!({ "subject": principal.name() }),
                    None => json!({ "status": response.status().as_u16() }),
                }
            }
            Err(_) => json!({ "status": 400 }),
        };
        println!("{verdict}");
    }
    Ok(())
}
