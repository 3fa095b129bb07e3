//! The messages that a client gets in place of a result, and their codes.

use serde_json::json;

use super::id::Id;

/// The codes of errors (JSON-RPC 2.0 §5.1).
pub(crate) const PARSE_ERROR: i32 = -32700;
pub(crate) const INVALID_REQUEST: i32 = -32600;
pub(crate) const METHOD_NOT_FOUND: i32 = -32601;
/// MCP has this code also for tools, prompts and resources that do not exist.
pub(crate) const INVALID_PARAMS: i32 = -32602;
pub(crate) const INTERNAL_ERROR: i32 = -32603;
/// A header field does not match the body (MCP 2026-07-28, Streamable HTTP).
pub(crate) const HEADER_MISMATCH: i32 = -32020;

/// The message of errors where no authorizer decided. It names no cause: that is for the log.
pub(crate) const UNAVAILABLE: &str = "authorization is unavailable; try again later";

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
