//! The messages that a client gets in place of a result.

use serde_json::json;

use super::id::Id;

/// Returns the text of a JSON-RPC error in response to the request of this ID.
pub(crate) fn error(id: Id<'_>, code: i32, message: &str) -> String {
    let (id, message) = (id.echoed(), json!(message));
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{message}}}}}"#)
}

/// Returns the text of the result of a tool that reports an error, which models read and can correct.
pub(crate) fn tool_error(id: Id<'_>, message: &str) -> String {
    let (id, message) = (id.echoed(), json!(message));
    let content = format!(r#"[{{"type":"text","text":{message}}}]"#);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":{content},"isError":true}}}}"#)
}

/// Returns the text of a batch of these messages.
pub(crate) fn batch(messages: &[String]) -> String {
    format!("[{}]", messages.join(","))
}
