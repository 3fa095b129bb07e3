//! What it costs to read a message strictly, and to filter a list, beside reading them into `serde_json::Value`.
//!
//! ```sh
//! cargo bench --bench policy
//! ```

#[allow(dead_code, unreachable_pub)]
#[path = "../src/event_stream.rs"]
mod event_stream;
#[allow(dead_code)] // the parts that measure services
mod harness;
#[allow(dead_code, unreachable_pub, unused_imports)]
#[path = "../src/json.rs"]
mod json;
#[path = "harness/policy_parts.rs"]
mod policy;
#[allow(dead_code)]
#[path = "../src/text.rs"]
mod text;

use harness::{contender, measure, measuring};
use http::Request;
use http::request::Parts;
use policy::lists::Lists;
use policy::lists::classifier::{Classifier, Verdict};
use policy::message::read_messages;
use serde_json::{Value, json};

fn main() {
    let rounds = if measuring() { 2000 } else { 1 };
    messages(rounds);
    lists(rounds);
    events(rounds);
}

fn messages(rounds: usize) {
    let call = |arguments: Value| {
        json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call",
            "params": {"name": "search", "arguments": arguments, "_meta": {"progressToken": 7}}})
    };
    let objects = |count: usize| {
        let object = json!({"a": 1, "b": [true, null], "name": "some text", "d": {"e": 1.5}});
        call(json!({"list": vec![object; count]}))
    };
    let modern = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {
        "name": "search", "arguments": {"query": "authorization", "limit": 10},
        "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "some-client", "version": "1.27.0"},
            "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}, "sampling": {}}}}});
    for (name, message) in [
        ("a call", call(json!({"query": "authorization", "limit": 10}))),
        ("a call of version 2026-07-28", modern),
        ("a call with a long string", call(json!({"text": "x".repeat(65_400)}))),
        ("a call with many objects", objects(1040)),
        ("a list request", json!({"jsonrpc": "2.0", "id": 7, "method": "tools/list"})),
    ] {
        let body = message.to_string();
        let (head, body) = (head(), body.as_bytes());
        let read = || read_messages(&head, "/mcp", body).expect("it passes").expect("a body");
        measure(
            &format!("{name}, {} bytes", body.len()),
            rounds,
            vec![
                contender("read strictly", || (), |()| read()),
                contender("serde_json::Value", || (), |()| serde_json::from_slice::<Value>(body)),
            ],
        );
    }
}

fn head() -> Parts {
    let request = Request::post("/mcp")
        .header("host", "127.0.0.1:8000")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-11-25")
        .header("user-agent", "some-client/1.27.0");
    request.body(()).expect("a valid request").into_parts().0
}

/// A list of tools of about 400 bytes each.
fn list(tools: usize) -> String {
    let tool = |number| {
        json!({"name": format!("tool_{number}"), "description": "Does something that is useful. ".repeat(4),
            "inputSchema": {"type": "object", "required": ["query"], "properties": {
                "query": {"type": "string", "description": "What to look for."},
                "limit": {"type": "integer", "minimum": 1, "maximum": 100}}}})
    };
    let tools: Vec<_> = (0..tools).map(tool).collect();
    json!({"jsonrpc": "2.0", "id": 7, "result": {"tools": tools, "nextCursor": "2"}}).to_string()
}

fn lists(rounds: usize) {
    for tools in [20, 200] {
        let answer = list(tools);
        let filter = || {
            let lists = Lists::read(answer.as_bytes()).expect("it is a list");
            let targets = lists.targets().iter();
            let visible: Vec<_> = targets.map(|target| !target.name().ends_with('3')).collect();
            lists.filtered(&visible).expect("some are cut")
        };
        let by_value = || {
            let mut value: Value = serde_json::from_str(&answer).expect("it is JSON");
            let tools = value["result"]["tools"].as_array_mut().expect("it is a list");
            tools.retain(|tool| tool["name"].as_str().is_some_and(|name| !name.ends_with('3')));
            value.to_string()
        };
        measure(
            &format!("{tools} tools, {} bytes", answer.len()),
            rounds / 4 + 1,
            vec![
                contender("filtered", || (), |()| filter()),
                contender("by serde_json::Value", || (), |()| by_value()),
            ],
        );
    }
}

fn events(rounds: usize) {
    let text = "x".repeat(1000);
    let result =
        json!({"jsonrpc": "2.0", "id": 7, "result": {"content": [{"type": "text", "text": text}]}});
    // As SDKs send it: `json!` sorts members.
    let result = result.to_string();
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}"#;
    let classify = |data: &str| Classifier::new().push(data.as_bytes());
    assert_eq!([classify(&result), classify(progress)], [Verdict::Passing; 2]);
    measure(
        "an event",
        rounds,
        vec![
            contender("a result, classified", || (), |()| classify(&result)),
            contender("a notification, classified", || (), |()| classify(progress)),
        ],
    );
}
