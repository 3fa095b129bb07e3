//! Lists in event streams: the answers to POSTs, and the streams that clients open by GET.

use axum::extract::Request;

use super::{End, TOOLS_LIST, call, get_stream, layer, policy, post, streamed, without_denials};

const LIST: &str =
    r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"search"},{"name":"delete"}]}}"#;
const FILTERED: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"search"}]}}"#;

/// Both ways in which a list comes to a client as an event.
fn requests() -> [Request; 2] {
    [post("ci", "/mcp", TOOLS_LIST), get_stream("ci", "/mcp")]
}

/// A stream with this list between other events, whose ID is this.
fn stream(list: &str, id: &str) -> String {
    [
        ": comment\n\nretry: 5\n\n",
        "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"tools\":[{\"name\":\"delete\"}]}}\n\n",
        &format!("id: {id}\ndata:\n\n"),
        &format!(": before\nevent: message\nid: {id}\n: within\ndata: {list}\nretry: 7\nx: y\n\n: after\n\n"),
        "data: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"\\\"tools\\\":[delete]\"}]}}\n\n",
        &format!("data: {list}\nid: {id}\n\n"),
        "event: other\ndata: no JSON\n\n",
    ]
    .concat()
}

/// The ID `7` as it is bound to `ci`.
async fn bound_id() -> String {
    let (text, _) = streamed(layer(policy()), get_stream("ci", "/"), [&b"id: 7\n\n"[..]]).await;
    let id = text.strip_prefix("id: ").unwrap().trim_end().to_owned();
    assert!(id.starts_with("7.") && id.len() > 20, "{id}");
    id
}

/// Checks that a stream becomes another one, in whatever chunks it comes.
async fn assert_filtered(before: &str, after: &str) {
    for request in requests() {
        let whole = streamed(layer(policy()), request, [before.as_bytes()]).await;
        assert_eq!(whole, (after.to_owned(), End::Complete), "{before:?}");
    }
    for chunks in [1, 2, 50] {
        let request = post("ci", "/mcp", TOOLS_LIST);
        let after = (after.to_owned(), End::Complete);
        let chunks = before.as_bytes().chunks(chunks);
        assert_eq!(streamed(layer(policy()), request, chunks).await, after, "{before:?}");
    }
}

#[tokio::test]
async fn a_list_is_filtered_wherever_the_stream_is_cut_and_all_else_passes() {
    let before = stream(LIST, "7");
    let after = stream(FILTERED, &bound_id().await);
    for at in 0..=before.len() {
        let (first, second) = before.as_bytes().split_at(at);
        for request in requests() {
            let out = streamed(layer(policy()), request, [first, second]).await;
            assert_eq!(out, (after.clone(), End::Complete), "cut at {at}");
        }
    }
    assert_filtered(&before, &after).await;
}

#[tokio::test]
async fn lines_may_end_with_lf_cr_or_both() {
    let id = bound_id().await;
    for end in ["\n", "\r", "\r\n"] {
        let [before, after] = [stream(LIST, "7"), stream(FILTERED, &id)];
        assert_filtered(&before.replace('\n', end), &after.replace('\n', end)).await;
    }
}

#[tokio::test]
async fn several_lines_of_data_are_one_message() {
    let lines = LIST.replace(',', ",\ndata: ");
    // The line end is white space in JSON.
    let joined = FILTERED.replacen(',', ", ", 2);
    assert_filtered(&format!("data: {lines}\n\n"), &format!("data: {joined}\n\n")).await;
    let without_hidden = FILTERED.replace(',', ",\ndata: ");
    let unchanged = format!("data: {without_hidden}\n\n");
    assert_filtered(&unchanged, &unchanged).await;
}

#[tokio::test]
async fn a_byte_order_mark_may_begin_the_stream() {
    let [before, after] = [LIST, FILTERED].map(|list| format!("\u{FEFF}data: {list}\n\n"));
    assert_filtered(&before, &after).await;
    // A second one is part of a line that clients do not know.
    let twice = format!("\u{FEFF}\u{FEFF}data: {LIST}\n\n");
    assert_filtered(&twice, &twice).await;
}

/// Some clients take what is there at the end of the stream for an event.
#[tokio::test]
async fn an_event_without_a_blank_line_at_the_end_is_filtered() {
    for end in ["", "\n", "\r", "\nid"] {
        let [before, after] = [LIST, FILTERED].map(|list| format!("data: {list}{end}"));
        assert_filtered(&before, &after).await;
    }
    let cut = format!("data: {}", &LIST[..40]);
    assert_filtered(&cut, &cut).await;
}

#[tokio::test]
async fn every_answer_of_a_batch_in_an_event_is_filtered() {
    let [before, after] = [LIST, FILTERED]
        .map(|list| format!("data: [ {list} , {{\"id\":2,\"error\":{{}}}},{list}]\n\n"));
    assert_filtered(&before, &after).await;
    assert_filtered(&after, &after).await;
}

#[tokio::test]
async fn messages_that_are_no_lists_pass() {
    for message in [
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{"tools":[{"name":"delete"}]}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"tools":[{"name":"delete"}]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"data":{"tools":[{"name":"delete"}]}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"capabilities":{"tools":{}}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"_meta":{"tools":[{"name":"delete"}]}}}"#,
        r#""tools":[{"name":"delete"}]"#,
    ] {
        let text = format!("data: {message}\n\n");
        assert_filtered(&text, &text).await;
    }
}

/// A list is recognized by its shape, whatever the event's type and its ID are.
#[tokio::test]
async fn a_list_is_filtered_in_every_event() {
    for fields in ["event: other\n", "event: endpoint\n", "event:\n", "unknown: 1\n"] {
        let [before, after] = [LIST, FILTERED].map(|list| format!("{fields}data: {list}\n\n"));
        assert_filtered(&before, &after).await;
    }
    for id in ["null", "\"x\"", "1e999", "{}"] {
        let [before, after] = [LIST, FILTERED]
            .map(|list| format!("data: {}\n\n", list.replace(":1,", &format!(":{id},"))));
        assert_filtered(&before, &after).await;
    }
}

/// A server may write the answer to a list request there, if both requests have the same ID.
#[tokio::test]
async fn a_list_in_the_answer_to_another_post_is_filtered() {
    let text = format!("data: {LIST}\n\n");
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#.to_owned();
    for message in [call("search", 1), ping] {
        let request = post("ci", "/mcp", message);
        let (out, end) = streamed(layer(policy()), request, [text.as_bytes()]).await;
        assert!(out.contains("search") && !out.contains("delete"), "{out}");
        assert_eq!(end, End::Complete);
    }
}

#[tokio::test]
async fn a_principal_that_may_do_everything_sees_every_list() {
    let text = format!("data: {LIST}\n\ndata: {{\"result\":{{\"_meta\":\"{}\"", "x".repeat(70_000));
    for request in [post("alice", "/mcp", TOOLS_LIST), get_stream("alice", "/mcp")] {
        let out = streamed(layer(without_denials()), request, text.as_bytes().chunks(1000)).await;
        assert_eq!(out, (text.clone(), End::Complete));
    }
}

#[tokio::test]
async fn a_tried_policy_filters_nothing_and_an_exempt_path_neither() {
    let exempt = mcp_auth_layer::layer::ExactPath::from_static("/mcp");
    let text = format!("data: {LIST}\n\n");
    for layer in [layer(policy()).dry_run(), layer(policy()).not_mcp(exempt)] {
        for request in requests() {
            let out = streamed(layer.clone(), request, [text.as_bytes()]).await;
            assert_eq!(out, (text.clone(), End::Complete));
        }
    }
}
