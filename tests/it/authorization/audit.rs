//! The audit log and the counter of decisions.

use mcp_auth_layer::policy::{Call, Decision, Policy, Refusal, authorize_fn};
use metrics_exporter_prometheus::PrometheusBuilder;
use tracing_subscriber::filter::LevelFilter;

use super::*;
use crate::support::log::Log;

/// The lines of the audit log.
fn audit_lines(log: &Log) -> Vec<String> {
    let lines = log.lines().into_iter();
    lines.filter(|line| line.contains(" mcp_auth_layer::audit: ")).collect()
}

/// The only line of the audit log.
fn audit_line(log: &Log) -> String {
    let [line] = <[_; 1]>::try_from(audit_lines(log)).expect("one line");
    line
}

#[tokio::test]
async fn every_decision_is_an_event() {
    let (log, _guard) = Log::start(LevelFilter::DEBUG);
    let app = app();
    for (request, expected) in [
        (
            sent(tool("search")),
            r#"DEBUG mcp_auth_layer::audit: decision principal=ci method=tools/call kind="tool" name="search" outcome="allowed" rule=rule 1"#,
        ),
        (
            sent(tool("delete")),
            r#"INFO mcp_auth_layer::audit: decision principal=ci method=tools/call kind="tool" name="delete" outcome="not_permitted""#,
        ),
        (
            sent(tool("x_internal")).by(ALICE),
            r#"INFO mcp_auth_layer::audit: decision principal=alice method=tools/call kind="tool" name="x_internal" outcome="not_permitted" rule=rule 6"#,
        ),
        (
            sent(tool("search")).by(CI_OF_ISSUER),
            r#"INFO mcp_auth_layer::audit: decision principal=ci issuer="https://id.example.com" method=tools/call kind="tool" name="search" outcome="not_permitted""#,
        ),
        (
            sent(resource("docs://a")),
            r#"DEBUG mcp_auth_layer::audit: decision principal=ci method=resources/read kind="resource" name="docs://a" outcome="allowed" rule=rule 3"#,
        ),
        (
            sent(call_without_params("ping")),
            r#"DEBUG mcp_auth_layer::audit: decision principal=ci method=ping kind="method" outcome="allowed""#,
        ),
        (
            sent(call_without_params("vendor/x")),
            r#"INFO mcp_auth_layer::audit: decision principal=ci method=vendor/x kind="method" outcome="not_permitted""#,
        ),
    ] {
        app.send(request).await;
        let line = audit_line(&log);
        assert!(line.ends_with(expected), "{line}");
    }
}

#[tokio::test]
async fn the_event_names_the_target_that_is_refused() {
    let (log, _guard) = Log::start(LevelFilter::INFO);
    let app = app();
    let uris = json!(["docs://a", "file:///b", "docs://c"]);
    let notifications = json!({"resourceSubscriptions": uris});
    app.send(call("subscriptions/listen", json!({"notifications": notifications}))).await;
    let line = audit_line(&log);
    assert!(line.contains(r#"kind="resource" name="file:///b""#), "{line}");
}

#[tokio::test]
async fn messages_of_a_batch_are_events_of_their_own() {
    let (log, _guard) = Log::start(LevelFilter::DEBUG);
    let app = app();
    let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    app.send(format!("[{},{response},{}]", tool("search"), tool("delete"))).await;
    let lines = audit_lines(&log);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains(r#"name="search""#) && lines[1].contains(r#"name="delete""#));
}

#[tokio::test]
async fn names_in_the_audit_log_are_escaped_and_cut() {
    let (log, _guard) = Log::start(LevelFilter::DEBUG);
    let app = app();
    let name = format!("a\r\nprincipal=alice\u{1b}[31m\u{202e}{}", "x".repeat(10_000));
    for (request, field) in [
        (tool(&name), r#"name="a\r\nprincipal=alice\u{1b}[31m\u{202e}xxx"#),
        (call(&name, json!({})), r"method=a\r\nprincipal=alice\u{1b}[31m\u{202e}xxx"),
    ] {
        app.send(request).await;
        let line = audit_line(&log);
        assert!(line.contains(field), "{line}");
        assert!(line.contains(&format!("({} bytes)", name.len())), "{line}");
        assert!(line.len() < 1500, "{line}");
    }
}

#[tokio::test]
async fn messages_that_are_not_read_leave_no_audit_events() {
    let (log, _guard) = Log::start(LevelFilter::TRACE);
    App::with_policy(policy_without_deny()).passes(sent(tool("delete")).by(ALICE)).await;
    App::new(layer()).passes(tool("delete")).await;
    assert!(audit_lines(&log).is_empty());
}

#[tokio::test]
async fn refused_arguments_are_an_outcome_and_not_logged() {
    let (log, _guard) = Log::start(LevelFilter::TRACE);
    let policy = Policy::new().allow(principal("ci"), tools(["execute"]).when(|_| false));
    let app = App::with_policy(policy);
    app.send(tool_with("execute", r#"{"command":"hunter2"}"#)).await;
    let lines = log.lines();
    let line = lines.iter().find(|line| line.contains("::audit")).expect("a line");
    assert!(line.contains(r#"outcome="arguments_refused" rule=rule 1"#), "{line}");
    assert!(lines.iter().all(|line| !line.contains("hunter2")), "{lines:?}");
}

#[tokio::test]
async fn decisions_are_counted_by_outcome_and_kind() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let app = app();
    for request in [
        tool("search"),
        tool("read_a"),
        tool("delete"),
        prompt("review"),
        resource("file:///a"),
        call_without_params("ping"),
        call_without_params("vendor/x"),
    ] {
        app.send(request).await;
    }
    let decide = |_: &Principal, call: &Call<'_>| {
        let is_down = call.targets().iter().any(|target| target.name() == "down");
        let refusal = if is_down { Refusal::unavailable() } else { Refusal::arguments_refused() };
        async move { Decision::from(refusal) }
    };
    let failing = App::with_policy(authorize_fn(decide));
    failing.send(tool("down")).await;
    failing.send(tool("execute")).await;
    App::new(layer().authorize(policy()).dry_run()).send(tool("delete")).await;

    let text = metrics.render();
    for (outcome, kind, count) in [
        ("allowed", "tool", 2),
        ("not_permitted", "tool", 1),
        ("allowed", "prompt", 1),
        ("not_permitted", "resource", 1),
        ("allowed", "method", 1),
        ("not_permitted", "method", 1),
        ("unavailable", "tool", 1),
        ("arguments_refused", "tool", 1),
        ("would_refuse", "tool", 1),
    ] {
        let line =
            format!("mcp_auth_decisions_total{{outcome=\"{outcome}\",kind=\"{kind}\"}} {count}\n");
        assert!(text.contains(&line), "{line}{text}");
    }
    for named in ["search", "delete", "vendor", "alice", "ci\""] {
        assert!(!text.contains(named), "{named}: {text}");
    }
    // A refused request is one of the outcomes of requests, too.
    let refused = r#"mcp_auth_requests_total{scheme="Bearer",outcome="refused",reason=""} 5"#;
    assert!(text.contains(refused), "{text}");
}
