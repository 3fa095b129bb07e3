//! A table of credentials, stored and looked up as keyed digests.

use std::collections::HashSet;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::BuildHasherDefault;

use super::grant::Grant;
use super::holders::{Holder, Holders};
use super::revoked::Revoked;
use crate::crypto::{AlreadyHashed, Digest, KeyedDigest, sha256};

/// The principals of a scheme, by the digest of their credential.
#[derive(Clone)]
pub(crate) struct CredentialTable {
    key: KeyedDigest,
    form: Form,
    holders: Holders,
    /// Credentials of the file that were revoked through a handle, until the file no longer has them.
    /// Those that were added through a handle are not among them, so there are never more than the
    /// file has.
    revoked: HashSet<Digest, BuildHasherDefault<AlreadyHashed>>,
}

/// What the table was filled with.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// Credentials as requests present them.
    Plain,
    /// Their SHA-256: a presented credential is hashed before it is looked up.
    Sha256,
}

/// The SHA-256 of a token, from a token file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TokenDigest(pub(crate) [u8; 32]);

impl CredentialTable {
    /// Creates a table of credentials that are known.
    pub(crate) fn new() -> Self {
        Self::with_form(Form::Plain)
    }

    /// Creates a table of credentials of which only the SHA-256 may be known.
    pub(crate) fn with_sha256() -> Self {
        Self::with_form(Form::Sha256)
    }

    fn with_form(form: Form) -> Self {
        let key = KeyedDigest::new();
        Self { key, form, holders: Holders::default(), revoked: HashSet::default() }
    }

    /// Returns whether the table is [filled with digests](Self::with_sha256), whose credentials were
    /// never checked for their form.
    pub(crate) fn is_sha256(&self) -> bool {
        self.form == Form::Sha256
    }

    /// Adds a credential that can be removed later. It may have been revoked before. Returns false,
    /// and changes nothing, if the table contains it already.
    pub(crate) fn insert(&mut self, credential: &[u8], grant: impl Into<Grant>) -> bool {
        let digest = self.digest(credential);
        let in_file = self.revoked.remove(&digest);
        let Entry::Vacant(vacant) = self.holders.edit().entry(digest) else { return false };
        vacant.insert(Holder::revocable(grant.into(), in_file));
        true
    }

    /// Adds a credential that is never removed. Requests with it cost less: nothing has to be watched
    /// for the end of its lifetime. Returns false if the table contains it already.
    pub(crate) fn insert_permanent(&mut self, credential: &[u8], grant: impl Into<Grant>) -> bool {
        let digest = self.digest(credential);
        let Entry::Vacant(vacant) = self.holders.edit().entry(digest) else { return false };
        vacant.insert(Holder { grant: grant.into(), revocation: None, in_file: false });
        true
    }

    /// Replaces all credentials, and returns those that are gone or have other grants now. Credentials
    /// that stay keep their grant, and those that were revoked through a handle stay revoked.
    pub(crate) fn replace(
        &mut self,
        next: impl IntoIterator<Item = (TokenDigest, Grant)>,
    ) -> Revoked {
        debug_assert!(self.is_sha256());
        let mut before = std::mem::take(self.holders.edit());
        let revoked = std::mem::take(&mut self.revoked);
        for (TokenDigest(sha256), grant) in next {
            let digest = self.key.digest(&sha256);
            if revoked.contains(&digest) {
                self.revoked.insert(digest);
                continue;
            }
            let holder = match before.remove(&digest) {
                Some(holder) if holder.grant.is_same(&grant) => Holder { in_file: true, ..holder },
                changed => {
                    before.extend(changed.map(|holder| (digest, holder)));
                    Holder::revocable(grant, true)
                }
            };
            self.holders.edit().entry(digest).or_insert(holder);
        }
        before.into_values().filter_map(|holder| holder.revocation).collect()
    }

    /// Removes all credentials, as their file is missing. Those that were revoked through a handle
    /// stay revoked when it is back.
    pub(crate) fn remove_all(&mut self) -> Revoked {
        let removed = std::mem::take(self.holders.edit());
        removed.into_values().filter_map(|holder| holder.revocation).collect()
    }

    /// Removes one credential, if the table contains it.
    pub(crate) fn remove(&mut self, credential: &[u8]) -> Revoked {
        let digest = self.digest(credential);
        let removed = self.holders.edit().remove(&digest);
        self.revoke(removed.map(|holder| (digest, holder)))
    }

    /// Removes all credentials of this name.
    pub(crate) fn remove_by_name(&mut self, name: &str) -> Revoked {
        let removed: Vec<_> = self
            .holders
            .edit()
            .extract_if(|_, holder| holder.grant.principal.name() == name)
            .collect();
        self.revoke(removed)
    }

    fn revoke(&mut self, removed: impl IntoIterator<Item = (Digest, Holder)>) -> Revoked {
        let removed = removed.into_iter().filter_map(|(digest, holder)| {
            if holder.in_file {
                self.revoked.insert(digest);
            }
            holder.revocation
        });
        removed.collect()
    }

    /// Returns what a credential grants. The cost depends on the length of the presented credential, and on whether it
    /// is a right one that was presented before. The cost of a wrong one says nothing about the right ones.
    pub(crate) fn get(&self, credential: &[u8]) -> Option<&Grant> {
        self.holders.get(credential, |credential| self.digest(credential))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.holders.len() == 0
    }

    fn digest(&self, credential: &[u8]) -> Digest {
        match self.form {
            Form::Plain => self.key.digest(credential),
            Form::Sha256 => self.key.digest(&sha256(credential)),
        }
    }
}

/// Shows how many credentials there are; their names are not secret, but a million are no help.
impl fmt::Debug for CredentialTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} credentials]", self.holders.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Principal;

    #[test]
    fn lookup_finds_exactly_the_inserted_credential() {
        let mut table = CredentialTable::new();
        assert!(table.insert(b"token-of-alice", Principal::new("alice")));
        assert!(!table.insert(b"token-of-alice", Principal::new("mallory")));
        assert_eq!(table.get(b"token-of-alice").unwrap().principal.name(), "alice");
        for other in ["token-of-alic", "token-of-alice ", "Token-of-alice", ""] {
            assert!(table.get(other.as_bytes()).is_none(), "{other:?}");
        }
    }

    #[test]
    fn removed_credentials_end_and_permanent_ones_are_unbounded() {
        let mut table = CredentialTable::new();
        assert!(table.insert(b"revocable", Principal::new("alice")));
        assert!(table.insert_permanent(b"permanent", Principal::new("bob")));
        assert!(!table.insert_permanent(b"revocable", Principal::new("bob")));
        let is_bounded = |name| table.get(name).unwrap().is_bounded();
        assert!(is_bounded(b"revocable") && !is_bounded(b"permanent"));
        let alice = table.get(b"revocable").unwrap().clone();
        let removed = table.remove(b"revocable");
        assert!(alice.is_active(), "only once no request can be authenticated with it");
        assert_eq!(removed.cancel(), 1);
        assert!(!alice.is_active());
    }

    mod sha256 {
        use super::*;

        /// Replaces the table by that of a file with these tokens.
        fn reload(table: &mut CredentialTable, tokens: &[&str]) {
            let tokens = tokens.iter().map(|token| TokenDigest(sha256(token)));
            let _ = table.replace(tokens.map(|digest| (digest, Grant::new(Principal::new("ci")))));
        }

        fn is_valid(table: &CredentialTable, token: &str) -> bool {
            table.get(token.as_bytes()).is_some()
        }

        #[test]
        fn lookup_hashes_the_presented_token() {
            let mut table = CredentialTable::with_sha256();
            let digest = sha256(b"token-of-alice");
            let _ = table.replace([(TokenDigest(digest), Grant::new(Principal::new("alice")))]);
            assert!(!table.insert(b"token-of-alice", Principal::new("mallory")));
            assert!(table.insert(b"token-of-bob", Principal::new("bob")));
            assert_eq!(table.get(b"token-of-alice").unwrap().principal.name(), "alice");
            assert_eq!(table.get(b"token-of-bob").unwrap().principal.name(), "bob");
            assert!(table.get(&digest).is_none(), "the digest is not the token");
        }

        #[test]
        fn revocation_is_kept_while_the_file_has_the_line() {
            let mut table = CredentialTable::with_sha256();
            reload(&mut table, &["leaked"]);
            assert_eq!(table.remove(b"leaked").cancel(), 1);
            // The file was missing, and is back unchanged.
            let _ = table.remove_all();
            reload(&mut table, &["leaked", "other"]);
            assert!(!is_valid(&table, "leaked") && is_valid(&table, "other"));
            reload(&mut table, &["other"]);
            reload(&mut table, &["leaked", "other"]);
            assert!(is_valid(&table, "leaked"));
            // Added through a handle it is valid again, and can be revoked again.
            let _ = table.remove(b"leaked");
            assert!(table.insert(b"leaked", Principal::new("ci")));
            reload(&mut table, &["leaked"]);
            assert!(is_valid(&table, "leaked"));
            let _ = table.remove(b"leaked");
            reload(&mut table, &["leaked"]);
            assert!(!is_valid(&table, "leaked"));
        }

        #[test]
        fn revocation_is_kept_if_the_file_got_the_token_later() {
            let mut table = CredentialTable::with_sha256();
            for token in ["in the file later", "never in the file"] {
                assert!(table.insert(token.as_bytes(), Principal::new("ci")));
            }
            reload(&mut table, &["in the file later"]);
            for token in ["in the file later", "never in the file"] {
                let _ = table.remove(token.as_bytes());
            }
            reload(&mut table, &["in the file later", "never in the file"]);
            assert!(!is_valid(&table, "in the file later"));
            assert!(is_valid(&table, "never in the file"));
        }

        #[test]
        fn revocation_is_not_kept_for_tokens_outside_the_file() {
            let mut table = CredentialTable::with_sha256();
            reload(&mut table, &["other"]);
            for token in ["a", "b", "c"] {
                assert!(table.insert(token.as_bytes(), Principal::new("ci")));
                assert_eq!(table.remove(token.as_bytes()).cancel(), 1);
            }
            assert!(table.revoked.is_empty());
            assert!(table.insert(b"d", Principal::new("ci")));
            let _ = table.remove_by_name("ci");
            assert_eq!(table.revoked.len(), 1, "the token of the file");
            reload(&mut table, &["d", "other"]);
            assert!(is_valid(&table, "d") && !is_valid(&table, "other"));
        }
    }
}
