//! Caches verified credentials for a while, so that a password is not hashed with every request.
//!
//! One password is right for each line of the file. So its digest is cached beside the line: nothing
//! is evicted, there are never more digests than lines, and a digest is dropped with its line.

use std::sync::PoisonError;
use std::time::Duration;

// Like the standard library's, but tests can advance it.
use tokio::time::Instant;

use crate::crypto::{Digest, Mac};
use crate::sync::{Mutex, MutexGuard};

/// How long a credential is cached after its verification, however often it is used.
const CACHED: Duration = Duration::from_secs(300);

/// The key of the digests of credentials, random for each process.
pub(super) struct CredentialKey(Mac);

impl CredentialKey {
    pub(super) fn new() -> Self {
        Self(Mac::random())
    }

    /// Absorbs a user and the hash in the file, which is empty for an unknown user.
    pub(super) fn line(&self, user: &str, hash: &str) -> LineKey {
        LineKey(self.0.clone().with_prefixed(user).with_prefixed(hash))
    }
}

/// The key of the digests of one user's credentials. It has absorbed all but the password.
pub(super) struct LineKey(Mac);

impl LineKey {
    pub(super) fn credential(&self, password: &str) -> Digest {
        Digest::from_bytes(self.0.clone().with_prefixed(password).finish())
    }
}

/// The credential of one line, if it was verified recently.
pub(super) struct CachedCredential(Mutex<Verified>);

struct Verified {
    /// All zeros if there is none.
    credential: Digest,
    until: Instant,
}

impl CachedCredential {
    /// Stores a credential that has just been verified.
    pub(super) fn store(&self, credential: Digest) {
        *self.lock() = Verified { credential, until: Instant::now() + CACHED };
    }

    /// Returns whether this credential is cached. It takes as long if none is, or another one: so the time does
    /// not tell which users were here lately.
    pub(super) fn contains(&self, credential: Digest) -> bool {
        let now = Instant::now();
        let mut cached = self.lock();
        let (is_active, is_same) = (now < cached.until, cached.credential == credential);
        cached.credential = cached.credential.or_zeros(is_active);
        is_active & is_same
    }

    fn lock(&self) -> MutexGuard<'_, Verified> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for CachedCredential {
    fn default() -> Self {
        Self(Mutex::new(Verified { credential: none(), until: Instant::now() }))
    }
}

fn none() -> Digest {
    Digest::from_bytes([0; 32])
}

#[cfg(test)]
mod tests;
