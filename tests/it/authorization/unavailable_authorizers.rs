//! Authorizers that panic, hang or are down: the call is refused, and the session goes on.

use std::future::pending;
use std::time::Duration;

use mcp_auth_layer::policy::{Call, Decision, Policy, Refusal};
use tracing_subscriber::filter::LevelFilter;

use super::*;
use crate::support::log::Log;

const UNAVAILABLE: &str = "authorization is unavailable; try again later";
const LIMIT: Duration = Duration::from_secs(3);

/// Fails for some tools, and allows everything else.
struct Failing;

impl Authorizer for Failing {
    #[allow(clippy::manual_async_fn, reason = "to panic before there is a future")]
    fn authorize(&self, _: &Principal, call: &Call<'_>) -> impl Future<Output = Decision> + Send {
        let tool = call.targets().first().map(|target| target.name().to_owned());
        assert_ne!(tool.as_deref(), Some("panic_early"), "the password is hunter2");
        async move {
            match tool.as_deref() {
                Some("panic") => panic!("the password is hunter2"),
                Some("hang") => pending().await,
                Some("slow") => tokio::time::sleep(LIMIT - Duration::from_secs(1)).await,
                Some("down") => {
                    return Refusal::unavailable().caused_by("no route to hunter2").into();
                }
                _ => {}
            }
            Decision::allowed()
        }
    }

    fn authorize_now(&self, _: &Principal, call: &Call<'_>) -> Option<Decision> {
        let is_early = call.targets().first().is_some_and(|target| target.name() == "panic_now");
        assert!(!is_early, "the password is hunter2");
        None
    }
}

const FAILURES: [&str; 5] = ["panic", "panic_early", "panic_now", "hang", "down"];

fn failing_layer() -> McpAuthLayer<BoxAuthenticator> {
    layer().authorize(Failing).authenticator_timeout(LIMIT)
}

/// Cases 104 to 106.
#[tokio::test(start_paused = true)]
async fn a_failing_authorizer_refuses_the_call_and_keeps_the_session() {
    let app = App::new(failing_layer());
    let session = app.open_session(CI).await;
    let in_session = |name: &str| sent(tool(name)).with("mcp-session-id", &session);
    for name in FAILURES {
        app.refuses(in_session(name), INTERNAL_ERROR, UNAVAILABLE).await;
        assert_eq!(app.passes(in_session("search")).await.headers[SESSION], "s1", "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hanging_authorizer_is_given_the_time_of_an_authenticator() {
    let app = App::new(failing_layer());
    app.passes(tool("slow")).await;
    let started = tokio::time::Instant::now();
    app.refuses(tool("hang"), INTERNAL_ERROR, UNAVAILABLE).await;
    assert_eq!(started.elapsed().as_secs(), LIMIT.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_failing_authorizer_is_503_on_request_and_for_notifications() {
    let app = App::new(failing_layer().refuse_by_status());
    for name in FAILURES {
        let response = app.not_forwarded(&sent(tool(name)), 503).await;
        assert_eq!(json_of(&response), error(ID, INTERNAL_ERROR, UNAVAILABLE), "{name}");
    }
    let app = App::new(failing_layer());
    for name in FAILURES {
        let notification = tool(name).replace(r#""id":7,"#, "");
        app.rejects(notification, 503, INTERNAL_ERROR).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_authorizer_refuses_every_message_of_a_batch() {
    let app = App::new(failing_layer());
    for name in FAILURES {
        let batch = format!("[{},{}]", tool("search").replace('7', "1"), tool(name));
        let response = app.not_forwarded(&sent(batch), 200).await;
        let answers = json_of(&response);
        assert_eq!(answers[1], error(ID, INTERNAL_ERROR, UNAVAILABLE), "{name}");
        assert_eq!((&answers[0]["id"], answers.as_array().unwrap().len()), (&json!(1), 2));
        assert!(answers[0]["error"]["code"].is_i64(), "{answers}");
    }
}

#[tokio::test(start_paused = true)]
async fn failures_are_logged_as_errors_and_their_causes_are_not_sent() {
    let (log, _guard) = Log::start(LevelFilter::INFO);
    let app = App::new(failing_layer());
    for (name, cause) in [
        ("panic", "the authorizer panicked"),
        ("panic_now", "the authorizer panicked"),
        ("hang", "the authorizer took too long"),
        ("down", "no route to hunter2"),
    ] {
        let response = app.not_forwarded(&sent(tool(name)), 200).await;
        assert!(!response.body.contains("hunter2") && !response.body.contains(cause), "{name}");
        let lines = log.lines();
        let line = lines.iter().find(|line| line.contains("unavailable")).expect("a line");
        assert!(line.contains("ERROR") && line.contains(cause), "{line}");
        assert!(!line.contains("password"), "{line}");
    }
}

#[tokio::test]
async fn a_condition_that_panics_refuses_the_call() {
    let policy = Policy::new()
        .allow(principal("ci"), tools(["search"]))
        .allow(principal("ci"), tools(["execute"]).when(|_| panic!("hunter2")));
    let app = App::with_policy(policy);
    app.passes(tool("search")).await;
    app.refuses(tool("execute"), INTERNAL_ERROR, UNAVAILABLE).await;
}

/// Panics when it is asked whether a principal is unrestricted.
struct PanickingShortcut;

impl Authorizer for PanickingShortcut {
    async fn authorize(&self, _: &Principal, call: &Call<'_>) -> Decision {
        match call.targets() {
            [target] if target.name() == "search" => Decision::allowed(),
            _ => Refusal::not_permitted().into(),
        }
    }

    fn is_unrestricted(&self, _: &Principal) -> bool {
        panic!("hunter2")
    }
}

#[tokio::test]
async fn a_principal_is_restricted_if_the_question_panics() {
    let app = App::with_policy(PanickingShortcut);
    app.passes(tool("search")).await;
    app.refuses(tool("delete"), INVALID_PARAMS, &may_not_call("delete")).await;
}
