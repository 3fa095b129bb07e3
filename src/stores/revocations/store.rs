//! The interface of a store of revocations.

use std::time::Duration;

use super::entry::RevocationEntry;
use super::error::PublishError;
use super::page::{RevocationCursor, RevocationPage};
use crate::auth::BoxError;

/// An append-only log of revocations, which all replicas read, for [`Revocations`](crate::revocation::Revocations).
///
/// The log carries the news, and is not what makes a revocation last: every replica remembers what it has read, and
/// adds it again to a log that has lost it. [`MemoryRevocationStore`](super::MemoryRevocationStore) is enough for one
/// process. [`BoxRevocationStore`](super::BoxRevocationStore) erases the type of a store that is chosen at runtime.
///
/// An implementation passes the rules of [`testing::stores::revocation_store`](crate::testing::stores::revocation_store()).
pub trait RevocationStore: Send + Sync + 'static {
    /// Adds entries to the end of the log, and returns once the store has acknowledged them. Entries that are in the
    /// log already may be added again.
    ///
    /// The store may remove entries that were added longer than `keep` ago, and should do so, so that the log does not
    /// grow for ever. It must not remove others: if it is full, it must fail.
    ///
    /// # Errors
    ///
    /// [`Unsure`](PublishError::Unsure) if the entries may be added or not, and [`Failed`](PublishError::Failed) if
    /// they certainly are not.
    fn publish(
        &self,
        entries: &[RevocationEntry],
        keep: Duration,
    ) -> impl Future<Output = Result<(), PublishError>> + Send;

    /// Returns the entries after a cursor, oldest first, in pages of limited length (about 1,000). If there are none,
    /// it waits for new ones, for about `wait` at most, and then returns an empty page.
    ///
    /// It may be dropped at any point, and called again with the same cursor.
    ///
    /// A store that cannot tell whether its log is the one that the cursor was made for must report
    /// [`lost_history`](RevocationPage::lost_history).
    ///
    /// # Errors
    ///
    /// If the log cannot be read. It is read again from the same cursor.
    fn read(
        &self,
        after: &RevocationCursor,
        wait: Duration,
    ) -> impl Future<Output = Result<RevocationPage, BoxError>> + Send;
}
