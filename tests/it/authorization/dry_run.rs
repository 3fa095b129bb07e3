//! Policies that are only tried: everything passes, and the log says what would not.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::{StreamExt, stream};
use http_body::{Frame, SizeHint};
use mcp_auth_layer::policy::{Call, Decision, Policy};
use mcp_auth_layer::testing;
use tracing_subscriber::filter::LevelFilter;

use super::*;
use crate::support::log::Log;

fn tried(authorizer: impl Authorizer) -> App {
    App::new(layer().authorize(authorizer).dry_run())
}

/// The lines of the audit log, up to the level `info`.
fn audit_lines(log: &Log) -> Vec<String> {
    let lines = log.lines().into_iter();
    lines.filter(|line| line.contains("mcp_auth_layer::audit")).collect()
}

#[tokio::test]
async fn refused_calls_pass_and_are_logged() {
    let (log, _guard) = Log::start(LevelFilter::INFO);
    let app = tried(policy());
    app.passes(tool("search")).await;
    assert!(audit_lines(&log).is_empty());
    for (request, found) in [
        (tool("delete"), r#"kind="tool" name="delete""#),
        (call_without_params("vendor/x"), r#"kind="method""#),
        (tool("delete").replace(r#""id":7,"#, ""), r#"kind="tool" name="delete""#),
        (format!("[{},{}]", tool("search"), tool("delete")), r#"kind="tool" name="delete""#),
    ] {
        app.passes(request).await;
        let lines = audit_lines(&log);
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line = &lines[0];
        assert!(line.contains(r#"outcome="would_refuse""#) && line.contains(found), "{line}");
        assert!(line.contains("INFO") && line.contains("principal=ci"), "{line}");
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read_pass_and_are_logged() {
    let (log, _guard) = Log::start(LevelFilter::INFO);
    let app = tried(policy());
    let twice = tool("search").replace(r#""name""#, r#""name":"delete","name""#);
    for (request, cause) in [
        (sent("{"), "the body is not JSON"),
        (sent(&b"\xff"[..]), "the body is not UTF-8"),
        (sent(""), "the request has no body"),
        (sent(twice), "the member `name` is there twice"),
        (sent("x").with("content-type", "text/plain"), "the Content-Type must be"),
        (sent(tool("search")).with("mcp-name", "delete"), "the header field Mcp-Name"),
        (sent(vec![b' '; 5 * 1024 * 1024]), "its length is not known, or is above the limit"),
    ] {
        app.passes(request).await;
        let lines = audit_lines(&log);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("WARN") && lines[0].contains(cause), "{}", lines[0]);
        assert!(lines[0].contains(r#"outcome="would_reject""#), "{}", lines[0]);
    }
}

/// A layer that enforces the policy would reject it, whatever the condition says.
#[tokio::test]
async fn arguments_with_two_readings_pass_and_are_logged() {
    let (log, _guard) = Log::start(LevelFilter::INFO);
    let never_by_force = Policy::new().allow(
        principal("ci"),
        tools(["push"]).when(|call| call.argument::<bool>("force").is_none()),
    );
    let app = tried(never_by_force);
    app.passes(tool_with("push", "{}")).await;
    assert!(audit_lines(&log).is_empty());
    app.passes(tool_with("push", r#"{"force":true,"force":false}"#)).await;
    let lines = audit_lines(&log);
    assert!(lines.iter().any(|line| line.contains("would_reject")), "{lines:?}");
}

#[tokio::test]
async fn lists_are_not_filtered() {
    let app = App::new(layer().authorize(policy()).dry_run().danger_disable_session_binding());
    let list = call_without_params("tools/list");
    let response = app.send(sent(list.clone()).with("accept-encoding", "gzip")).await;
    assert_eq!(response.body, TOOL_LIST);
    let [(head, _)] = <[_; 1]>::try_from(app.inner.take()).unwrap();
    assert_eq!(head.headers["accept-encoding"], "gzip");
    let enforced = super::app().send(list).await;
    assert_eq!(json_of(&enforced)["result"], json!({"tools": [{"name": "search"}]}));
}

#[tokio::test(start_paused = true)]
async fn bodies_of_unknown_length_stream_through() {
    let app = tried(policy());
    let body = tool("delete");
    let pieces = stream::iter(body.clone().into_bytes()).then(|byte| async move {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        Ok::<_, Infallible>(Bytes::from(vec![byte]))
    });
    let request = sent("").request_of(Body::from_stream(pieces));
    assert_eq!(send(app.router.clone(), request).await.status, 200);
    app.received(&sent(body));
}

#[tokio::test]
async fn upgrades_to_another_protocol_are_not_prevented() {
    let unlimited = McpAuthLayer::new(testing::always("ci").boxed());
    let app = App::new(unlimited.authorize(policy()).dry_run());
    let upgrade = sent("").method(Method::GET).with("upgrade", "websocket");
    assert_eq!(app.passes(upgrade).await.headers["upgrade"], "websocket");
}

#[tokio::test(start_paused = true)]
async fn calls_pass_although_the_authorizer_fails() {
    struct Hanging;

    impl Authorizer for Hanging {
        async fn authorize(&self, _: &Principal, call: &Call<'_>) -> Decision {
            assert_ne!(call.targets()[0].name(), "panic");
            std::future::pending().await
        }
    }

    let (log, _guard) = Log::start(LevelFilter::INFO);
    let app = tried(Hanging);
    for (name, cause) in [("hang", "took too long"), ("panic", "panicked")] {
        app.passes(tool(name)).await;
        let lines = audit_lines(&log);
        assert!(lines[0].contains("\"unavailable\"") && lines[0].contains(cause), "{lines:?}");
    }
}

/// Nothing but the log depends on the policy, also if there is no memory left to read bodies.
#[tokio::test]
async fn bodies_beyond_the_budget_pass_unread() {
    let layer = layer().authorize(policy()).dry_run();
    let app = App::new(layer.max_verified_body(1000).max_verified_bodies_total(100));
    app.passes(tool_with("delete", &format!(r#"{{"q":"{}"}}"#, "x".repeat(800)))).await;
}

/// A body that says how long it is, and arrives in pieces.
struct Announced<B>(B, u64);

impl<B: http_body::Body + Unpin> http_body::Body for Announced<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.1)
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_that_stall_pass_with_what_was_read_of_them() {
    let (log, _guard) = Log::start(LevelFilter::INFO);
    let app = tried(policy());
    let body = tool("delete");
    for (pause, logged) in [(7, "would_refuse"), (20, "would_reject")] {
        let pieces: Vec<_> = body.as_bytes().chunks(40).map(Bytes::copy_from_slice).collect();
        let pieces = stream::iter(pieces).then(move |piece| async move {
            tokio::time::sleep(std::time::Duration::from_secs(pause)).await;
            Ok::<_, Infallible>(piece)
        });
        let announced = Announced(Body::from_stream(pieces), body.len() as u64);
        let request = sent("").request_of(Body::new(announced));
        assert_eq!(send(app.router.clone(), request).await.status, 200);
        app.received(&sent(body.clone()));
        let lines = audit_lines(&log);
        assert!(lines.len() == 1 && lines[0].contains(logged), "{lines:?}");
    }
}

#[tokio::test]
async fn credentials_are_still_required() {
    let app = tried(policy());
    assert_eq!(app.send(sent(tool("search")).without("authorization")).await.status, 401);
    assert_eq!(app.inner.take().len(), 0);
}
