//! The keys of one attempt: keyed hashes of its client, users and credential.

use http::request::Parts;
use http::{HeaderName, header};

use super::client::Client;
use crate::auth::{Attempt, Cost};
use crate::crypto::{KeyedHash, Mac};
use crate::stores::{AttemptCounter, AttemptKeys, Quota};

/// How keys are hashed.
pub(super) enum Hasher {
    /// Under a random key of this process.
    Process(KeyedHash),
    /// Under a configured key, for hashes that leave the process.
    Shared(Mac),
}

impl Hasher {
    fn hash<'p>(&self, label: &'p str, parts: impl IntoIterator<Item = &'p [u8]>) -> u128 {
        let parts = std::iter::once(label.as_bytes()).chain(parts);
        match self {
            Self::Process(hash) => hash.hash_parts(parts),
            Self::Shared(mac) => {
                let tag = parts.fold(mac.clone(), |mac, part| mac.with_prefixed(part)).finish();
                let (words, _) = tag.as_chunks();
                u128::from_be_bytes(words[0])
            }
        }
    }
}

/// What a limiter counts by. Each quota applies to one key.
#[derive(Clone, Copy)]
pub(super) struct Quotas {
    pub(super) per_address: Quota,
    pub(super) per_user: Quota,
    /// Wrong credentials of a known client that were looked up before they were counted.
    pub(super) lookups: Quota,
    /// Questions to the shared store about a client that must wait, as far as this process knows.
    pub(super) questions: Quota,
}

/// The keys of one attempt.
#[derive(Clone)]
pub(super) struct Keys {
    /// What the attempt is counted by.
    pub(super) attempt: AttemptKeys,
    /// What wrong credentials of a known client are counted by.
    pub(super) lookup: AttemptCounter,
    /// What questions to the shared store about a waiting client are counted by.
    pub(super) question: AttemptCounter,
    pub(super) claims_user: bool,
    pub(super) cost: Cost,
    /// A hash of the credential, once it is needed.
    credential: Option<u64>,
}

impl Keys {
    pub(super) fn new(
        hasher: &Hasher,
        quotas: Quotas,
        client: Client,
        attempt: &Attempt,
        head: &Parts,
        credential_headers: &[HeaderName],
    ) -> Self {
        let bits = client.bits().to_be_bytes();
        let own_key = hasher.hash("client", [&bits[..]]);
        let mut keys = AttemptKeys::new(high(own_key), quotas.per_user);
        for network in client.networks() {
            let prefix = network.prefix.to_be_bytes();
            let key = match network.length {
                Client::LENGTH => own_key,
                length => hasher.hash("network", [&prefix[..], &[length]]),
            };
            keys = keys.address(key, quotas.per_address.times(network.factor));
        }
        let (mut claims_user, mut all_users) = (false, 0);
        for user in attempt.users() {
            let own_user = hasher.hash("user", [user]);
            let pair = hasher.hash("pair", [&bits[..], user]);
            keys = keys.user(high(own_user), pair, quotas.per_user);
            (claims_user, all_users) = (true, all_users ^ own_user);
        }
        // In the table of users, where no other counter has these keys. Hashes of different labels are independent.
        let question = AttemptCounter { key: own_key, quota: quotas.questions };
        let lookup = AttemptCounter { key: !(own_key ^ all_users), quota: quotas.lookups };
        let credential = None;
        let mut keys =
            Self { attempt: keys, lookup, question, claims_user, cost: attempt.cost, credential };
        if !claims_user {
            let credential = keys.add_credential(hasher, head, credential_headers);
            keys.attempt = keys.attempt.credential(credential);
        }
        keys
    }

    /// Adds a hash of the credential, without which [`pending`](Self::pending) and [`verified`](Self::verified) have no
    /// key. An attempt that claims no user has it from the beginning.
    pub(super) fn add_credential(
        &mut self,
        hasher: &Hasher,
        head: &Parts,
        credential_headers: &[HeaderName],
    ) -> u64 {
        *self.credential.get_or_insert_with(|| {
            let names = credential_headers.iter().chain([&header::AUTHORIZATION]);
            let credential = names.flat_map(|name| {
                let values = head.headers.get_all(name).iter();
                values.flat_map(|value| [name.as_str().as_bytes(), value.as_bytes()])
            });
            high(hasher.hash("credential", credential))
        })
    }

    /// Returns the key that concurrent attempts of one client with the same credential share.
    pub(super) fn pending(&self) -> Option<u64> {
        Some(self.attempt.client().rotate_left(1) ^ self.credential?)
    }

    /// Returns the key of the client and its credential, once that is verified.
    ///
    /// Each signed request has another signature, so the client and its users take the place of the credential where the
    /// secret cannot be guessed. Whether such a credential is right was found out already, without a
    /// store: the key only says whether the store has to be asked about it.
    pub(super) fn verified(&self) -> Option<u64> {
        if self.claims_user && self.cost == Cost::Unguessable {
            Some(high(self.lookup.key))
        } else {
            self.pending()
        }
    }
}

fn high(hash: u128) -> u64 {
    (hash >> 64) as u64
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    /// The keys of attempts at one limiter.
    struct Scene(Hasher);

    impl Scene {
        fn keys(&self, client: u8, users: &[&str], credential: &'static str) -> Keys {
            let quota = Quota::from_static(1, std::time::Duration::from_secs(1));
            let quotas =
                Quotas { per_address: quota, per_user: quota, lookups: quota, questions: quota };
            let client = Client::from(IpAddr::from(Ipv4Addr::new(192, 0, 2, client)));
            let claims = users.iter().map(|user| Attempt::claiming(*user));
            let attempt = claims.reduce(Attempt::and).unwrap_or_default();
            Keys::new(&self.0, quotas, client, &attempt, &head(credential), &[])
        }
    }

    fn head(credential: &'static str) -> Parts {
        let request = http::Request::get("/").header(header::AUTHORIZATION, credential);
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn each_counter_of_look_ups_has_a_key_of_its_own() {
        let scene = Scene(Hasher::Process(KeyedHash::new()));
        let mut used = std::collections::HashSet::new();
        for client in 0..4 {
            for users in [&[][..], &["a"], &["b"], &["ab"], &["a", "b"], &["a", "b", "c"]] {
                let keys = scene.keys(client, users, "Basic YTpi");
                assert!(used.insert(keys.lookup.key), "{client} {users:?}");
                assert_eq!(scene.keys(client, users, "other").lookup, keys.lookup);
                for user in keys.attempt.user_counters() {
                    assert_ne!(user.key, keys.lookup.key);
                }
                assert!(keys.question.key != keys.lookup.key);
            }
        }
    }

    #[test]
    fn attempts_share_nothing_before_their_credential_is_hashed() {
        let scene = Scene(Hasher::Process(KeyedHash::new()));
        let pending = |client, credential| {
            let mut keys = scene.keys(client, &["alice"], credential);
            assert!(keys.pending().is_none() && keys.verified().is_none());
            keys.add_credential(&scene.0, &head(credential), &[]);
            assert_eq!(keys.pending(), keys.verified());
            keys.pending().unwrap()
        };
        assert_eq!(pending(1, "a"), pending(1, "a"));
        assert_ne!(pending(1, "a"), pending(1, "b"));
        assert_ne!(pending(1, "a"), pending(2, "a"));
        // A credential that claims no user is a subject, and has its hash from the beginning.
        let token = scene.keys(1, &[], "a");
        assert!(token.pending().is_some() && token.attempt.subjects().count() == 1);
    }
}
