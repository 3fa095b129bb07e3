//! Responses to list requests that cannot be read: nothing of them is sent.

use std::io;

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use tracing_subscriber::filter::LevelFilter;

use super::{
    EVENT_STREAM, JSON, TOOLS_LIST, answering, call, get_stream, layer, policy, post, tools_answer,
};
use crate::support::log::Log;
use crate::support::{TestResponse, send};

const LIST: &str =
    r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"search"},{"name":"delete"}]}}"#;
const FILTERED: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"search"}]}}"#;

type Fields = &'static [(&'static str, &'static str)];

fn response(status: u16, fields: Fields, body: impl Into<Body>) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

/// What `ci` is answered to a list request, if the server answers so.
async fn answer(status: u16, fields: Fields, body: impl Into<Vec<u8>>) -> TestResponse {
    let body = body.into();
    let app = answering(layer(policy()), move || response(status, fields, body.clone()));
    send(app, post("ci", "/mcp", TOOLS_LIST)).await
}

#[track_caller]
fn assert_withheld(response: &TestResponse) {
    assert_eq!(response.status, 502);
    assert_eq!(response.message(), "the server's response cannot be protected");
    assert!(!response.body.contains("search") && !response.body.contains("delete"));
    for name in ["content-encoding", "content-range", "etag"] {
        assert!(!response.headers.contains_key(name));
    }
}

#[tokio::test]
async fn an_encoded_list_is_withheld() {
    for coding in ["gzip", "br", "identity, gzip", "x-unknown"] {
        let fields: Fields = vec![JSON, ("content-encoding", coding)].leak();
        assert_withheld(&answer(200, fields, LIST).await);
    }
    let plain = answer(200, &[JSON, ("content-encoding", "identity")], LIST).await;
    assert_eq!((plain.status.as_u16(), &*plain.body), (200, FILTERED));
}

#[tokio::test]
async fn a_list_of_another_media_type_is_withheld() {
    for kind in [
        "text/html",
        "text/plain",
        "application/json-seq",
        "application/json; charset=utf-16",
        "application/json; charset=utf-7",
        "application/json, text/event-stream",
        "multipart/mixed",
        "",
    ] {
        let fields: Fields = vec![("content-type", kind)].leak();
        assert_withheld(&answer(200, fields, LIST).await);
    }
    assert_withheld(&answer(200, &[], LIST).await);
    for kind in ["application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\""] {
        let fields: Fields = vec![("content-type", kind)].leak();
        let plain = answer(200, fields, LIST).await;
        assert_eq!((plain.status.as_u16(), &*plain.body), (200, FILTERED), "{kind}");
        assert_eq!(plain.headers["content-type"], kind);
    }
}

/// A client that reads the other type than the layer would see the whole list.
#[tokio::test]
async fn a_response_of_two_media_types_is_withheld() {
    assert_withheld(&answer(200, &[JSON, JSON], LIST).await);
    assert_withheld(&answer(200, &[JSON, EVENT_STREAM], LIST).await);
    assert_withheld(&answer(200, &[EVENT_STREAM, JSON], LIST).await);
    assert_eq!(answer(200, &[EVENT_STREAM], format!("data: {LIST}\n\n")).await.status, 200);
}

#[tokio::test]
async fn a_part_of_a_list_is_withheld() {
    let part: Fields = &[JSON, ("content-range", "bytes 0-20/40")];
    assert_withheld(&answer(206, part, LIST).await);
    assert_withheld(&answer(206, &[JSON], LIST).await);
    assert_withheld(&answer(200, part, LIST).await);
    assert_eq!(answer(200, &[JSON], LIST).await.status, 200);
}

/// It may begin within a line of data, which is no line of data then.
#[tokio::test]
async fn a_part_of_an_event_stream_is_withheld() {
    let rest = &format!("data: {LIST}\n\n")[20..];
    let part: Fields = &[EVENT_STREAM, ("content-range", "bytes 20-40/*")];
    for (status, fields) in [(206, part), (206, &[EVENT_STREAM][..]), (200, part)] {
        assert_withheld(&answer(status, fields, rest).await);
        let rest = rest.to_owned();
        let app = answering(layer(policy()), move || response(status, fields, rest.clone()));
        assert_withheld(&send(app, get_stream("ci", "/mcp")).await);
    }
    assert_eq!(answer(200, &[EVENT_STREAM], "data: 1\n\n").await.status, 200);
}

#[tokio::test]
async fn an_encoded_event_stream_is_withheld() {
    let fields: Fields = &[EVENT_STREAM, ("content-encoding", "gzip")];
    for layer in [layer(policy()), layer(policy()).danger_disable_session_binding()] {
        let app = answering(layer, move || response(200, fields, LIST));
        assert_withheld(&send(app.clone(), post("ci", "/mcp", TOOLS_LIST)).await);
        assert_withheld(&send(app, get_stream("ci", "/mcp")).await);
    }
}

#[tokio::test]
async fn a_list_may_have_as_many_bytes_as_the_limit() {
    let long = |length: usize| {
        let empty = tools_answer(&["search"]).len();
        tools_answer(&["search"]) + &" ".repeat(length - empty)
    };
    assert_withheld(&answer(200, &[JSON], long(5 * 1024 * 1024)).await);
    assert_withheld(&answer(200, &[JSON], long(4 * 1024 * 1024 + 1)).await);
    assert_eq!(answer(200, &[JSON], long(4 * 1024 * 1024)).await.status, 200);
    let limited = || answering(layer(policy()).list_limit(LIST.len()), || ([JSON], LIST));
    assert_eq!(send(limited(), post("ci", "/mcp", TOOLS_LIST)).await.body, FILTERED);
    let limited = || answering(layer(policy()).list_limit(LIST.len() - 1), || ([JSON], LIST));
    assert_withheld(&send(limited(), post("ci", "/mcp", TOOLS_LIST)).await);
    // Other answers have no limit.
    let other = LIST.replace("tools", "content");
    let limited = answering(layer(policy()).list_limit(10), move || ([JSON], other.clone()));
    let response = send(limited, post("ci", "/mcp", call("search", 1))).await;
    assert_eq!(response.body, LIST.replace("tools", "content"));
}

#[tokio::test]
async fn a_list_that_clients_could_read_in_different_ways_is_withheld() {
    for body in [
        r#"{"id":1,"result":{"tools":[]},"result":{"tools":[{"name":"delete"}]}}"#,
        r#"{"id":1,"result":{"tools":[],"tools":[{"name":"delete"}]}}"#,
        r#"{"id":1,"result":{"Tools":[{"name":"delete"}]}}"#,
        r#"{"id":1,"Result":{"tools":[{"name":"delete"}]},"result":{}}"#,
        r#"{"id":1,"result":{"tools":[{"name":"delete"}"#,
        r#"{"id":1,"result":{"tools":[{"name":"delete"}]}} delete"#,
        r#"{"id":1,"result":{"tools":[{"name":"delete","x":NaN}]}}"#,
        "\u{FEFF}{\"id\":1,\"result\":{\"tools\":[{\"name\":\"delete\"}]}}",
        "delete",
    ] {
        assert_withheld(&answer(200, &[JSON], body).await);
    }
    assert_withheld(&answer(200, &[JSON], LIST.replace("delete", "de\0lete")).await);
    let not_utf_8 = [LIST.as_bytes(), b" "].concat();
    assert_eq!(answer(200, &[JSON], not_utf_8.clone()).await.status, 200);
    assert_withheld(&answer(200, &[JSON], [&not_utf_8[..], b"\xFF"].concat()).await);
}

#[tokio::test]
async fn a_list_whose_body_breaks_off_is_withheld() {
    for has_failed in [true, false] {
        let app = answering(layer(policy()), move || {
            let rest = if has_failed { Err(io::Error::other("gone")) } else { Ok(&LIST[40..]) };
            let chunks = futures::stream::iter([Ok(&LIST[..40]), rest]);
            response(200, &[JSON], Body::from_stream(chunks))
        });
        let response = send(app, post("ci", "/mcp", TOOLS_LIST)).await;
        if has_failed {
            assert_withheld(&response);
        } else {
            assert_eq!(response.body, FILTERED);
        }
    }
}

/// The answer comes on the event stream of the session. Some servers send it in the body as well.
#[tokio::test]
async fn bodies_of_accepted_messages_are_dropped() {
    for (status, fields, body) in [
        (202, &[("content-type", "text/plain")][..], "Accepted"),
        (202, &[JSON], LIST),
        (202, &[JSON, ("content-encoding", "gzip")], LIST),
        (204, &[], ""),
    ] {
        let response = answer(status, fields, body).await;
        assert_eq!((response.status.as_u16(), &*response.body), (status, ""));
        for name in ["content-type", "content-encoding"] {
            assert!(!response.headers.contains_key(name), "{name}");
        }
    }
    // To another message than a list request, everything passes.
    let app = answering(layer(policy()), || (StatusCode::ACCEPTED, "Accepted"));
    assert_eq!(send(app, post("ci", "/mcp", call("search", 1))).await.body, "Accepted");
}

/// Servers of the Java SDK accept messages of HTTP+SSE so.
#[tokio::test]
async fn an_empty_answer_passes_whatever_its_type_is() {
    for fields in [&[][..], &[JSON], &[("content-type", "text/plain")]] {
        let response = answer(200, fields, "").await;
        assert_eq!((response.status.as_u16(), &*response.body), (200, ""));
    }
}

#[tokio::test]
async fn answers_with_another_status_than_success_pass() {
    for status in [304, 400, 401, 404, 405, 429, 500, 503] {
        let fields: Fields = &[("content-type", "text/html"), ("retry-after", "7")];
        let response = answer(status, fields, "<p>search</p>").await;
        assert_eq!((response.status.as_u16(), &*response.body), (status, "<p>search</p>"));
        assert_eq!(response.headers["retry-after"], "7");
    }
    assert_withheld(&answer(200, &[("content-type", "text/html")], "<p>search</p>").await);
}

#[tokio::test]
async fn a_withheld_list_is_logged_without_its_content() {
    let (log, _guard) = Log::start(LevelFilter::ERROR);
    answer(200, &[JSON], r#"{"result":{"tools":[{"name":"delete"}"#).await;
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("response withheld") && !lines[0].contains("delete"), "{lines:?}");
    answer(200, &[JSON], LIST).await;
    assert_eq!(log.lines(), [""; 0]);
}
