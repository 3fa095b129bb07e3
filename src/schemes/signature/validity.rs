//! From when to when a signature is valid.

use super::clock::{Clock, Reading, Terms};

/// When a signature was created and when it expires, in seconds since 1970.
#[derive(Clone, Copy)]
pub(super) struct Validity {
    pub(super) created: u64,
    pub(super) expires: u64,
}

impl Validity {
    /// Returns whether the signature is valid at this reading of the clock, and cannot have been
    /// accepted before its nonce was forgotten.
    pub(super) fn is_now(
        self,
        clock: &Clock,
        reading: Reading,
        terms: Terms,
        is_store_shared: bool,
    ) -> bool {
        let Self { created, expires } = self;
        let now = reading.now;
        created < expires
            && expires - created <= terms.window
            && created <= now.saturating_add(terms.skew)
            && now <= expires.saturating_add(terms.skew)
            && (is_store_shared || !clock.is_before_start(created))
            && !clock.may_be_forgotten(created, terms)
    }

    /// Explains, for the log, why the signature is not accepted at this reading.
    pub(super) fn why_not(self, reading: Reading) -> String {
        let Self { created, expires } = self;
        format!(
            "the signature is valid from {created} to {expires} and this server's clock is at {}; \
             signatures from before its start, and those that may have been accepted before, are \
             rejected",
            reading.now
        )
    }
}
