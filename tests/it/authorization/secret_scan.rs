//! Arguments of calls may be secrets: they are neither logged, nor counted, nor sent back. Case 137.

use mcp_auth_layer::policy::{Call, Decision};
use mcp_auth_layer::policy::{Policy, Refusal, authorize_fn};
use metrics_exporter_prometheus::PrometheusBuilder;
use tracing_subscriber::filter::LevelFilter;

use super::*;
use crate::support::log::Log;

const SECRET: &str = "correct-horse-battery";

/// Requests with the secret in their arguments, or where a message has no meaning.
fn requests() -> Vec<Sent> {
    let arguments = format!(r#"{{"password":"{SECRET}"}}"#);
    let twice = format!(r#"{{"password":"{SECRET}","password":"{SECRET}"}}"#);
    let unlike = format!(r#"{{"password":{{"{SECRET}":1,"{SECRET}":2}}}}"#);
    let cut = format!("{}\u{0}", tool_with("search", &arguments));
    let mut invalid = tool_with("search", &arguments).into_bytes();
    invalid.push(0xff);
    let bodies = ["search", "delete", "login", "down", "panic"];
    let mut requests: Vec<Sent> =
        bodies.into_iter().map(|name| sent(tool_with(name, &arguments))).collect();
    requests.extend([
        sent(tool_with("login", &twice)),
        sent(tool_with("login", &unlike)),
        sent(cut),
        sent(invalid),
        sent(SECRET),
        sent(format!(r#"{{"{SECRET}":1}}"#)),
        sent(call("ping", json!([SECRET]))),
        sent(call("tools/call", json!({"Name": SECRET, "name": "search"}))),
        sent(call("completion/complete", json!({"ref": {"type": SECRET}}))),
        sent(call("vendor/x", json!({"password": SECRET}))),
        sent(call("prompts/get", json!({"name": "secret", "arguments": {"a": SECRET}}))),
        sent(format!("[{},{}]", tool("search"), tool_with("delete", &arguments))),
        sent(tool_with("delete", &arguments).replace(r#""id":7,"#, "")),
        sent(tool_with("search", &arguments)).with("content-type", "text/plain"),
        sent(tool_with("search", &arguments)).with("mcp-name", SECRET),
    ]);
    requests
}

#[tokio::test]
async fn arguments_are_not_in_logs_metrics_or_responses() {
    let (log, _guard) = Log::start(LevelFilter::TRACE);
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _recorded = metrics::set_default_local_recorder(&recorder);
    let decide = |_: &Principal, call: &Call<'_>| {
        let name = call.targets().first().map(|target| target.name().to_owned());
        let is_right = call.argument::<String>("password").as_deref() == Some("right");
        async move {
            match name.as_deref() {
                Some("login") if !is_right => Decision::from(Refusal::arguments_refused()),
                Some("down") => Refusal::unavailable().caused_by("it is down").into(),
                Some("panic") => panic!("it panics"),
                _ => Refusal::not_permitted().into(),
            }
        }
    };
    let rules = Policy::new().allow(
        principal("ci"),
        tools(["login"])
            .when(|call| call.argument::<String>("password").as_deref() == Some("right")),
    );
    let layers = [
        layer().authorize(policy()),
        layer().authorize(authorize_fn(decide)).refuse_by_status(),
        layer().authorize(rules.clone()),
        layer().authorize(rules).dry_run(),
        layer().authorize(authorize_fn(decide)).dry_run(),
    ];
    let mut shown = String::new();
    let mut statuses = std::collections::BTreeSet::new();
    for layer in layers {
        shown += &format!("{layer:?}\n");
        let app = App::new(layer);
        for request in requests() {
            let response = app.send(request).await;
            statuses.insert(response.status.as_u16());
            shown += &format!("{:?}\n{}\n", response.headers, response.body);
        }
    }
    let lines = log.lines();
    shown += &lines.join("\n");
    shown += &metrics.render();
    // All of this happened, so the scan had something to search.
    assert!(
        [200, 400, 403, 415, 503].iter().all(|status| statuses.contains(status)),
        "{statuses:?}"
    );
    for what in [
        r#"outcome="not_permitted""#,
        r#"outcome="arguments_refused""#,
        r#"outcome="unavailable""#,
        r#"outcome="would_refuse""#,
        r#"outcome="would_reject""#,
        r#"reason="bad_request""#,
        "mcp_auth_decisions_total",
        "it is down",
    ] {
        assert!(shown.contains(what), "{what}");
    }
    let found = shown.lines().find(|line| line.contains(SECRET) || line.contains("horse"));
    assert_eq!(found, None);
}
