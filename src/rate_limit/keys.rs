//! What one attempt is counted by: keyed hashes of its client, users and credential.

use http::request::Parts;
use http::{HeaderName, header};

use super::client_ip::Client;
use super::slots::Key;
use crate::auth::{Attempt, Cost};
use crate::crypto::KeyedHash;

/// The hashes of one attempt.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) client: Client,
    pub(super) address: u64,
    /// The claimed users.
    pub(super) users: Vec<User>,
    credential: u64,
    pub(super) cost: Cost,
}

#[derive(Clone)]
pub(super) struct User {
    pub(super) hash: u64,
    pub(super) pair: Key,
}

impl Keys {
    pub(super) fn new(
        hash: &KeyedHash,
        client: Client,
        attempt: &Attempt,
        head: &Parts,
        credential_headers: &[HeaderName],
    ) -> Self {
        let bits = client.bits();
        let users = attempt.users().map(|user| User {
            hash: high(hash.hash((b"user", user))),
            pair: key(hash.hash((b"pair", bits, user))),
        });
        let names = credential_headers.iter().chain([&header::AUTHORIZATION]);
        let credential = hash.hash_all(names.flat_map(|name| {
            let values = head.headers.get_all(name).iter();
            values.map(|value| (name.as_str(), value.as_bytes()))
        }));
        Self {
            client,
            address: high(hash.hash((b"client", bits))),
            users: users.collect(),
            credential: high(credential),
            cost: attempt.cost,
        }
    }

    /// What the client is known by: the claimed users or, where there are none, the credential.
    pub(super) fn subjects(&self) -> impl Iterator<Item = u64> {
        let credential = self.users.is_empty().then_some(self.credential);
        self.users.iter().map(|user| user.hash).chain(credential)
    }
}

/// What concurrent attempts with one credential have in common.
pub(super) fn pending_key(keys: &Keys) -> u64 {
    keys.address.rotate_left(1) ^ keys.credential
}

pub(super) fn high(hash: u128) -> u64 {
    (hash >> 64) as u64
}

/// Spreads a hash over the words that choose a slot, each of which needs few bits but the last.
pub(super) fn key(hash: u128) -> Key {
    let low = hash as u64;
    [low & 0xffff, low >> 16 & 0xffff_ffff, low >> 48, high(hash)]
}
