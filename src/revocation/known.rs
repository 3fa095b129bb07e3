//! The revocations that this process knows.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::digests::Digest;
use crate::stores::RevocationEntry;

/// The revocations that this process knows, until they expire. There are as many as the log has, and those that this
/// process itself added.
#[derive(Default)]
pub(super) struct Known(RwLock<HashMap<Digest, RevocationEntry>>);

impl Known {
    /// Adds entries to what is known of their digests.
    pub(super) fn add(&self, entries: &[RevocationEntry], now: u64) {
        let mut known = self.write();
        for entry in entries.iter().filter(|entry| now < entry.until) {
            let joined = known.get(&entry.digest).map_or(*entry, |earlier| entry.joined(earlier));
            known.insert(entry.digest, joined);
        }
    }

    /// Returns whether a credential with these digests is revoked.
    pub(super) fn revokes(&self, digests: &[Digest], issued_at: Option<u64>, now: u64) -> bool {
        let known = self.read();
        let mut entries = digests.iter().filter_map(|digest| known.get(digest));
        entries.any(|entry| entry.revokes(issued_at, now))
    }

    /// Returns the entry of a digest.
    pub(super) fn get(&self, digest: &Digest) -> Option<RevocationEntry> {
        self.read().get(digest).copied()
    }

    /// Returns the digests of all entries.
    pub(super) fn digests(&self) -> Vec<Digest> {
        self.read().keys().copied().collect()
    }

    /// Removes entries that have expired.
    pub(super) fn sweep(&self, now: u64) {
        let mut known = self.write();
        known.retain(|_, entry| now < entry.until);
        if known.capacity() > 4 * known.len() + 1024 {
            known.shrink_to_fit();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.read().len()
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<Digest, RevocationEntry>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps others from looking up until the guard is dropped.
    pub(super) fn write(&self) -> RwLockWriteGuard<'_, HashMap<Digest, RevocationEntry>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::RevocationKind;

    const A: Digest = [1; 16];
    const B: Digest = [2; 16];

    fn entry(digest: Digest, until: u64) -> RevocationEntry {
        RevocationEntry::new(RevocationKind::Subject, digest, [0; 4], until)
    }

    #[test]
    fn any_of_the_digests_of_a_credential_revokes_it() {
        let known = Known::default();
        known.add(&[entry(A, 10)], 0);
        assert!(known.revokes(&[B, A], None, 9));
        assert!(!known.revokes(&[B], None, 9) && !known.revokes(&[], None, 9));
        assert!(!known.revokes(&[A], None, 10), "it has expired");
    }

    #[test]
    fn an_older_entry_takes_nothing_from_a_newer_one() {
        let known = Known::default();
        let (old, new) =
            (entry(A, 100_000).issued_before(10_000), entry(A, 90_000).issued_before(20_000));
        known.add(&[new, old], 0);
        assert!(known.revokes(&[A], Some(20_000), 0) && !known.revokes(&[A], Some(21_000), 0));
        let joined = entry(A, 100_000).issued_before(20_000);
        assert_eq!((known.get(&A), known.len()), (Some(joined), 1));
    }

    #[test]
    fn expired_entries_are_swept_and_others_stay() {
        let known = Known::default();
        known.add(&[entry(A, 10), entry(B, 20)], 0);
        known.sweep(9);
        assert_eq!(known.len(), 2);
        known.sweep(10);
        assert_eq!(known.digests(), [B]);
        known.add(&[entry(A, 10)], 10);
        assert_eq!(known.len(), 1, "an expired entry is not added");
    }
}
