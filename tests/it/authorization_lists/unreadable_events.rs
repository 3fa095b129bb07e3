//! Events that may be a list and cannot be read: the stream ends before them.

use tracing_subscriber::filter::LevelFilter;

use super::{End, TOOLS_LIST, get_stream, layer, policy, post, streamed};
use crate::support::log::Log;

const OTHER: &str = "data: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"content\":[]}}\n\n";

/// What comes before such an event is sent, also if it came in the same chunk, and nothing after it is.
#[tokio::test]
async fn an_event_that_cannot_be_read_ends_the_stream_with_an_error() {
    for (unreadable, readable) in [
        (r#"{"result":{"tools":[{"name":"delete"},]}}"#, r#"{"result":{"tools":[]}}"#),
        (
            r#"{"result":{"tools":[],"tools":[{"name":"delete"}]}}"#,
            r#"{"result":{"tools":[],"tool":[]}}"#,
        ),
        (r#"{"result":{"Tools":[{"name":"delete"}]}}"#, r#"{"result":{"content":[],"Tools":[]}}"#),
        (
            r#"{"result":{"tools":[]},"result":{"tools":[{"name":"delete"}]}}"#,
            r#"{"result":{},"id":1}"#,
        ),
        (r#"[{"result":{"tools":[{"name":"delete"}]}}"#, r#"[{"result":{"tools":[]}}]"#),
        ("\u{FEFF}{\"result\":{\"tools\":[{\"name\":\"delete\"}]}}", "{\"result\":{\"tools\":[]}}"),
    ] {
        let (log, _guard) = Log::start(LevelFilter::ERROR);
        let text = format!("{OTHER}data: {unreadable}\n\n{OTHER}");
        for chunks in [1, 10, text.len()] {
            for request in [post("ci", "/mcp", TOOLS_LIST), get_stream("ci", "/mcp")] {
                let out = streamed(layer(policy()), request, text.as_bytes().chunks(chunks)).await;
                assert_eq!(out, (OTHER.to_owned(), End::Failed), "{unreadable}");
                let lines = log.lines();
                assert_eq!(lines.len(), 1, "{lines:?}");
                assert!(lines[0].contains("an event stream ends"), "{lines:?}");
                assert!(!lines[0].contains("delete"), "{lines:?}");
            }
        }
        let text = format!("{OTHER}data: {readable}\n\n{OTHER}");
        let out = streamed(layer(policy()), get_stream("ci", "/mcp"), [text.as_bytes()]).await;
        assert_eq!(out, (text, End::Complete));
        assert_eq!(log.lines(), [""; 0]);
    }
}

#[tokio::test]
async fn a_list_that_is_not_utf_8_ends_the_stream() {
    let text = [OTHER.as_bytes(), b"data: {\"result\":{\"tools\":[\"\xFF\"]}}\n\n"].concat();
    let out = streamed(layer(policy()), get_stream("ci", "/mcp"), [&text[..]]).await;
    assert_eq!(out, (OTHER.to_owned(), End::Failed));
    let text = OTHER.to_owned() + "data: {\"result\":{\"tools\":[\"\u{FF}\"]}}\n\n";
    let out = streamed(layer(policy()), get_stream("ci", "/mcp"), [text.as_bytes()]).await;
    assert_eq!(out.1, End::Complete);
}
