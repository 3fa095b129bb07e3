//! Servers, and what the tests share: `redis-server`, nginx and the example programs as processes, a TCP proxy that can
//! fail, and waiting for a condition.
#![allow(dead_code, unused_imports)] // the parts that no test uses yet

#[path = "../../it/support/build_examples.rs"]
mod build_examples;
mod certificates;
#[path = "../../it/support/example_server.rs"]
pub mod example_server;
#[path = "../../it/support/forged_request.rs"]
pub mod forged_request;
mod info;
#[path = "../../it/support/log.rs"]
mod log;
mod nginx;
mod ports;
mod proxy;
mod server;
mod wait;

pub use self::certificates::Certificates;
pub use self::log::Log;
pub use self::nginx::Nginx;
pub use self::ports::free_port;
pub use self::proxy::Proxy;
pub use self::server::{RedisServer, connect};
pub use self::wait::{PATIENCE, eventually};
