//! Failed attempts to authenticate: what a rate limit counts.

mod boxed;
mod keys;
mod known_clients;
mod memory;
mod quota;
mod slots;
mod store;

pub use self::boxed::BoxAttemptStore;
pub use self::keys::{AttemptCounter, AttemptKeys};
pub use self::memory::MemoryAttemptStore;
pub use self::quota::{InvalidQuota, Quota};
pub use self::store::{AttemptStatus, AttemptStep, AttemptStore};
