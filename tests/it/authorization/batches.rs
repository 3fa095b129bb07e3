//! Batches: all of a batch passes, or none of it.

use mcp_auth_layer::policy::Refusal;
use mcp_auth_layer::policy::authorize_fn;
use mcp_auth_layer::policy::{Call, Decision};

use super::*;

const NOT_EXECUTED: &str = "no message of the batch was executed, because one of them is refused";
const RESPONSE: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;

fn batch(messages: &[&str]) -> String {
    format!("[{}]", messages.join(","))
}

/// A call of a tool with this ID, or without one.
fn with_id(name: &str, id: Option<&str>) -> String {
    let id = id.map_or(String::new(), |id| format!(r#""id":{id},"#));
    tool(name).replace(r#""id":7,"#, &id)
}

/// Cases 76 and 77.
#[tokio::test]
async fn a_batch_with_one_refused_message_is_refused_as_a_whole() {
    let app = app();
    let search = with_id("search", Some("1"));
    let read = with_id("read_a", Some(r#""b""#));
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    app.passes(batch(&[&search])).await;
    app.passes(batch(&[&search, notification, RESPONSE, &read])).await;
    app.passes(format!("\r\n [ {search} , {read} ]")).await;

    let refused = with_id("delete", Some("2"));
    for messages in [
        [&refused, notification, &search, &read, RESPONSE],
        [&search, notification, &read, RESPONSE, &refused],
    ] {
        let response = app.not_forwarded(&sent(batch(&messages)), 200).await;
        let mut answers = vec![
            error(2, INVALID_PARAMS, &may_not_call("delete")),
            error(1, INVALID_REQUEST, NOT_EXECUTED),
            error("b", INVALID_REQUEST, NOT_EXECUTED),
        ];
        if messages[0] != refused {
            answers.rotate_left(1);
        }
        assert_eq!(json_of(&response), Value::from(answers));
    }
}

#[tokio::test]
async fn a_refused_batch_of_one_request_is_answered_with_an_array() {
    let app = app();
    let response = app.not_forwarded(&sent(batch(&[&tool("delete")])), 200).await;
    let answers = json!([error(ID, INVALID_PARAMS, &may_not_call("delete"))]);
    assert_eq!(json_of(&response), answers);
}

#[tokio::test]
async fn a_refused_notification_refuses_the_requests_of_its_batch() {
    let app = app();
    let notification = with_id("delete", None);
    app.passes(batch(&[&tool("search"), &with_id("search", None)])).await;
    let response = app.not_forwarded(&sent(batch(&[&tool("search"), &notification])), 200).await;
    assert_eq!(json_of(&response), json!([error(ID, INVALID_REQUEST, NOT_EXECUTED)]));
    // Without any request there is nothing to answer.
    let only_notifications = batch(&[&with_id("search", None), &notification, RESPONSE]);
    app.rejects(only_notifications, 403, INVALID_PARAMS).await;
}

/// Cases 78 and 79.
#[tokio::test]
async fn empty_batches_and_those_of_later_versions_are_rejected() {
    let app = app();
    let allowed = batch(&[&tool("search")]);
    for version in ["2024-11-05", "2025-03-26"] {
        app.passes(sent(allowed.clone()).with("mcp-protocol-version", version)).await;
    }
    for version in ["2025-06-18", "2025-11-25", "2026-07-28", "2030-01-01", ""] {
        let request = sent(allowed.clone()).with("mcp-protocol-version", version);
        app.rejects(request, 400, INVALID_REQUEST).await;
        app.passes(sent(tool("search")).with("mcp-protocol-version", version)).await;
    }
    let twice = sent(allowed).with("mcp-protocol-version", "2025-03-26");
    app.rejects(twice.and("mcp-protocol-version", "2025-03-26"), 400, INVALID_REQUEST).await;
    for empty in ["[]", " [ ] ", "[[]]", "[null]", "[1]"] {
        app.rejects(empty, 400, INVALID_REQUEST).await;
    }
    app.rejects(format!("[[{}]]", tool("search")), 400, INVALID_REQUEST).await;
    app.rejects(format!("[{},[{}]]", tool("search"), tool("search")), 400, INVALID_REQUEST).await;
    app.rejects(format!("[{},]", tool("search")), 400, PARSE_ERROR).await;
}

#[tokio::test]
async fn a_batch_has_at_most_100_messages() {
    let app = app();
    let messages = |count| vec![tool("search"); count].join(",");
    app.passes(format!("[{}]", messages(100))).await;
    app.rejects(format!("[{}]", messages(101)), 400, INVALID_REQUEST).await;
}

#[tokio::test]
async fn one_unreadable_message_rejects_its_batch() {
    let app = app();
    let twice = tool("search").replace(r#""name""#, r#""name":"delete","name""#);
    app.rejects(batch(&[&tool("search"), &twice]), 400, INVALID_REQUEST).await;
}

#[tokio::test]
async fn batches_are_refused_by_status_on_request() {
    let decide = |_: &Principal, call: &Call<'_>| {
        let name = call.targets()[0].name().to_owned();
        async move {
            match &*name {
                "search" => Decision::allowed(),
                "down" => Refusal::unavailable().into(),
                "arguments" => Refusal::arguments_refused().with_message("use q").into(),
                _ => Refusal::not_permitted().into(),
            }
        }
    };
    let app = App::new(layer().authorize(authorize_fn(decide)).refuse_by_status());
    let search = with_id("search", Some("1"));
    app.passes(batch(&[&search])).await;
    let unavailable = "authorization is unavailable; try again later";
    let text = json!([{"type": "text", "text": "use q"}]);
    let result = json!({"content": text, "isError": true});
    for (name, status, answer) in [
        ("delete", 403, error(ID, INVALID_PARAMS, &may_not_call("delete"))),
        ("arguments", 403, json!({"jsonrpc": "2.0", "id": ID, "result": result})),
        ("down", 503, error(ID, INTERNAL_ERROR, unavailable)),
    ] {
        let response = app.not_forwarded(&sent(batch(&[&search, &tool(name)])), status).await;
        assert_eq!(json_of(&response), json!([error(1, INVALID_REQUEST, NOT_EXECUTED), answer]));
    }
}
