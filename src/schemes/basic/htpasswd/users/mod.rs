//! The users of one reading of a password file. It is replaced as a whole: a request sees one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use argon2::Block;

use tokio_util::sync::CancellationToken;

use super::cache::{CachedCredential, CredentialKey, LineKey};
use super::file::PasswordFile;
use super::hash::{Cost, Hash};
use crate::auth::Principal;
use crate::credentials::Revoked;
use crate::crypto::Digest;

pub(super) struct Users {
    of: HashMap<Box<str>, Arc<User>>,
    dummies: Dummies,
    memory: Mutex<Vec<Vec<Block>>>,
}

/// A user, and what their line says.
pub(super) struct User {
    pub(super) principal: Principal,
    /// Ends what was opened by this line.
    revocation: CancellationToken,
    pub(super) hash: Hash,
    pub(super) key: LineKey,
    pub(super) remembered: CachedCredential,
}

impl Users {
    /// Nobody.
    pub(super) fn none() -> Self {
        let dummies = Dummies { hashes: Vec::new() };
        Self { of: HashMap::new(), dummies, memory: Mutex::default() }
    }

    /// Whose lines have not changed since `before` are the same as there: remembered, and of the
    /// same principal.
    pub(super) fn new(file: PasswordFile, key: &CredentialKey, before: Option<&Self>) -> Self {
        let dummies = Dummies::new(&file);
        let of = file.lines.into_iter().map(|line| {
            let same = before
                .and_then(|before| before.of.get(&line.user))
                .filter(|known| known.hash == line.hash);
            let user = same.cloned().unwrap_or_else(|| {
                let revocation = CancellationToken::new();
                Arc::new(User {
                    principal: Principal::new(&*line.user).until_removed(revocation.clone()),
                    revocation,
                    key: key.line(&line.user, &line.text),
                    hash: line.hash,
                    remembered: CachedCredential::default(),
                })
            });
            (line.user, user)
        });
        Self { of: of.collect(), dummies, memory: Mutex::default() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Arc<User>> {
        self.of.get(name)
    }

    /// What ends the answers to those who are not in `other`, or have another line there.
    pub(super) fn not_in(&self, other: &Self) -> Revoked {
        let kept =
            |name: &str, user| other.of.get(name).is_some_and(|kept| Arc::ptr_eq(kept, user));
        let gone = self.of.iter().filter(|(name, user)| !kept(name, user));
        Revoked::of(gone.map(|(_, user)| user.revocation.clone()).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.of.len()
    }

    /// What a user that does not exist is verified against.
    pub(super) fn dummy(&self, name: Digest) -> &Hash {
        self.dummies.get(name)
    }

    /// Does something with memory for argon2, which was used before where some is free: there is
    /// never more of it than there were verifications at a time.
    pub(super) fn with_memory<T>(&self, work: impl FnOnce(&mut Vec<Block>) -> T) -> T {
        let free = || self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = free().pop().unwrap_or_default();
        let done = work(&mut memory);
        free().push(memory);
        done
    }

    /// How many blocks of memory are free.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.memory.lock().unwrap().iter().map(Vec::capacity).sum()
    }
}

/// A hash of each cost that the file has, and as many unknown names for each as it has users: how
/// long it takes to refuse a name does not say whether it is known.
struct Dummies {
    /// With how many users have this cost or one that is listed before it.
    hashes: Vec<(usize, Hash)>,
}

impl Dummies {
    fn new(file: &PasswordFile) -> Self {
        let mut users_of = BTreeMap::new();
        for line in &file.lines {
            *users_of.entry(line.hash.cost()).or_insert(0) += 1;
        }
        let sums = users_of.into_iter().scan(0, |sum, (cost, users)| {
            *sum += users;
            Some((*sum, Hash::dummy(cost)))
        });
        let mut hashes: Vec<_> = sums.collect();
        if hashes.is_empty() {
            hashes.push((1, Hash::dummy(Cost::Bcrypt(10)))); // of a file that has no user any more
        }
        Self { hashes }
    }

    /// The same one for a name each time, even if some other users come or go.
    fn get(&self, name: Digest) -> &Hash {
        let users = self.hashes.last().map_or(0, |(sum, _)| *sum);
        let at = ((u128::from(name.word()) * users as u128) >> 64) as usize;
        let index = self.hashes.partition_point(|(sum, _)| *sum <= at);
        &self.hashes[index].1
    }
}

#[cfg(test)]
mod tests;
