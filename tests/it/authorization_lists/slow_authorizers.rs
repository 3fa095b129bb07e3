//! Authorizers that take their time, fail, panic or hang: a list waits, and is shown only as they say.

use std::future::pending;
use std::time::Duration;

use futures::StreamExt;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::channel::oneshot;
use mcp_auth_layer::Principal;
use mcp_auth_layer::policy::{Authorizer, Call, Decision, Refusal, Target, authorize_fn};
use serde_json::Value;

use super::{
    Client, JSON, LegacyServer, TOOLS_LIST, answering, call, layer, open, post, refusal,
    tools_answer,
};
use crate::support::send;

/// Refuses `delete`, and asks a test what is visible.
struct Asking(UnboundedSender<Question>);

struct Question {
    targets: Vec<String>,
    answer: oneshot::Sender<Result<Vec<bool>, Refusal>>,
}

impl Asking {
    fn new() -> (Self, UnboundedReceiver<Question>) {
        let (sender, questions) = unbounded();
        (Self(sender), questions)
    }
}

impl Authorizer for Asking {
    async fn authorize(&self, _: &Principal, call: &Call<'_>) -> Decision {
        let is_refused = call.targets().iter().any(|target| target.name() == "delete");
        if is_refused { Refusal::not_permitted().into() } else { Decision::allowed() }
    }

    async fn visible(&self, _: &Principal, targets: &[Target<'_>]) -> Result<Vec<bool>, Refusal> {
        let targets = targets.iter().map(ToString::to_string).collect();
        let (answer, answered) = oneshot::channel();
        self.0.unbounded_send(Question { targets, answer }).unwrap();
        answered.await.unwrap()
    }
}

/// How an authorizer fails that cannot say what is visible.
#[derive(Clone, Copy, Debug)]
enum Failure {
    Unavailable,
    NotPermitted,
    Panics,
    PanicsAtOnce,
    Hangs,
}

const FAILURES: [Failure; 5] = [
    Failure::Unavailable,
    Failure::NotPermitted,
    Failure::Panics,
    Failure::PanicsAtOnce,
    Failure::Hangs,
];

impl Authorizer for Failure {
    async fn authorize(&self, _: &Principal, _: &Call<'_>) -> Decision {
        Decision::allowed()
    }

    async fn visible(&self, _: &Principal, _: &[Target<'_>]) -> Result<Vec<bool>, Refusal> {
        match self {
            Self::Unavailable => Err(Refusal::unavailable().caused_by("hunter2 is down")),
            Self::NotPermitted => Err(Refusal::not_permitted()),
            Self::Panics | Self::PanicsAtOnce => panic!("the password is hunter2"),
            Self::Hangs => pending().await,
        }
    }

    fn visible_now(&self, _: &Principal, _: &[Target<'_>]) -> Option<Vec<bool>> {
        assert!(!matches!(self, Self::PanicsAtOnce), "the password is hunter2");
        None
    }
}

const UNAVAILABLE: &str = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"authorization is unavailable; try again later"}}"#;
const NOTIFICATION: &str = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n";

fn event(tools: &[&str]) -> String {
    format!("data: {}\n\n", tools_answer(tools))
}

#[tokio::test]
async fn later_events_wait_for_a_list_in_their_order() {
    let (asking, mut questions) = Asking::new();
    let server = LegacyServer::new("/messages/?session_id=6f1c");
    let app = server.behind(layer(asking));
    let (mut client, target) = open(&app, "ci").await;
    let lists = [event(&["a", "b"]), event(&["c", "d"])];
    server.send([NOTIFICATION, &*lists[0], NOTIFICATION, &*lists[1], ": comment\n"].concat());
    assert_eq!(client.text().await, NOTIFICATION);
    server.send(": later\n");
    send(app, post("ci", &target, call("delete", 1))).await;
    assert_eq!(client.text().await, "", "it waits for the list");

    let first = questions.next().await.unwrap();
    assert_eq!(first.targets, ["tool `a`", "tool `b`"]);
    first.answer.send(Ok(vec![false, true])).unwrap();
    assert_eq!(client.text().await, event(&["b"]) + NOTIFICATION);
    let second = questions.next().await.unwrap();
    assert_eq!(second.targets, ["tool `c`", "tool `d`"]);
    second.answer.send(Ok(vec![true, false])).unwrap();
    let rest = event(&["c"]) + ": comment\n" + &refusal("delete", 1) + ": later\n";
    assert_eq!(client.text().await, rest);
}

#[tokio::test]
async fn a_json_answer_waits_for_the_authorizer() {
    let (asking, mut questions) = Asking::new();
    let app = answering(layer(asking), || ([JSON], tools_answer(&["a", "b"])));
    let response = tokio::spawn(send(app, post("ci", "/mcp", TOOLS_LIST)));
    let question = questions.next().await.unwrap();
    assert!(!response.is_finished());
    question.answer.send(Ok(vec![true, false])).unwrap();
    let response = response.await.unwrap();
    assert_eq!((response.status.as_u16(), response.body), (200, tools_answer(&["a"])));
}

#[tokio::test]
async fn what_the_authorizer_says_nothing_about_is_not_shown() {
    for (visible, shown) in [
        (vec![], &[][..]),
        (vec![true], &["a"]),
        (vec![false, true], &["b"]),
        (vec![true, true, true], &["a", "b", "c"]),
        (vec![true, true, true, true, true], &["a", "b", "c"]),
    ] {
        let (asking, mut questions) = Asking::new();
        let server = LegacyServer::new("/messages/?session_id=6f1c");
        let app = server.behind(layer(asking));
        let (mut client, _) = open(&app, "ci").await;
        server.send(event(&["a", "b", "c"]));
        assert_eq!(client.text().await, "");
        questions.next().await.unwrap().answer.send(Ok(visible)).unwrap();
        assert_eq!(client.text().await, event(shown));
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_decided_is_an_error_with_its_id() {
    for failure in FAILURES {
        let app = answering(layer(failure), || ([JSON], tools_answer(&["search"])));
        let response = send(app, post("ci", "/mcp", TOOLS_LIST)).await;
        assert_eq!((response.status.as_u16(), &*response.body), (200, UNAVAILABLE), "{failure:?}");
        assert_eq!(response.headers["content-type"], "application/json");
        assert_eq!(response.headers["content-length"], UNAVAILABLE.len().to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_cannot_be_decided_has_an_error_for_each_answer() {
    const BATCH: &str = r#"[{"jsonrpc":"2.0","id":"a","method":"tools/list"},{"jsonrpc":"2.0","id":2,"method":"prompts/list"}]"#;
    const ANSWER: &str = r#"[{"jsonrpc":"2.0","id":"a","result":{"tools":[]}},{"jsonrpc":"2.0","id":2,"result":{"prompts":[{"name":"search"}]}}]"#;
    for failure in FAILURES {
        let app = answering(layer(failure), || ([JSON], ANSWER));
        let response = send(app, post("ci", "/mcp", BATCH)).await;
        let answers: Vec<Value> = serde_json::from_str(&response.body).unwrap();
        let ids: Vec<_> = answers.iter().map(|answer| &answer["id"]).collect();
        assert_eq!(ids, [&Value::from("a"), &Value::from(2)]);
        assert!(answers.iter().all(|answer| answer["error"]["code"] == -32603), "{failure:?}");
        assert!(!response.body.contains("search"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_after_a_list_that_cannot_be_decided() {
    for failure in FAILURES {
        let server = LegacyServer::new("/messages/?session_id=6f1c");
        let app = server.behind(layer(failure).authenticator_timeout(Duration::from_secs(3)));
        let (client, _) = open(&app, "ci").await;
        server.send(NOTIFICATION.to_owned() + &event(&["search"]) + NOTIFICATION);
        let expected = format!("{NOTIFICATION}data: {UNAVAILABLE}\n\n{NOTIFICATION}");
        assert_eq!(wait_for(client, expected.len()).await, expected, "{failure:?}");
    }
}

/// Returns what a client receives until it has so many bytes.
async fn wait_for(client: Client, length: usize) -> String {
    use http_body_util::BodyExt;
    let mut body = client.0;
    let mut text = String::new();
    while text.len() < length {
        let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
        text += str::from_utf8(&data).unwrap();
    }
    text
}

/// What a call is refused for by its arguments can be called with others.
#[tokio::test]
async fn a_function_decides_about_elements_without_arguments() {
    async fn decide(_: &Principal, call: &Call<'_>) -> Result<(), Refusal> {
        tokio::task::yield_now().await;
        match call.targets().first().map(|target| target.name()) {
            Some("search") | None => Ok(()),
            Some("write") if call.argument::<String>("to").is_none() => {
                Err(Refusal::arguments_refused())
            }
            Some("down") => Err(Refusal::unavailable()),
            Some(_) => Err(Refusal::not_permitted()),
        }
    }
    let answer = async |tools: &'static [&'static str]| {
        let app = answering(layer(authorize_fn(decide)), move || ([JSON], tools_answer(tools)));
        send(app, post("ci", "/mcp", TOOLS_LIST)).await.body
    };
    assert_eq!(answer(&["search", "delete", "write"]).await, tools_answer(&["search", "write"]));
    assert_eq!(answer(&["search", "delete", "down"]).await, UNAVAILABLE);
    assert_eq!(answer(&["delete"]).await, tools_answer(&[]));
}

/// The rest of the stream is not kept for a client that has gone.
#[tokio::test]
async fn a_client_may_go_while_its_list_is_decided() {
    let (asking, mut questions) = Asking::new();
    let server = LegacyServer::new("/messages/?session_id=6f1c");
    let app = server.behind(layer(asking));
    let (mut client, target) = open(&app, "ci").await;
    server.send(event(&["a"]));
    assert_eq!(client.text().await, "");
    drop(client);
    let question = questions.next().await.unwrap();
    let answered = question.answer.send(Ok(vec![true]));
    assert!(answered.is_err(), "the question is dropped with the stream");
    let refused = send(app, post("ci", &target, call("delete", 1))).await;
    assert_eq!(refused.status, 403);
}
