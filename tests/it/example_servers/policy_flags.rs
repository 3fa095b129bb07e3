//! The flags `--policy` and `--policy-dry-run` of the example servers.

use axum::extract::Request;
use axum::response::IntoResponse;
use axum::{Json, Router};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::credential_file::CredentialFile;
use crate::support::example_server::{
    ALICE, CI, Server, SseSession, USERS, execute, http, run, until,
};
use crate::support::mcp_server::Session;
use crate::support::serve;

const POLICY: &str = "\
[[allow]]
principals = ['alice']
everything = true

[[allow]]
principals = ['ci']
tools = ['whoami']
";

/// The same, and `ci` may use every tool.
fn every_tool() -> String {
    POLICY.replace("'whoami'", "'*'")
}

async fn start(name: &str, policy: &CredentialFile, more: &[&str]) -> Server {
    let policy = ["--policy", policy.path.to_str().unwrap()];
    Server::start(name, &[&USERS[..], &policy, more].concat()).await
}

fn message(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params })
}

fn call(tool: &str) -> Value {
    message("tools/call", json!({ "name": tool, "arguments": { "command": "true" } }))
}

/// The names of the tools in a list.
fn names(response: &Value) -> Vec<&str> {
    let tools = response["result"]["tools"].as_array().unwrap_or_else(|| panic!("{response}"));
    let mut names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

/// The JSON-RPC message in a response over Streamable HTTP: its body, or the event with its data.
async fn answer(request: RequestBuilder) -> Value {
    let response = execute(request).await;
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    let mut data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let json = data.find(|data| data.starts_with('{')).unwrap_or(&text);
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Lines of the audit log with this outcome.
fn audited(log: &str, outcome: &str) -> usize {
    let outcome = format!("outcome=\"{outcome}\"");
    let lines = log.lines().filter(|line| line.contains("mcp_auth_layer::audit"));
    lines.filter(|line| line.contains(&outcome)).count()
}

#[tokio::test]
async fn invalid_policy_exits_with_its_line_and_status_2() {
    let policy = CredentialFile::new(&POLICY.replace("tools =", "tool ="));
    let file = policy.path.to_str().unwrap();
    for (name, more) in [
        ("sse_server", &[][..]),
        ("streamable_server", &[]),
        ("proxy", &["--upstream", "http://127.0.0.1:1"]),
    ] {
        let output = run(name, [&["--port", "0", "--policy", file][..], more].concat()).await;
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.lines().count()), (Some(2), 1), "{stderr}");
        let expected = format!("error: --policy: {file}:7: unknown key \"tool\"");
        assert!(stderr.starts_with(&expected) && output.stdout.is_empty(), "{stderr}");

        let missing = format!("{file}.none");
        let output = run(name, [&["--port", "0", "--policy", &missing][..], more].concat()).await;
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.lines().count()), (Some(2), 1), "{stderr}");
        assert!(stderr.starts_with("error: --policy: ") && stderr.contains(&missing), "{stderr}");

        let output = run(name, [&["--port", "0", "--policy-dry-run"][..], more].concat()).await;
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.lines().count()), (Some(2), 1), "{stderr}");
    }
}

#[tokio::test]
async fn policy_is_enforced_and_reloaded_over_streamable_http() {
    let policy = CredentialFile::new(POLICY);
    let server = start("streamable_server", &policy, &[]).await;
    let url = format!("{}/mcp", server.url);
    let (alice, ci) = (Session::open(&url, ALICE).await, Session::open(&url, CI).await);
    let ask = async |session: &Session, authorization, message: &Value| {
        answer(session.request(Method::POST, authorization).json(message)).await
    };
    let list = message("tools/list", json!({}));

    let executed = ask(&alice, ALICE, &call("execute_command")).await;
    assert_eq!(executed["result"]["isError"], false, "{executed}");
    assert_eq!(names(&ask(&alice, ALICE, &list).await), ["execute_command", "whoami"]);
    let whoami = ask(&ci, CI, &call("whoami")).await;
    assert_eq!(whoami["result"]["content"][0]["text"], "ci");
    assert_eq!(names(&ask(&ci, CI, &list).await), ["whoami"]);
    let refused = ask(&ci, CI, &call("execute_command")).await;
    let expected =
        json!({ "code": -32602, "message": "ci may not call the tool `execute_command`" });
    assert_eq!((&refused["id"], &refused["error"]), (&json!(7), &expected));
    assert_eq!(audited(&server.log(), "not_permitted"), 1, "{}", server.log());

    policy.replace(&every_tool());
    until("ci may execute commands", async || {
        let response = ask(&ci, CI, &call("execute_command")).await;
        response["result"]["isError"] == false
    })
    .await;
    assert_eq!(names(&ask(&ci, CI, &list).await), ["execute_command", "whoami"]);

    // The last valid policy stays active.
    policy.replace("[[allow]]\n");
    let failed = "error=line 1: the rule has no subject";
    until("the invalid policy is logged", async || server.log().contains(failed)).await;
    let executed = ask(&ci, CI, &call("execute_command")).await;
    assert_eq!(executed["result"]["isError"], false, "{executed}");
}

/// Posts a message over HTTP+SSE, and returns its response on the stream.
async fn ask(session: &mut SseSession, authorization: &str, message: &Value) -> Value {
    let request = http().post(&session.endpoint).header("authorization", authorization);
    assert_eq!(execute(request.json(message)).await.status(), 202);
    loop {
        let (_, data) = session.events.next().await.expect("the stream is open");
        let response: Value = serde_json::from_str(&data).unwrap();
        if response["id"] == message["id"] {
            return response;
        }
    }
}

/// A session of `ci`.
async fn session_of_ci(server: &Server) -> SseSession {
    let mut session = SseSession::connect(&server.url, CI).await;
    let params = json!({
        "protocolVersion": "2024-11-05", "capabilities": {},
        "clientInfo": { "name": "test", "version": "0" },
    });
    let initialized = ask(&mut session, CI, &message("initialize", params)).await;
    assert!(initialized["result"].is_object(), "{initialized}");
    let request = http().post(&session.endpoint).header("authorization", CI);
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(execute(request.json(&initialized)).await.status(), 202);
    session
}

#[tokio::test]
async fn policy_is_enforced_and_reloaded_over_http_sse() {
    let policy = CredentialFile::new(POLICY);
    let server = start("sse_server", &policy, &[]).await;
    let mut ci = session_of_ci(&server).await;
    let list = message("tools/list", json!({}));

    let whoami = ask(&mut ci, CI, &call("whoami")).await;
    assert_eq!(whoami["result"]["content"][0]["text"], "ci");
    assert_eq!(names(&ask(&mut ci, CI, &list).await), ["whoami"]);
    let refused = ask(&mut ci, CI, &call("execute_command")).await;
    let message = "ci may not call the tool `execute_command`";
    assert_eq!(refused["error"], json!({ "code": -32602, "message": message }));

    policy.replace(&every_tool());
    loop {
        let response = ask(&mut ci, CI, &call("execute_command")).await;
        if response["result"]["isError"] == false {
            break;
        }
        assert_eq!(response["error"]["code"], -32602, "{response}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(names(&ask(&mut ci, CI, &list).await), ["execute_command", "whoami"]);
}

#[tokio::test]
async fn dry_run_refuses_nothing_and_logs_what_it_would() {
    let policy = CredentialFile::new(POLICY);
    let server = start("streamable_server", &policy, &["--policy-dry-run"]).await;
    let ci = Session::open(&format!("{}/mcp", server.url), CI).await;
    let ask = async |message: &Value| answer(ci.request(Method::POST, CI).json(message)).await;
    let executed = ask(&call("execute_command")).await;
    assert_eq!(executed["result"]["isError"], false, "{executed}");
    let listed = ask(&message("tools/list", json!({}))).await;
    assert_eq!(names(&listed), ["execute_command", "whoami"]);
    ask(&call("whoami")).await;
    let (_, log) = server.terminate().await;
    assert_eq!((audited(&log, "would_refuse"), audited(&log, "not_permitted")), (1, 0), "{log}");
    let line = log.lines().find(|line| line.contains("would_refuse")).unwrap();
    assert!(line.contains("principal=ci") && line.contains("execute_command"), "{line}");
}

/// A server in another language, say, whose every response has the method and a list of two tools.
async fn upstream() -> String {
    serve(Router::new().fallback(async |request: Request| {
        let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
        let message: Value = serde_json::from_slice(&body).unwrap();
        let tools = json!([{ "name": "execute_command" }, { "name": "whoami" }]);
        let result = match message["method"].as_str() {
            Some("tools/list") => json!({ "tools": tools }),
            _ => json!({ "content": [], "isError": false }),
        };
        Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })).into_response()
    }))
    .await
}

#[tokio::test]
async fn proxy_enforces_and_reloads_a_policy() {
    let policy = CredentialFile::new(POLICY);
    let upstream = upstream().await;
    let upstream = ["--upstream", &*upstream];
    let proxy = start("proxy", &policy, &upstream).await;
    let ask = async |proxy: &Server, message: &Value| {
        let request = proxy.request(Method::POST, "/mcp").header("authorization", CI);
        answer(request.json(message)).await
    };
    let list = message("tools/list", json!({}));
    assert_eq!(ask(&proxy, &call("whoami")).await["result"]["isError"], false);
    assert_eq!(names(&ask(&proxy, &list).await), ["whoami"]);
    let refused = ask(&proxy, &call("execute_command")).await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");

    policy.replace(&every_tool());
    until("ci may execute commands", async || {
        ask(&proxy, &call("execute_command")).await["result"]["isError"] == false
    })
    .await;
    assert_eq!(names(&ask(&proxy, &list).await), ["execute_command", "whoami"]);

    policy.replace(POLICY);
    let proxy = start("proxy", &policy, &[&upstream[..], &["--policy-dry-run"]].concat()).await;
    assert_eq!(ask(&proxy, &call("execute_command")).await["result"]["isError"], false);
    assert_eq!(names(&ask(&proxy, &list).await), ["execute_command", "whoami"]);
    let (_, log) = proxy.terminate().await;
    assert_eq!(audited(&log, "would_refuse"), 1, "{log}");
}

#[tokio::test]
async fn rules_for_names_without_a_credential_are_warnings() {
    let policy = CredentialFile::new(&POLICY.replace("'alice'", "'alice', 'alize'"));
    let (_, log) = start("streamable_server", &policy, &[]).await.terminate().await;
    let warned = |name: &str| {
        let name = format!("no credential has this name principal=\"{name}\"");
        log.lines().filter(|line| line.contains(&name)).count()
    };
    assert_eq!([warned("alize"), warned("alice"), warned("ci")], [1, 0, 0], "{log}");
}
