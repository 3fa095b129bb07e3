//! Revocations that replicas share: an append-only log that each of them reads.

mod boxed;
mod entry;
mod error;
mod memory;
mod page;
mod store;

pub use self::boxed::BoxRevocationStore;
pub use self::entry::{RevocationEntry, RevocationKind};
pub use self::error::PublishError;
pub use self::memory::MemoryRevocationStore;
pub use self::page::{RevocationCursor, RevocationPage};
pub use self::store::RevocationStore;
