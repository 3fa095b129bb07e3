//! Servers, and what the tests share: `redis-server` as a process, a TCP proxy that can fail, and waiting for a
//! condition. This folder knows nothing of the crate under test.
#![allow(dead_code, unused_imports)] // the parts that no test uses yet

mod certificates;
mod info;
#[path = "../../it/support/log.rs"]
mod log;
mod ports;
mod proxy;
mod server;
mod wait;

pub use self::certificates::Certificates;
pub use self::log::Log;
pub use self::ports::free_port;
pub use self::proxy::Proxy;
pub use self::server::{RedisServer, connect};
pub use self::wait::{PATIENCE, eventually};
