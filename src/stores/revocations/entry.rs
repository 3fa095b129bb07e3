//! One entry of the log of revocations.

/// What an entry of a [`RevocationStore`](super::RevocationStore) revokes.
///
/// It has no name and no token, but a keyed digest of them: a store learns which entries are about the same
/// credential, and nothing else.
///
/// All times are milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RevocationEntry {
    /// What the digest was made of.
    pub kind: RevocationKind,
    /// The keyed digest of what is revoked. Its kind is part of it: digests of two kinds are never equal.
    pub digest: [u8; 16],
    /// Tells which [`StoreKey`](super::super::StoreKey) the digest was made with. It does not reveal the key.
    pub fingerprint: [u8; 4],
    /// If set, only credentials that were issued at this time or earlier are revoked. Without it, all are.
    pub before: Option<u64>,
    /// Until when the entry must be remembered.
    pub until: u64,
}

impl RevocationEntry {
    /// Creates an entry that revokes credentials of any age.
    pub fn new(kind: RevocationKind, digest: [u8; 16], fingerprint: [u8; 4], until: u64) -> Self {
        Self { kind, digest, fingerprint, before: None, until }
    }

    /// Limits the entry to credentials that were issued at this time or earlier.
    #[must_use]
    pub fn issued_before(mut self, before: u64) -> Self {
        self.before = Some(before);
        self
    }

    /// Returns an entry that revokes what either of two entries of the same digest revokes, for as long.
    pub(crate) fn joined(self, other: &Self) -> Self {
        let before = match (self.before, other.before) {
            (Some(own), Some(other)) => Some(own.max(other)),
            _ => None,
        };
        Self { before, until: self.until.max(other.until), ..self }
    }

    /// Returns whether it revokes a credential that was issued at this time. A token says when it was issued in
    /// whole seconds, so that one of the same second may be an earlier one. One that does not say counts as earlier.
    pub(crate) fn revokes(&self, issued_at: Option<u64>, now: u64) -> bool {
        let is_earlier = |before: u64| issued_at.is_none_or(|at| at / 1000 <= before / 1000);
        now < self.until && self.before.is_none_or(is_earlier)
    }
}

/// What the digest of a [`RevocationEntry`] was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationKind {
    /// A bearer token.
    Token,
    /// A principal: issuer and name.
    Principal,
    /// An issuer and the ID of one of its tokens (`jti`, RFC 7519 §4.1.7).
    TokenId,
    /// An issuer and a subject (`sub`) of its tokens.
    Subject,
}

impl RevocationKind {
    /// Every kind.
    const ALL: [Self; 4] = [Self::Token, Self::Principal, Self::TokenId, Self::Subject];

    /// Returns the letter that stands for the kind in a store: `t`, `p`, `j` or `s`.
    pub fn code(self) -> char {
        match self {
            Self::Token => 't',
            Self::Principal => 'p',
            Self::TokenId => 'j',
            Self::Subject => 's',
        }
    }

    /// Returns the kind that a letter stands for.
    pub fn from_code(code: char) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> RevocationEntry {
        RevocationEntry::new(RevocationKind::Subject, [1; 16], [2; 4], 100_000)
    }

    #[test]
    fn token_of_the_same_second_counts_as_earlier() {
        let entry = entry().issued_before(50_400);
        for issued_at in [None, Some(0), Some(50_000), Some(50_400), Some(50_999)] {
            assert!(entry.revokes(issued_at, 60_000), "{issued_at:?}");
        }
        assert!(!entry.revokes(Some(51_000), 60_000));
    }

    #[test]
    fn entry_without_a_time_revokes_later_credentials() {
        assert!(entry().revokes(Some(99_000), 60_000));
        assert!(!entry().issued_before(50_000).revokes(Some(99_000), 60_000));
    }

    #[test]
    fn expired_entry_revokes_nothing() {
        assert!(entry().revokes(None, 99_999));
        assert!(!entry().revokes(None, 100_000));
    }

    #[test]
    fn joined_entry_revokes_what_either_revokes() {
        let (early, late) = (entry().issued_before(10_000), entry().issued_before(20_000));
        assert_eq!(early.joined(&late), late);
        assert_eq!(late.joined(&early), late);
        assert_eq!(early.joined(&entry()), entry());
        assert_eq!(entry().joined(&early), entry());
        let longer = RevocationEntry { until: 200_000, ..early };
        assert_eq!(late.joined(&longer), RevocationEntry { until: 200_000, ..late });
    }

    #[test]
    fn each_kind_has_a_letter_of_its_own() {
        for kind in RevocationKind::ALL {
            assert_eq!(RevocationKind::from_code(kind.code()), Some(kind));
        }
        assert_eq!(RevocationKind::from_code('x'), None);
    }
}
