//! The parts of `src/policy` that read messages and lists, compiled once more for benchmarks and fuzz targets: they
//! are not public. The crate that includes this file also includes `src/event_stream.rs`, `src/json.rs` and `src/text.rs`.

#![allow(dead_code, unused_imports, unreachable_pub)]

#[path = "../../src/policy/arguments.rs"]
pub mod arguments;
#[path = "../../src/policy/call.rs"]
pub mod call;
#[path = "../../src/policy/id.rs"]
pub mod id;
#[path = "../../src/policy/json/mod.rs"]
pub mod json;
#[path = "../../src/policy/json_rpc.rs"]
pub mod json_rpc;
#[path = "../../src/policy/lists/mod.rs"]
pub mod lists;
#[path = "../../src/policy/message/mod.rs"]
pub mod message;
#[path = "../../src/policy/methods.rs"]
pub mod methods;
// Cargo compiles benchmarks as tests.
#[cfg(test)]
#[path = "../../src/policy/mutations.rs"]
mod mutations;
#[cfg(test)]
#[path = "../../src/policy/oracle/mod.rs"]
mod oracle;
#[path = "../../src/policy/target.rs"]
pub mod target;
