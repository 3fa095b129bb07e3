//! The holders of the credentials of a table, by digest, with a shortcut for credentials that were presented before.
//!
//! Most requests present one of a few credentials. SipHash tells those from all others in half the time that SHA-256
//! takes with instructions for it, and in an eighth without. Only a right credential gets into the shortcut, and what
//! changes the holders empties it: a shortcut that outlived a change would accept a revoked credential.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::OnceLock;

use subtle::ConstantTimeEq;

use super::grant::Grant;
use crate::auth::Revocation;
use crate::crypto::{AlreadyHashed, Digest, KeyedHash};

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

    /// Returns what a credential grants that has this digest.
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
/// A slot is written once. A credential whose slot another one has is looked up by its digest.
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
        let _ = slot.set((tag, grant.clone()));
        Some(grant)
    }
}
