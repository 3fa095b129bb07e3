//! The rules that every store keeps, as tests for a store of your own.
//!
//! Each function checks all rules of one trait. The stores of this crate pass the same ones, in memory and in Redis.
//! They need a Tokio runtime with timers. Keys and nonces are random, so that all rules can share one server with
//! other tests.
//!
//! ```
//! use mcp_auth_layer::stores::MemoryAttemptStore;
//! use mcp_auth_layer::testing::stores;
//!
//! // #[tokio::test]
//! async fn my_store_keeps_the_rules() {
//!     stores::attempt_store(async || MemoryAttemptStore::new()).await;
//! }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(my_store_keeps_the_rules());
//! ```

mod attempts;
mod join_all;
mod replay;
mod revocations;
mod rule;

pub use self::attempts::attempt_store;
pub use self::replay::replay_store;
pub use self::revocations::revocation_store;
