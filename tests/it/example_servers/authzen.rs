//! The `authzen` example: a decision point decides about each call.

use std::sync::{Arc, Mutex};

use axum::extract::Request;
use axum::response::IntoResponse;
use axum::{Json, Router};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::example_server::{ALICE, CI, Server, USERS, execute, initialize};
use crate::support::{UnusedPort, serve};

async fn start(decision_point: Option<&str>) -> Server {
    let decision_point = decision_point.map(|url| ["--decision-point", url]);
    let args = [&USERS[..], decision_point.as_ref().map_or(&[], |args| &args[..])].concat();
    Server::start("authzen", &args).await
}

/// The response to a message, which always has the status 200.
async fn post(server: &Server, authorization: &str, message: &Value) -> Value {
    let request = server.request(Method::POST, "/mcp").header("authorization", authorization);
    let request = request.header("accept", "application/json, text/event-stream");
    let response = execute(request.json(message)).await;
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

fn request(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params })
}

fn tools_list() -> Value {
    request("tools/list", json!({}))
}

fn call(tool: &str) -> Value {
    request("tools/call", json!({ "name": tool, "arguments": { "command": "true" } }))
}

/// The names of the tools in a list.
fn names(response: &Value) -> Vec<&str> {
    let tools = response["result"]["tools"].as_array().unwrap_or_else(|| panic!("{response}"));
    tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn decision_point_allows_refuses_and_filters_lists() {
    let server = start(None).await;
    assert_eq!(post(&server, CI, &call("whoami")).await["result"]["content"][0]["text"], "ci");
    let executed = post(&server, ALICE, &call("execute_command")).await;
    assert_eq!(executed["result"]["isError"], false, "{executed}");
    let refused = post(&server, CI, &call("execute_command")).await;
    let message = "ci may not call the tool `execute_command`";
    let expected = json!({
        "jsonrpc": "2.0", "id": 7, "error": { "code": -32602, "message": message },
    });
    assert_eq!(refused, expected);
    let unknown = post(&server, CI, &request("vendor/x", json!({}))).await;
    assert_eq!(unknown["error"]["code"], -32601, "{unknown}");
    let listed = post(&server, ALICE, &tools_list()).await;
    assert_eq!(names(&listed), ["execute_command", "whoami"]);
    assert_eq!(names(&post(&server, CI, &tools_list()).await), ["whoami"]);
}

#[tokio::test]
async fn decision_point_that_is_down_is_an_internal_error() {
    let unused = UnusedPort::reserve();
    let server = start(Some(&unused.url())).await;
    // A session can be opened, and lives on.
    let initialized = post(&server, ALICE, &initialize("2025-06-18")).await;
    assert!(initialized["result"].is_object(), "{initialized}");
    for message in [call("whoami"), tools_list()] {
        let unavailable = post(&server, ALICE, &message).await;
        let expected = json!({
            "code": -32603, "message": "authorization is unavailable; try again later",
        });
        assert_eq!((&unavailable["id"], &unavailable["error"]), (&json!(7), &expected));
    }
    let (_, log) = server.terminate().await;
    let logged: Vec<_> = log.lines().filter(|line| line.contains("audit")).collect();
    assert_eq!(logged.len(), 2, "{log}");
    for line in logged {
        assert!(line.contains("ERROR") && line.contains(r#"outcome="unavailable""#), "{line}");
        assert!(line.contains("cause="), "{line}");
    }
}

/// A decision point that records questions, and has one answer.
async fn answering(answer: Value) -> (String, Arc<Mutex<Vec<(String, Value)>>>) {
    let asked = Arc::<Mutex<Vec<_>>>::default();
    let recorded = asked.clone();
    let app = Router::new().fallback(async move |request: Request| {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let question = serde_json::from_slice::<Value>(&body).unwrap();
        recorded.lock().unwrap().push((format!("{} {}", head.method, head.uri), question));
        Json(answer).into_response()
    });
    (serve(app).await, asked)
}

#[tokio::test]
async fn decision_point_is_asked_in_the_form_of_authzen() {
    let each = json!([{ "decision": false }, { "decision": true }]);
    let answer = json!({ "decision": true, "evaluations": each });
    let (url, asked) = answering(answer).await;
    let server = start(Some(&url)).await;
    let subject = json!({
        "type": "user", "id": "ci", "properties": { "issuer": null, "scopes": [], "roles": [] },
    });
    let evaluation = |tool: &str| {
        json!({
            "action": { "name": "tools/call" },
            "resource": { "type": "tool", "id": tool },
        })
    };

    assert_eq!(post(&server, CI, &call("whoami")).await["result"]["content"][0]["text"], "ci");
    let mut one = evaluation("whoami");
    one["subject"] = subject.clone();
    one["context"] = json!({ "path": "/mcp" });
    let mut expected = vec![("POST /access/v1/evaluation".to_owned(), one)];
    assert_eq!(*asked.lock().unwrap(), expected);

    assert_eq!(names(&post(&server, CI, &tools_list()).await), ["whoami"]);
    let evaluations = ["execute_command", "whoami"].map(evaluation);
    let several = json!({ "subject": subject, "evaluations": evaluations });
    expected.push(("POST /access/v1/evaluations".to_owned(), several));
    assert_eq!(*asked.lock().unwrap(), expected);
}

#[tokio::test]
async fn answer_without_each_decision_is_an_internal_error() {
    for answer in [
        json!({}),
        json!({ "decision": "true", "evaluations": [{ "decision": true }] }),
        json!({ "decision": 1, "evaluations": [{ "decision": true }, {}] }),
    ] {
        let (url, _) = answering(answer).await;
        let server = start(Some(&url)).await;
        for message in [call("whoami"), tools_list()] {
            let response = post(&server, ALICE, &message).await;
            assert_eq!(response["error"]["code"], -32603, "{response}");
        }
    }
}
