//! A part of the log of revocations, and the place in the log where it ends.

use super::entry::RevocationEntry;

/// A place in the log of a [`RevocationStore`](super::RevocationStore). Its text is the store's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevocationCursor(Box<str>);

impl RevocationCursor {
    /// Returns the start of the log, before its first entry.
    pub fn start() -> Self {
        Self::default()
    }

    /// Creates a cursor of a text that the store understands. The empty text is the [start](Self::start).
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether this is the start of the log.
    pub fn is_start(&self) -> bool {
        self.0.is_empty()
    }
}

/// Entries of the log in their order, as a [`RevocationStore`](super::RevocationStore) reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationPage {
    /// The entries. There may be none.
    pub entries: Vec<RevocationEntry>,
    /// The place after the last entry, from which to continue.
    pub next: RevocationCursor,
    /// Whether there is more to read already.
    pub has_more: bool,
    /// Whether the log is not the one that the cursor was made for: it was emptied, or replaced by another copy. The
    /// page then begins at the start of the log.
    pub lost_history: bool,
}

impl RevocationPage {
    /// Creates a page after which there is nothing more yet.
    pub fn new(entries: Vec<RevocationEntry>, next: RevocationCursor) -> Self {
        Self { entries, next, has_more: false, lost_history: false }
    }

    /// Sets whether there is more to read already.
    #[must_use]
    pub fn with_more(mut self, has_more: bool) -> Self {
        self.has_more = has_more;
        self
    }

    /// Sets whether the log is another one than the cursor was made for.
    #[must_use]
    pub fn with_lost_history(mut self, lost_history: bool) -> Self {
        self.lost_history = lost_history;
        self
    }
}
