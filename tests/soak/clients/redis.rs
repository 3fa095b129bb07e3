//! `redis-server` as a process, as the tests of replicas start it.
#![allow(dead_code, unused_imports)] // the parts that the soak does not use

#[path = "../../redis/support/info.rs"]
mod info;
#[path = "../../redis/support/ports.rs"]
mod ports;
#[path = "../../redis/support/server.rs"]
mod server;
#[path = "../../redis/support/wait.rs"]
mod wait;

use self::ports::free_port;
pub use self::server::RedisServer;
pub use self::wait::{PATIENCE, eventually};
