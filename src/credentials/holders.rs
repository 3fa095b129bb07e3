//! The holders of the credentials of a table, by digest, with a shortcut for credentials that were presented before.
//!
//! Most requests present one of a few credentials. SipHash tells these from all others in half the time of SHA-256 on
//! processors with instructions for SHA-256, and in an eighth of it on others. Only a right credential gets into the shortcut, and what
//! changes the holders empties it: a shortcut that outlived a change would accept a revoked credential.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use subtle::ConstantTimeEq;

use super::grant::Grant;
use crate::auth::Revocation;
use crate::crypto::{AlreadyHashed, Digest, KeyedHash};
use crate::sync::OnceLock;

/// The holders of credentials, by the digest of their credential.
pub(super) type ByDigest = HashMap<Digest, Holder, BuildHasherDefault<AlreadyHashed>>;

/// What a credential grants.
#[derive(Clone)]
pub(super) struct Holder {
    pub(super) grant: Grant,
    /// Ends the lifetime of the grant; `None` if the credential cannot be removed.
    pub(super) revocation: Option<Revocation>,
    /// Whether the file has this credential, and will have it again when it is reloaded.
    pub(super) in_file: bool,
}

impl Holder {
    pub(super) fn revocable(grant: Grant, in_file: bool) -> Self {
        let revocation = Revocation::by_removal();
        let grant = grant.revoked_by(revocation.clone());
        Self { grant, revocation: Some(revocation), in_file }
    }
}

/// The holders of a table. There is no other way to change them than [`edit`](Self::edit).
#[derive(Default)]
pub(super) struct Holders {
    by_digest: ByDigest,
    /// Made for the number of holders when the first credential is looked up.
    shortcut: OnceLock<Shortcut>,
}

impl Holders {
    /// Returns the holders, to be changed. The shortcut is empty afterwards.
    pub(super) fn edit(&mut self) -> &mut ByDigest {
        self.shortcut = OnceLock::new();
        &mut self.by_digest
    }

    /// Returns what this credential grants, if the table has it. `digest` computes its digest.
    pub(super) fn get(
        &self,
        credential: &[u8],
        digest: impl FnOnce(&[u8]) -> Digest,
    ) -> Option<&Grant> {
        let by_digest = || self.by_digest.get(&digest(credential)).map(|holder| &holder.grant);
        let shortcut = self.shortcut.get_or_init(|| Shortcut::new(self.by_digest.len()));
        shortcut.get(credential, by_digest)
    }

    pub(super) fn len(&self) -> usize {
        self.by_digest.len()
    }
}

/// Begins with an empty shortcut.
impl Clone for Holders {
    fn clone(&self) -> Self {
        Self { by_digest: self.by_digest.clone(), shortcut: OnceLock::new() }
    }
}

/// Grants of credentials that were presented before, each in a slot that the keyed hash of its credential chooses.
///
/// A slot is written once. A credential whose slot is taken by another one is looked up by its digest.
struct Shortcut {
    hash: KeyedHash,
    /// A power of two of them; none if there are too many credentials.
    slots: Box<[OnceLock<(u128, Grant)>]>,
}

/// The number of credentials up to which there is a shortcut. The slots of more would not stay in the caches, and each
/// look-up in vain would cost.
const MAX_CREDENTIALS: usize = 2048;

impl Shortcut {
    fn new(credentials: usize) -> Self {
        let count = match credentials {
            1..=MAX_CREDENTIALS => (2 * credentials).next_power_of_two(),
            _ => 0,
        };
        Self { hash: KeyedHash::new(), slots: (0..count).map(|_| OnceLock::new()).collect() }
    }

    /// Returns the grant of a credential that was found before, or what `find` finds.
    fn get<'g>(
        &'g self,
        credential: &[u8],
        find: impl FnOnce() -> Option<&'g Grant>,
    ) -> Option<&'g Grant> {
        let Some(mask) = self.slots.len().checked_sub(1) else { return find() };
        let tag = self.hash.hash(credential);
        let slot = &self.slots[tag as usize & mask];
        if let Some((known, grant)) = slot.get()
            && known.ct_eq(&tag).into()
        {
            return Some(grant);
        }
        let grant = find()?;
        slot.get_or_init(|| (tag, grant.clone()));
        Some(grant)
    }
}

#[cfg(test)]
mod tests {
    use super::super::revoked::Revoked;
    use super::super::table::{CredentialTable, TokenDigest};
    use super::*;
    use crate::auth::Principal;
    use crate::crypto::sha256;

    /// A look-up takes a shortcut to a credential that was found before: no change may leave that open.
    #[test]
    fn changes_apply_to_credentials_that_were_found_before() {
        type Change = fn(&mut CredentialTable) -> Revoked;
        let changes: [(Change, Option<&str>); 5] = [
            (|table| table.remove(b"token"), None),
            (|table| table.remove_by_name("alice"), None),
            (|table| table.remove_all(), None),
            (|table| table.replace([]), None),
            (
                |table| {
                    let bob = Grant::new(Principal::new("bob"));
                    table.replace([(TokenDigest(sha256(b"token")), bob)])
                },
                Some("bob"),
            ),
        ];
        for (index, (change, expected)) in changes.into_iter().enumerate() {
            let mut table = CredentialTable::with_sha256();
            let name = |table: &CredentialTable| {
                table.get(b"token").map(|grant| grant.principal.name().to_owned())
            };
            assert_eq!(name(&table), None);
            assert!(table.insert(b"token", Principal::new("alice")));
            assert_eq!(name(&table).as_deref(), Some("alice"));
            assert!(table.insert(b"other", Principal::new("carol")));
            assert_eq!(table.get(b"other").unwrap().principal.name(), "carol");
            for _ in 0..2 {
                assert_eq!(name(&table).as_deref(), Some("alice"));
            }
            let before = table.clone();
            let revoked = change(&mut table);
            for _ in 0..2 {
                assert_eq!(name(&table).as_deref(), expected, "change {index}");
                assert_eq!(name(&before).as_deref(), Some("alice"), "its own");
            }
            assert!(revoked.cancel() >= 1);
        }
    }

    /// The table of `count` credentials, of which each is looked up twice, and wrong ones as well.
    fn assert_found(count: usize) {
        let mut table = CredentialTable::new();
        let token = |index: usize| format!("token-{index}").into_bytes();
        for index in 0..count {
            assert!(table.insert_permanent(&token(index), Principal::new(index.to_string())));
        }
        for _ in 0..2 {
            for index in 0..count + 64 {
                let found = table.get(&token(index)).map(|grant| grant.principal.name());
                let expected = (index < count).then(|| index.to_string());
                assert_eq!(found, expected.as_deref(), "{index} of {count}");
            }
        }
    }

    #[test]
    fn credentials_that_share_slots_are_told_apart() {
        for count in [0, 1, 2, 3, 500] {
            assert_found(count);
        }
    }

    #[test]
    fn tables_with_and_without_a_shortcut_find_the_same() {
        for count in [MAX_CREDENTIALS, MAX_CREDENTIALS + 1] {
            let slots = Shortcut::new(count).slots.len();
            assert_eq!(slots > 0, count == MAX_CREDENTIALS);
            assert_found(count);
        }
    }
}
