//! What was verified is remembered for a while, so that it is hashed once and not with every
//! request.
//!
//! Of a stored line one password is right. So it is remembered beside the line, in a place of its
//! own: there is nothing to evict, no more is held than the file has lines, and what is remembered
//! goes with its line.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

// The standard library's, but that tests can put it forward.
use tokio::time::Instant;

use crate::crypto::{Digest, Mac};

/// How long a credential is remembered after its verification, however often it is used.
const REMEMBERED: Duration = Duration::from_secs(300);

/// Digests of credentials, under a key of this process.
pub(super) struct CredentialKey(Mac);

impl CredentialKey {
    pub(super) fn new() -> Self {
        Self(Mac::random())
    }

    /// Takes in a user and the line that is stored for them; empty, if none is.
    pub(super) fn line(&self, user: &str, text: &str) -> LineKey {
        LineKey(self.0.clone().with_prefixed(user).with_prefixed(text))
    }
}

/// Digests of credentials of one user. What does not depend on the password is in it already.
pub(super) struct LineKey(Mac);

impl LineKey {
    pub(super) fn credential(&self, password: &str) -> Digest {
        Digest::from_bytes(self.0.clone().with_prefixed(password).finish())
    }
}

/// The credential of one line, if it was verified of late.
#[derive(Default)]
pub(super) struct CachedCredential(Mutex<Option<Verified>>);

struct Verified {
    credential: Digest,
    until: Instant,
}

impl CachedCredential {
    /// Remembers a credential that has just been verified.
    pub(super) fn remember(&self, credential: Digest) {
        *self.lock() = Some(Verified { credential, until: Instant::now() + REMEMBERED });
    }

    /// Whether this credential is remembered.
    pub(super) fn has(&self, credential: Digest) -> bool {
        let mut remembered = self.lock();
        if remembered.as_ref().is_some_and(|verified| verified.until <= Instant::now()) {
            *remembered = None;
        }
        remembered.as_ref().is_some_and(|verified| verified.credential == credential)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Verified>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
