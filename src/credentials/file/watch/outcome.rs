//! What a look at a file leads to.

use std::time::Duration;

/// How long the credentials of a missing file stay active: it may be about to come back.
pub(super) const GRACE: Duration = Duration::from_secs(60);

/// What a look at the file led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A new content was applied.
    Applied,
    /// The content is active already.
    Unchanged,
}
