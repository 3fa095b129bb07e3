//! A remote decision point: a service with the AuthZEN Authorization API 1.0 decides about each call.
//!
//!     cargo run --example authzen -- --user 'alice:correct horse' --user 'bob:battery staple'
//!     curl -u 'bob:battery staple' -H 'Content-Type: application/json' \
//!         -H 'Accept: application/json, text/event-stream' http://127.0.0.1:8000/mcp \
//!         -d '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}'
//!
//! The list has one tool for bob, and two for alice. `--decision-point URL` asks another decision point than the
//! small one in this process.

mod common;

use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use common::cli::{self, Failure};
use common::decision_point::{self, Started};
use common::tools::Tools;
use mcp_auth_layer::auth::BoxError;
use mcp_auth_layer::policy::{Authorizer, Call, Decision, Refusal, Target, TargetKind};
use mcp_auth_layer::{McpAuthLayer, Principal, any_of};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A decision point, and an HTTP client for it.
struct AuthZen {
    client: reqwest::Client,
    url: String,
}

#[derive(Deserialize)]
struct Evaluation {
    decision: bool,
}

#[derive(Deserialize)]
struct Evaluations {
    evaluations: Vec<Evaluation>,
}

impl Authorizer for AuthZen {
    async fn authorize(&self, caller: &Principal, call: &Call<'_>) -> Decision {
        if let Some(decision) = self.authorize_now(caller, call) {
            return decision;
        }
        let method = call.method();
        let allowed = match call.targets() {
            [] => self.evaluate(caller, call, evaluation(method, "method", method)).await,
            [target] => self.evaluate(caller, call, of_target(method, target)).await,
            // `subscriptions/listen` uses several resources, and needs all of them.
            targets => {
                let all = targets.iter().map(|target| of_target(method, target)).collect();
                self.evaluate_each(caller, all).await.map(|all| !all.contains(&false))
            }
        };
        match allowed {
            Ok(true) => Decision::allowed(),
            Ok(false) => Refusal::not_permitted().into(),
            Err(error) => Refusal::unavailable().caused_by(error).into(),
        }
    }

    /// Allows `initialize`, `ping`, lists and notifications.
    fn authorize_now(&self, _: &Principal, call: &Call<'_>) -> Option<Decision> {
        call.needs_no_rule().then(Decision::allowed)
    }

    /// Asks once for a whole list.
    async fn visible(
        &self,
        caller: &Principal,
        targets: &[Target<'_>],
    ) -> Result<Vec<bool>, Refusal> {
        let all = targets.iter().map(|target| of_target(method_that_uses(target), target));
        let visible = self.evaluate_each(caller, all.collect()).await;
        visible.map_err(|error| Refusal::unavailable().caused_by(error))
    }
}

impl AuthZen {
    async fn evaluate(
        &self,
        caller: &Principal,
        call: &Call<'_>,
        mut evaluation: Value,
    ) -> Result<bool, BoxError> {
        evaluation["subject"] = subject(caller);
        evaluation["context"] = json!({ "path": call.path() });
        Ok(self.ask::<Evaluation>("evaluation", evaluation).await?.decision)
    }

    async fn evaluate_each(
        &self,
        caller: &Principal,
        evaluations: Vec<Value>,
    ) -> Result<Vec<bool>, BoxError> {
        let count = evaluations.len();
        if count == 0 {
            return Ok(Vec::new()); // for AuthZEN, an empty array is one evaluation
        }
        let question = json!({ "subject": subject(caller), "evaluations": evaluations });
        let Evaluations { evaluations } = self.ask("evaluations", question).await?;
        if evaluations.len() != count {
            return Err("the decision point did not answer each evaluation".into());
        }
        Ok(evaluations.into_iter().map(|evaluation| evaluation.decision).collect())
    }

    async fn ask<T: DeserializeOwned>(&self, what: &str, question: Value) -> Result<T, BoxError> {
        let request = self.client.post(format!("{}/access/v1/{what}", self.url)).json(&question);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }
}

fn subject(caller: &Principal) -> Value {
    let (scopes, roles): (Vec<_>, Vec<_>) = (caller.scopes().collect(), caller.roles().collect());
    let properties = json!({ "issuer": caller.issuer(), "scopes": scopes, "roles": roles });
    json!({ "type": "user", "id": caller.name(), "properties": properties })
}

fn of_target(method: &str, target: &Target<'_>) -> Value {
    evaluation(method, target.kind().as_str(), target.name())
}

fn evaluation(method: &str, kind: &str, name: &str) -> Value {
    json!({ "action": { "name": method }, "resource": { "type": kind, "id": name } })
}

fn method_that_uses(target: &Target<'_>) -> &'static str {
    match target.kind() {
        TargetKind::Tool => "tools/call",
        TargetKind::Prompt => "prompts/get",
        TargetKind::ResourceTemplate => "completion/complete",
        _ => "resources/read",
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    cli::exit(run().await)
}

async fn run() -> Result<(), Failure> {
    let Started { listener, schemes, url, metrics, shutdown } =
        decision_point::from_command_line("/mcp").await?;
    let client = reqwest::Client::builder().timeout(Duration::from_secs(3)).no_proxy().build();
    let decisions = AuthZen { client: client.map_err(Failure::work)?, url };

    // Without sessions, so that one request is enough to try it.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let mcp =
        StreamableHttpService::new(|| Ok(Tools), NeverSessionManager::default().into(), config);
    let app = metrics.add_route(Router::new().route_service("/mcp", mcp));
    let mut auth = McpAuthLayer::new(any_of(schemes)).authorize(decisions);
    if let Some(path) = metrics.path() {
        auth = auth.public_path(path); // flag `--metrics`
    }
    let app = auth.protect(app);
    let stopped = shutdown.cancelled_owned();
    axum::serve(listener, app).with_graceful_shutdown(stopped).await.map_err(Failure::work)
}
