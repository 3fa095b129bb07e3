//! What it means that a key is unknown.

use std::time::Duration;

/// What it means that no key of the current set fits a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::schemes::oauth) enum Absent {
    /// The issuer does not have the key.
    Unknown,
    /// It cannot be said, as the keys are not available.
    Unavailable { retry_after: Duration },
    /// The issuer has to be asked, or has been asked meanwhile: see [`KeySource::fetched`](super::KeySource::fetched).
    Ask,
}
