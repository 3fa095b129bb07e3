//! The users of one version of a password file. The table is replaced as a whole: a request sees one
//! version.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::Block;

use super::cache::{CachedCredential, CredentialKey, LineKey};
use super::file::PasswordFile;
use super::hash::{Cost, Hash};
use crate::auth::{Principal, Revocation};
use crate::credentials::{ByName, Found, Grant, Revoked};
use crate::crypto::Digest;

pub(super) struct UserTable {
    by_name: ByName<Arc<User>>,
    dummies: Dummies,
    memory: Mutex<Vec<Vec<Block>>>,
}

/// A user, and the hash of their line.
pub(super) struct User {
    pub(super) grant: Grant,
    /// Ends the streams that were opened with this line.
    revocation: Revocation,
    pub(super) hash: Hash,
    pub(super) key: LineKey,
    pub(super) cached: CachedCredential,
}

impl UserTable {
    /// Creates a table without users.
    pub(super) fn empty() -> Self {
        let dummies = Dummies { hashes: Vec::new() };
        Self { by_name: ByName::default(), dummies, memory: Mutex::default() }
    }

    /// Creates the table of a file. Users whose lines have not changed since `before` are taken over
    /// from there: with the same principal, and with their cached credential.
    pub(super) fn new(file: PasswordFile, key: &CredentialKey, before: Option<&Self>) -> Self {
        let dummies = Dummies::new(&file);
        let by_name = file.lines.into_iter().map(|line| {
            let same = before
                .and_then(|before| before.by_name.get(&line.user))
                .filter(|known| known.hash == line.hash);
            let user = same.cloned().unwrap_or_else(|| {
                let revocation = Revocation::by_removal();
                Arc::new(User {
                    grant: Grant::new(Principal::new(&*line.user)).revoked_by(revocation.clone()),
                    revocation,
                    key: key.line(&line.user, &line.text),
                    hash: line.hash,
                    cached: CachedCredential::default(),
                })
            });
            (line.user, user)
        });
        Self { by_name: by_name.collect(), dummies, memory: Mutex::default() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Arc<User>> {
        self.by_name.get(name)
    }

    /// Returns the user of this name, or a stand-in; `None` if there are no users.
    pub(super) fn find(&self, name: &str) -> Option<Found<'_, Arc<User>>> {
        self.by_name.find(name)
    }

    /// Returns the users who are not in `next`, or have another line there.
    pub(super) fn removed_in(&self, next: &Self) -> Revoked {
        let removed = self.by_name.iter().filter(|(name, user)| {
            !next.by_name.get(name).is_some_and(|kept| Arc::ptr_eq(kept, user))
        });
        removed.map(|(_, user)| user.revocation.clone()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Returns the hash against which the password of an unknown user is verified.
    pub(super) fn dummy(&self, name: Digest) -> &Hash {
        self.dummies.get(name)
    }

    /// Calls `work` with memory for argon2, which is reused: there are never more blocks of it than
    /// verifications ran at a time.
    pub(super) fn with_memory<T>(&self, work: impl FnOnce(&mut Vec<Block>) -> T) -> T {
        let free = || self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = free().pop().unwrap_or_default();
        let result = work(&mut memory);
        free().push(memory);
        result
    }

    /// Returns how many blocks of memory are free.
    #[cfg(test)]
    pub(super) fn free_memory(&self) -> usize {
        self.memory.lock().unwrap().iter().map(Vec::capacity).sum()
    }
}

/// A dummy hash of each cost that the file has, chosen for as large a share of unknown names as the
/// file has users of that cost. So the time that a rejection takes does not reveal whether the name is
/// known.
struct Dummies {
    /// Each with the number of users whose cost is this one or an earlier one of the list.
    hashes: Vec<(usize, Hash)>,
}

impl Dummies {
    fn new(file: &PasswordFile) -> Self {
        let mut users_by_cost = BTreeMap::new();
        for line in &file.lines {
            *users_by_cost.entry(line.hash.cost()).or_insert(0) += 1;
        }
        let sums = users_by_cost.into_iter().scan(0, |sum, (cost, users)| {
            *sum += users;
            Some((*sum, Hash::dummy(cost)))
        });
        let mut hashes: Vec<_> = sums.collect();
        if hashes.is_empty() {
            hashes.push((1, Hash::dummy(Cost::Bcrypt(10)))); // a file without users
        }
        Self { hashes }
    }

    /// Returns the same dummy for a name each time, even if some other users are added or removed.
    fn get(&self, name: Digest) -> &Hash {
        let users = self.hashes.last().map_or(0, |(sum, _)| *sum);
        let at = ((u128::from(name.word()) * users as u128) >> 64) as usize;
        let index = self.hashes.partition_point(|(sum, _)| *sum <= at);
        &self.hashes[index].1
    }
}

#[cfg(test)]
mod tests;
