//! Redis, for what replicas share.
//!
//! [`RedisStore`] is one connection, on which each trait of [`stores`](super) is implemented in a file of its own
//! (`replay_store`, `attempt_store`, `revocation_store`). What has to be atomic is a script beside it (`*.lua`). `link`
//! sends commands within a deadline, `server` says whether a server can be relied on, and `watch` looks at it again
//! while it is used.
//!
//! This folder uses the traits of `stores`, `auth::BoxError`, `crypto` and `telemetry`.

mod attempt_store;
mod attempts;
mod connect;
mod error;
mod keys;
mod link;
mod nonces;
mod replay_store;
mod revocation_store;
mod revocations;
mod server;
mod store;
mod target;
mod watch;
mod watcher;

pub use self::connect::Connect;
pub use self::error::RedisError;
pub use self::store::RedisStore;
