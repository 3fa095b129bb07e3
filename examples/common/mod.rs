//! What the examples share: the command line, starting and stopping a server, the tools, and the
//! HTTP+SSE transport.

#![allow(dead_code, reason = "each example uses a part of it")]

pub mod api_keys;
pub mod cli;
pub mod command;
pub mod credential_lines;
pub mod credentials;
pub mod decision_point;
pub mod environment;
pub mod local_hosts;
pub mod log;
pub mod login;
pub mod metrics;
pub mod oauth;
pub mod redis;
pub mod replace_file;
pub mod replicas;
pub mod revoke;
pub mod revoke_everywhere;
pub mod secret_input;
pub mod serve;
pub mod server;
pub mod session_limit;
pub mod shutdown;
pub mod signals;
pub mod sse;
pub mod tools;
pub mod upstream_urls;

/// A curl command that initializes a session over Streamable HTTP, without URL and credentials.
pub const INITIALIZE_WITH_CURL: &str = r#"curl -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' -d '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"curl","version":"0"}}}'"#;
