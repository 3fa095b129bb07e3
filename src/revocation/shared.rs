//! What the handle, the layers and the reader of revocations share.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::credential::{Credential, TokenIds};
use super::digests::{Digest, Digests};
use super::known::Known;
use super::report;
use super::time::{millis, now, whole_millis};
use super::watches::{Watch, Watches};
use crate::auth::Revocation;
use crate::crypto::KeyedHash;
use crate::stores::{BoxRevocationStore, RevocationEntry, StoreKey};

/// How far the time of a revocation may be in the future.
pub(super) const MAX_SKEW: Duration = Duration::from_secs(60);
/// How much longer than the lifetime of a credential its revocation is remembered: the clocks of issuers and replicas
/// differ, and access tokens have a leeway for that, of five minutes at most, at both ends.
const SLACK: Duration = Duration::from_secs(15 * 60);

/// What the handle, the layers and the reader share.
pub(super) struct Shared {
    /// The longest lifetime of a credential.
    keep: Duration,
    pub(super) store: BoxRevocationStore,
    pub(super) digests: Digests,
    pub(super) known: Known,
    pub(super) watches: Watches,
    /// The entries that the log may not have, and that are added again.
    missing: Mutex<HashSet<Digest>>,
    /// Hashes credentials, to find their watches.
    ids: KeyedHash,
    created: Instant,
    /// When the store answered last, in milliseconds since `created`.
    heard: AtomicU64,
    has_seen_other_key: AtomicBool,
}

impl Shared {
    pub(super) fn new(store: BoxRevocationStore, key: &StoreKey, keep: Duration) -> Self {
        Self {
            keep,
            store,
            digests: Digests::new(key),
            known: Known::default(),
            watches: Watches::new(),
            missing: Mutex::default(),
            ids: KeyedHash::new(),
            created: Instant::now(),
            heard: AtomicU64::new(0),
            has_seen_other_key: AtomicBool::new(false),
        }
    }

    /// Returns what ends the streams of a credential. It has happened already if the credential is revoked.
    ///
    /// A credential is watched first and looked up second: an entry that arrives in between finds the watch.
    pub(super) fn watch<'c>(
        &self,
        credential: &Credential<'c>,
        ids: impl FnOnce() -> Option<TokenIds<'c>>,
    ) -> Revocation {
        let id = self.ids.hash((credential.principal, credential.token, credential.claims));
        if let Some(revocation) = self.watches.get(id) {
            return revocation;
        }
        let ids = ids();
        let digests = self.digests.all(credential, ids.as_ref());
        let issued_at = ids.and_then(|ids| ids.issued_at).map(millis);
        let revocation = self.watches.insert(id, Watch::new(digests.clone(), issued_at));
        if self.known.revokes(&digests, issued_at, now()) {
            self.watches.revoke_one(id);
            revocation.revoke();
        }
        revocation
    }

    /// Makes entries active in this process, and ends the streams of the credentials that they revoke.
    pub(super) fn apply(&self, entries: &[RevocationEntry]) -> usize {
        let now = now();
        self.known.add(entries, now);
        let page = Known::default();
        page.add(entries, now);
        self.watches.revoke(|watch| page.revokes(&watch.digests, watch.issued_at, now))
    }

    /// Applies entries that were read from the log. Those of another key have no effect.
    pub(super) fn apply_read(&self, mut entries: Vec<RevocationEntry>) {
        let all = entries.len();
        entries.retain(|entry| entry.fingerprint == self.digests.fingerprint());
        if entries.len() < all && !self.has_seen_other_key.swap(true, Ordering::Relaxed) {
            report::other_key();
        }
        let ended = self.apply(&entries);
        self.unset_missing(&entries);
        report::applied(entries.len(), ended);
    }

    /// Notes that the log may not have these entries.
    pub(super) fn set_missing(&self, digests: impl IntoIterator<Item = Digest>) {
        self.missing().extend(digests);
    }

    /// Notes that the log has these entries. An earlier one of the same digest may say more, and is still missing.
    pub(super) fn unset_missing(&self, entries: &[RevocationEntry]) {
        let mut missing = self.missing();
        if missing.is_empty() {
            return;
        }
        for entry in entries {
            let known = self.known.get(&entry.digest);
            if known.is_none_or(|known| entry.joined(&known) == *entry) {
                missing.remove(&entry.digest);
            }
        }
    }

    /// Returns until when a revocation must be remembered of a credential that was issued at this time.
    pub(super) fn until(&self, issued_at: u64) -> u64 {
        issued_at.saturating_add(whole_millis(self.keep.saturating_add(SLACK)))
    }

    /// Returns how long the log must keep entries: some are about credentials that will be issued in a moment.
    pub(super) fn log_keep(&self) -> Duration {
        self.keep.saturating_add(2 * SLACK)
    }

    /// Returns some of the entries that the log may not have.
    pub(super) fn some_missing(&self, max: usize) -> Vec<RevocationEntry> {
        let mut missing = self.missing();
        let (mut some, now) = (Vec::new(), now());
        missing.retain(|digest| {
            let entry = self.known.get(digest).filter(|entry| now < entry.until);
            if let Some(entry) = entry
                && some.len() < max
            {
                some.push(entry);
            }
            entry.is_some()
        });
        some
    }

    /// Notes that the store answered.
    pub(super) fn set_heard(&self) {
        self.heard.store(whole_millis(self.created.elapsed()), Ordering::Release);
    }

    /// Returns when the store answered last.
    pub(super) fn heard(&self) -> Instant {
        self.created + Duration::from_millis(self.heard.load(Ordering::Acquire))
    }

    fn missing(&self) -> MutexGuard<'_, HashSet<Digest>> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
