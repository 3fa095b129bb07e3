//! The keys of a verifier, at run time.

use std::fmt;

use crate::schemes::oauth::keys::{KeySetError, KeySource};

/// Loads the keys of a [`Jwt`](super::Jwt), or of another verifier of an issuer's tokens, and says whether there are any.
#[derive(Clone)]
pub struct JwtHandle {
    keys: KeySource,
}

impl JwtHandle {
    pub(in crate::schemes::oauth) fn new(keys: KeySource) -> Self {
        Self { keys }
    }

    /// Loads the keys now. Call it before the server starts, to fail there and not at the first request.
    ///
    /// # Errors
    ///
    /// If the keys cannot be loaded. The previous ones stay active.
    pub async fn refresh(&self) -> Result<(), KeySetError> {
        self.keys.refresh().await
    }

    /// Returns whether there are keys, for a readiness probe. The first call begins to fetch them.
    pub fn is_ready(&self) -> bool {
        self.keys.is_ready()
    }
}

impl fmt::Debug for JwtHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // To look at the keys would start the task that fetches them.
        f.debug_struct("JwtHandle").finish_non_exhaustive()
    }
}
