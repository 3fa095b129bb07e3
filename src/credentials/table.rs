//! Credentials at rest: held as keyed digests, looked up and compared as such.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::BuildHasherDefault;

use tokio_util::sync::CancellationToken;

use crate::auth::Principal;
use crate::crypto::{AlreadyHashed, Digest, KeyedDigest, sha256};

/// Why a credential cannot be configured. It says which one by its position, counted from 1, and
/// never quotes it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// Nobody could ever be let in.
    #[error("no credentials were given: add at least one")]
    NoCredentials,
    /// A name is empty or has a control character or, for Basic, a colon (RFC 7617 §2).
    #[error("credential {position}: the name {problem}")]
    Name {
        /// Which credential, counted from 1.
        position: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A password or token does not have the form of its scheme.
    #[error("credential {position}: the {kind} {problem}")]
    Secret {
        /// Which credential, counted from 1.
        position: usize,
        /// `"password"` or `"token"`.
        kind: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A Basic user stands twice, or two names share one token.
    #[error("credential {position}: the same {kind} stands earlier in the list")]
    Duplicate {
        /// Which credential, counted from 1.
        position: usize,
        /// `"user"` or `"token"`.
        kind: &'static str,
    },
}

/// Whose credential it is, by the digest of the credential.
#[derive(Clone)]
pub(crate) struct CredentialTable {
    keyed: KeyedDigest,
    holders: HashMap<Digest, Holder, BuildHasherDefault<AlreadyHashed>>,
    /// Whether each credential has a token that ends what was opened with it.
    revocable: bool,
    /// Whether it was filled from digests: what is asked for must be hashed before.
    of_sha256: bool,
    /// Credentials of the file that were revoked by hand, until the file no longer has them. Those
    /// that were added by hand are not among them, so there are never more than the file has.
    revoked: HashSet<Digest, BuildHasherDefault<AlreadyHashed>>,
}

#[derive(Clone)]
struct Holder {
    principal: Principal,
    revocation: Option<CancellationToken>,
    /// Whether the file has this credential, which it will have again when it is reloaded.
    in_file: bool,
}

/// Credentials that were taken out of a table, whose answers are still to end.
#[must_use = "answers go on until they are ended"]
pub(crate) struct Revoked(Vec<CancellationToken>);

impl Revoked {
    #[cfg(any(feature = "hmac", feature = "htpasswd"))]
    pub(crate) fn of(tokens: Vec<CancellationToken>) -> Self {
        Self(tokens)
    }

    /// Ends them. To be called once no request can be admitted by them any more.
    pub(crate) fn end(self) -> usize {
        self.0.iter().for_each(CancellationToken::cancel);
        self.0.len()
    }
}

impl Holder {
    fn make_revocable(&mut self) {
        let revocation = self.revocation.get_or_insert_default();
        self.principal = self.principal.clone().until_removed(revocation.clone());
    }
}

impl CredentialTable {
    pub(crate) fn new() -> Self {
        Self {
            keyed: KeyedDigest::new(),
            holders: HashMap::default(),
            revocable: false,
            of_sha256: false,
            revoked: HashSet::default(),
        }
    }

    /// A table of credentials of which the SHA-256 may be all that is known.
    #[cfg(feature = "files")]
    pub(crate) fn of_sha256() -> Self {
        Self { of_sha256: true, ..Self::new() }
    }

    /// Gives each credential, those to come included, what it takes to end its answers.
    pub(crate) fn make_revocable(&mut self) {
        if !std::mem::replace(&mut self.revocable, true) {
            self.holders.values_mut().for_each(Holder::make_revocable);
        }
    }

    /// Adds a credential, also one that was revoked; false if it is there already, and then nothing
    /// changes.
    pub(crate) fn insert(&mut self, credential: &[u8], principal: Principal) -> bool {
        let digest = self.digest(credential);
        let in_file = self.revoked.remove(&digest);
        self.insert_digest(digest, principal, in_file)
    }

    /// Whether it is a table of digests, whose credentials nobody has seen.
    pub(crate) fn is_of_sha256(&self) -> bool {
        self.of_sha256
    }

    /// Adds a credential by its SHA-256 to a table [of such](Self::of_sha256); false as above.
    #[cfg(all(test, feature = "files"))]
    pub(crate) fn insert_sha256(&mut self, sha256: &[u8; 32], principal: Principal) -> bool {
        debug_assert!(self.of_sha256);
        self.insert_digest(self.keyed.digest(sha256), principal, true)
    }

    /// Takes other credentials in place of these, and returns those that are gone or mean something
    /// else now. The ones that stay are the same as before, and those that were revoked by hand stay
    /// revoked.
    #[cfg(feature = "files")]
    pub(crate) fn replace_by_sha256(
        &mut self,
        next: impl IntoIterator<Item = ([u8; 32], Principal)>,
    ) -> Revoked {
        self.make_revocable();
        let mut before = std::mem::take(&mut self.holders);
        let revoked = std::mem::take(&mut self.revoked);
        for (sha256, principal) in next {
            let digest = self.keyed.digest(&sha256);
            if revoked.contains(&digest) {
                self.revoked.insert(digest);
                continue;
            }
            match before.remove(&digest) {
                Some(holder) if holder.principal.has_same_grants(&principal) => {
                    self.holders.insert(digest, Holder { in_file: true, ..holder });
                }
                changed => {
                    self.insert_digest(digest, principal, true);
                    before.extend(changed.map(|holder| (digest, holder)));
                }
            }
        }
        Revoked(before.into_values().filter_map(|holder| holder.revocation).collect())
    }

    /// Takes all credentials out, as their file is gone. Those that were revoked by hand stay revoked
    /// when it is back.
    #[cfg(feature = "files")]
    pub(crate) fn remove_all(&mut self) -> Revoked {
        let removed = std::mem::take(&mut self.holders);
        Revoked(removed.into_values().filter_map(|holder| holder.revocation).collect())
    }

    fn insert_digest(&mut self, digest: Digest, principal: Principal, in_file: bool) -> bool {
        let Entry::Vacant(vacant) = self.holders.entry(digest) else { return false };
        let mut holder = Holder { principal, revocation: None, in_file };
        if self.revocable {
            holder.make_revocable();
        }
        vacant.insert(holder);
        true
    }

    /// Takes one credential out, if it is there.
    pub(crate) fn remove(&mut self, credential: &[u8]) -> Revoked {
        let digest = self.digest(credential);
        let removed = self.holders.remove(&digest);
        if removed.as_ref().is_some_and(|holder| holder.in_file) {
            self.revoked.insert(digest);
        }
        Revoked(removed.and_then(|holder| holder.revocation).into_iter().collect())
    }

    /// Takes out all credentials of this name.
    pub(crate) fn remove_by_name(&mut self, name: &str) -> Revoked {
        let of = |_: &Digest, holder: &mut Holder| holder.principal.name() == name;
        let removed: Vec<_> = self.holders.extract_if(of).collect();
        let in_file = removed.iter().filter(|(_, holder)| holder.in_file);
        self.revoked.extend(in_file.map(|(digest, _)| *digest));
        Revoked(removed.into_iter().filter_map(|(_, holder)| holder.revocation).collect())
    }

    /// Whose it is. The cost depends on the length of what is asked for, and on nothing held here.
    pub(crate) fn get(&self, credential: &[u8]) -> Option<&Principal> {
        Some(&self.holders.get(&self.digest(credential))?.principal)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.holders.is_empty()
    }

    fn digest(&self, credential: &[u8]) -> Digest {
        match self.of_sha256 {
            false => self.keyed.digest(credential),
            true => self.keyed.digest(&sha256(credential)),
        }
    }
}

/// Shows how many there are; names are not secret, but a million of them are no help.
impl fmt::Debug for CredentialTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} credentials]", self.holders.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_exactly_what_was_inserted() {
        let mut table = CredentialTable::new();
        assert!(table.insert(b"token-of-alice", Principal::new("alice")));
        assert!(!table.insert(b"token-of-alice", Principal::new("mallory")));
        assert_eq!(table.get(b"token-of-alice").unwrap().name(), "alice");
        for other in ["token-of-alic", "token-of-alice ", "Token-of-alice", ""] {
            assert!(table.get(other.as_bytes()).is_none(), "{other:?}");
        }
    }

    #[cfg(feature = "files")]
    #[test]
    fn finds_what_was_inserted_by_its_sha256() {
        let mut table = CredentialTable::of_sha256();
        let digest = sha256(b"token-of-alice");
        assert!(table.insert_sha256(&digest, Principal::new("alice")));
        assert!(!table.insert(b"token-of-alice", Principal::new("mallory")));
        assert!(table.insert(b"token-of-bob", Principal::new("bob")));
        assert_eq!(table.get(b"token-of-alice").unwrap().name(), "alice");
        assert_eq!(table.get(b"token-of-bob").unwrap().name(), "bob");
        assert!(table.get(&digest).is_none(), "the digest is not the token");
    }

    /// A table of a file that has this token.
    #[cfg(feature = "files")]
    fn reload(table: &mut CredentialTable, tokens: &[&str]) {
        let next = tokens.iter().map(|token| (sha256(token), Principal::new("ci")));
        let _ = table.replace_by_sha256(next);
    }

    #[cfg(feature = "files")]
    #[test]
    fn a_revocation_is_kept_as_long_as_the_file_has_the_line() {
        let mut table = CredentialTable::of_sha256();
        let is_valid = |table: &CredentialTable| table.get(b"leaked").is_some();
        reload(&mut table, &["leaked"]);
        assert!(table.remove(b"leaked").end() == 1);
        // The file was gone, and is back as it was.
        let _ = table.remove_all();
        reload(&mut table, &["leaked", "other"]);
        assert!(!is_valid(&table) && table.get(b"other").is_some());
        reload(&mut table, &["other"]);
        reload(&mut table, &["leaked", "other"]);
        assert!(is_valid(&table));
        // By hand it is valid again, and can be revoked again.
        let _ = table.remove(b"leaked");
        assert!(table.insert(b"leaked", Principal::new("ci")));
        reload(&mut table, &["leaked"]);
        assert!(is_valid(&table));
        let _ = table.remove(b"leaked");
        reload(&mut table, &["leaked"]);
        assert!(!is_valid(&table));
    }

    #[cfg(feature = "files")]
    #[test]
    fn a_revocation_of_what_the_file_does_not_have_is_not_kept() {
        let mut table = CredentialTable::of_sha256();
        reload(&mut table, &["other"]);
        for token in ["a", "b", "c"] {
            assert!(table.insert(token.as_bytes(), Principal::new("ci")));
            assert_eq!(table.remove(token.as_bytes()).end(), 1);
        }
        assert!(table.revoked.is_empty());
        assert!(table.insert(b"d", Principal::new("ci")));
        let _ = table.remove_by_name("ci");
        assert_eq!(table.revoked.len(), 1, "of the file's");
        reload(&mut table, &["d", "other"]);
        assert!(table.get(b"d").is_some() && table.get(b"other").is_none());
    }
}
