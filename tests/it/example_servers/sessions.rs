//! Whole MCP sessions with the example servers.

use rmcp::model::CallToolRequestParams;
use serde_json::json;

use super::connect;
use crate::support::UnusedPort;
use crate::support::example_server::{
    ALICE, CI, INVALID, Server, SseSession, USERS, example, in_time, kill, output, until,
};

#[tokio::test]
async fn mcp_session_over_http_sse() {
    let server = Server::start("sse_server", &USERS).await;
    for (authorization, name) in [(ALICE, "alice"), (CI, "ci")] {
        let mut session = SseSession::open(&server.url, authorization).await;
        let listed = session.call("tools/list", json!({})).await;
        let tools = listed["result"]["tools"].as_array().unwrap();
        let mut tools: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        tools.sort_unstable();
        assert_eq!(tools, ["execute_command", "whoami"]);
        assert_eq!(session.tool("whoami", json!({})).await, (name.to_owned(), false));
        assert!(session.call("tools/call", json!({ "name": "none" })).await["error"].is_object());
    }
}

#[tokio::test]
async fn mcp_session_over_streamable_http() {
    let server = Server::start("streamable_server", &USERS).await;
    let url = format!("{}/mcp", server.url);
    for (authorization, name) in [(ALICE, "alice"), (CI, "ci")] {
        let client = connect(url.clone(), authorization).await.unwrap();
        let tools = in_time("the tools", client.list_all_tools()).await.unwrap();
        assert_eq!(tools.len(), 2);
        let whoami = in_time("whoami", client.call_tool(CallToolRequestParams::new("whoami")));
        let result = whoami.await.unwrap();
        assert_eq!(result.content[0].as_text().unwrap().text, name);
        client.cancel().await.unwrap();
    }
    for wrong in INVALID {
        let challenge = connect(url.clone(), wrong).await.unwrap_err();
        assert!(challenge.is_some_and(|c| c.starts_with("Bearer ")), "{wrong}");
    }
}

#[tokio::test]
async fn execute_command_reports_output_and_exit_status() {
    let server = Server::spawn(
        example("sse_server").args(["--port", "0"]).args(USERS).env("PASSWORD", "hunter2"),
    )
    .await;
    let mut session = SseSession::open(&server.url, ALICE).await;
    let mut sh = async |script: &str| {
        let arguments = json!({ "command": "sh", "args": ["-c", script] });
        session.tool("execute_command", arguments).await
    };
    let (text, error) = sh("echo out; echo err >&2").await;
    assert!(text.contains("out\n") && text.contains("stderr:\nerr\n"), "{text}");
    assert!(text.ends_with("exit status: 0") && !error, "{text}");
    let (text, error) = sh("exit 3").await;
    assert_eq!((&*text, error), ("exit status: 3", true));
    let (text, _) = sh("read line; echo \"[$line]\"").await;
    assert!(text.starts_with("[]"), "stdin is empty: {text}");
    let (text, _) = sh("head -c 1000000 /dev/zero").await;
    assert!(text.len() < 300_000 && text.contains("[737856 more bytes]"), "{}", text.len());
    let (text, _) = sh("env; echo end").await;
    assert!(!text.contains("hunter2") && text.contains("end"), "{text}");

    for command in ["/no/such/program", ""] {
        let (text, error) = session.tool("execute_command", json!({ "command": command })).await;
        assert!(error && text.contains("failed: "), "{text}");
    }
    let nul = json!({ "command": "echo", "args": ["\0"] });
    assert!(session.tool("execute_command", nul).await.1, "arguments cannot contain NUL");
    assert!(
        session.tool("execute_command", json!({ "args": [] })).await.1,
        "the command is missing"
    );
    // The server still works.
    assert_eq!(session.tool("whoami", json!({})).await.0, "alice");
}

#[tokio::test]
async fn running_command_blocks_nothing_and_ends_with_its_session() {
    let server = Server::start("sse_server", &USERS).await;
    let mut session = SseSession::open(&server.url, ALICE).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pid");
    let script = "echo $$ > \"$0.new\"; mv \"$0.new\" \"$0\"; exec sleep 1000";
    let arguments = json!({ "command": "sh", "args": ["-c", script, file] });
    let call = json!({ "name": "execute_command", "arguments": arguments });
    session.start_request("tools/call", call).await;
    until("the command is running", async || file.exists()).await;
    let pid = std::fs::read_to_string(&file).unwrap().trim().to_owned();
    std::fs::remove_file(&file).unwrap();
    let alive = || kill("0", &pid);
    assert_eq!(session.tool("whoami", json!({})).await.0, "alice");
    assert!(alive());
    drop(session); // disconnects
    until("the command is killed", async || !alive()).await;
}

#[tokio::test]
async fn example_client_calls_a_tool_or_prints_one_error_line() {
    let server = Server::start("streamable_server", &USERS).await;
    let url = format!("{}/mcp", server.url);
    let client = async |args: &[&str], variables: &[(&str, &str)]| {
        let output = output(example("client").args(args).envs(variables.iter().copied())).await;
        let [out, err] = [output.stdout, output.stderr].map(|b| String::from_utf8(b).unwrap());
        (output.status.code().unwrap(), out, err)
    };
    let (status, out, err) = client(&[&url, "--user", "alice:pass:word"], &[]).await;
    assert!(status == 0 && out.ends_with("\nalice\n") && err.is_empty(), "{out}{err}");
    assert!(out.contains("execute_command: "), "{out}");
    let token = ["--token", "dG9rZW4tb2YtdGhlLWNp"];
    assert!(client(&[&url, token[0], token[1]], &[]).await.1.ends_with("\nci\n"));
    let variables = [("TOKEN", token[1])];
    assert!(client(&[&url], &variables).await.1.ends_with("\nci\n"));
    let variables = [("USERNAME", "alice"), ("PASSWORD", "pass:word")];
    assert!(client(&[&url], &variables).await.1.ends_with("\nalice\n"));
    let echo = [&url, "--tool", "execute_command", "--args", r#"{"command":"echo","args":["hi"]}"#];
    assert!(client(&echo, &variables).await.1.contains("hi\n"));

    let unused = UnusedPort::reserve();
    let unreachable = format!("{}/mcp", unused.url());
    let nowhere = format!("{}/nowhere", server.url);
    for (args, word) in [
        (vec![&*url], "401"),
        (vec![&url, "--user", "alice:hunter2"], "401"),
        (vec![&url, "--token", "hunter2"], "401"),
        (vec![&unreachable, "--token", "hunter2"], "refused"),
        (vec![&nowhere, "--user", "alice:pass:word"], "404"),
        (vec![&url, "--user", "alice:pass:word", "--tool", "none"], "tool"),
        (
            vec![
                &url,
                "--user",
                "alice:pass:word",
                "--tool",
                "execute_command",
                "--args",
                r#"{"command":"false"}"#,
            ],
            "execute_command",
        ),
    ] {
        let (status, _, err) = client(&args, &[]).await;
        assert_eq!((status, err.lines().count()), (1, 1), "{args:?} {err}");
        assert!(err.contains(word) && !err.contains("hunter2"), "{args:?} {err}");
    }
}
