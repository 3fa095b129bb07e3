//! Failed attempts: how their counters are stored, and the steps that change them.

use std::time::Duration;

use super::keys::Keys;
use super::link::{Link, LinkError, Script};
use crate::stores::{AttemptKeys, AttemptStatus, AttemptStep, Quota};

/// How long a client is known.
const KNOWN_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// How many clients one subject knows: otherwise one valid password and many addresses would fill the server.
const CLIENTS_PER_SUBJECT: u64 = 64;

/// The longest time that is counted, 71 years. The sum of it and the time since 1970 is exact in the numbers of Lua.
const MAX_MICROS: u64 = 1 << 51;

/// The scripts of failed attempts.
pub(super) struct Attempts {
    attempt: Script,
    remember: Script,
}

/// What the keys of attempts begin with.
enum Kind {
    /// The set of clients that a subject knows.
    KnownClients,
    /// A counter of a known client and a subject.
    KnownClient,
    /// A counter of a network or an address.
    Address,
    /// A counter of an address and a user.
    User,
}

impl Attempts {
    pub(super) fn new() -> Self {
        Self {
            attempt: Script::new(include_str!("attempt.lua")),
            remember: Script::new(include_str!("remember.lua")),
        }
    }

    /// Applies a step.
    ///
    /// If the connection breaks, a step is sent once more, and an attempt may count twice. What is given back is never
    /// given back twice.
    pub(super) async fn apply(
        &self,
        link: &Link,
        names: &Keys,
        step: AttemptStep,
        keys: &AttemptKeys,
    ) -> Result<AttemptStatus, LinkError> {
        let is_given_back = matches!(step, AttemptStep::GiveBack { .. });
        let step = match step {
            AttemptStep::Check => "check",
            AttemptStep::Take => "take",
            AttemptStep::Charge => "charge",
            AttemptStep::GiveBack { was_known: true } => "known",
            AttemptStep::GiveBack { was_known: false } => "unknown",
            AttemptStep::Remember => {
                self.remember(link, names, keys).await?;
                return Ok(AttemptStatus::default());
            }
        };
        let (counters, arguments) = (counters(names, keys), arguments(step, keys));
        let reply = if is_given_back {
            link.call_once(&self.attempt, &counters, &arguments).await?
        } else {
            link.call(&self.attempt, &counters, &arguments).await?
        };
        let (wait, known): (u64, bool) = redis::from_redis_value(reply)?;
        Ok(AttemptStatus { known, wait: (wait > 0).then(|| Duration::from_micros(wait)) })
    }

    async fn remember(
        &self,
        link: &Link,
        names: &Keys,
        keys: &AttemptKeys,
    ) -> Result<(), LinkError> {
        let subjects: Vec<_> = known_clients(names, keys).collect();
        if subjects.is_empty() {
            return Ok(());
        }
        let arguments = [
            client(keys),
            text(KNOWN_FOR.as_micros() as u64),
            text(CLIENTS_PER_SUBJECT),
            Vec::new(),
        ];
        link.call(&self.remember, &subjects, &arguments).await.map(drop)
    }
}

/// Returns the keys of the script of attempts.
fn counters(names: &Keys, keys: &AttemptKeys) -> Vec<Vec<u8>> {
    let client = keys.client().to_be_bytes();
    let known = keys.subjects().map(|subject| {
        let pair = [subject.to_be_bytes(), client].concat();
        names.attempts(Kind::KnownClient.letter(), &pair)
    });
    let counter = |kind: Kind, key: u128| names.attempts(kind.letter(), &key.to_be_bytes());
    let addresses = keys.address_counters().map(|address| counter(Kind::Address, address.key));
    let users = keys.user_counters().map(|user| counter(Kind::User, user.key));
    known_clients(names, keys).chain(known).chain(addresses).chain(users).collect()
}

/// Returns the keys of the sets of known clients.
fn known_clients(names: &Keys, keys: &AttemptKeys) -> impl Iterator<Item = Vec<u8>> {
    let kind = Kind::KnownClients.letter();
    keys.subjects().map(move |subject| names.attempts(kind, &subject.to_be_bytes()))
}

/// Returns the arguments of the script of attempts.
fn arguments(step: &str, keys: &AttemptKeys) -> Vec<Vec<u8>> {
    let head = [step.as_bytes().to_vec(), client(keys), text(keys.subjects().count() as u64)];
    let quotas = std::iter::once(keys.known_quota()).chain(keys.counters().map(|one| one.quota));
    let quotas = quotas.flat_map(|quota| {
        let (interval, burst) = micros(quota);
        [text(interval), text(burst)]
    });
    head.into_iter().chain(quotas).chain([Vec::new()]).collect()
}

fn client(keys: &AttemptKeys) -> Vec<u8> {
    keys.client().to_be_bytes().to_vec()
}

fn text(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}

/// Returns the interval of a quota in whole microseconds, and its burst: never more attempts than it allows.
fn micros(quota: Quota) -> (u64, u64) {
    let interval = quota.interval().as_nanos().div_ceil(1000).min(MAX_MICROS.into()) as u64;
    (interval, u64::from(quota.burst()).min(MAX_MICROS / interval))
}

impl Kind {
    fn letter(&self) -> u8 {
        match self {
            Self::KnownClients => b's',
            Self::KnownClient => b'k',
            Self::Address => b'a',
            Self::User => b'u',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_in_microseconds_allow_no_more() {
        let second = Duration::from_secs(1);
        for (burst, interval, expected) in [
            (20, 3 * second, (3_000_000, 20)),
            (5, Duration::from_nanos(1), (1, 5)),
            (5, Duration::from_nanos(1001), (2, 5)),
            (u32::MAX, second, (1_000_000, MAX_MICROS / 1_000_000)),
            (9, Duration::MAX, (MAX_MICROS, 1)),
        ] {
            let quota = Quota::from_static(burst, interval);
            assert_eq!(micros(quota), expected, "{burst} {interval:?}");
        }
    }

    #[test]
    fn keys_and_arguments_are_in_the_order_of_the_script() {
        let quota = |seconds| Quota::from_static(3, Duration::from_secs(seconds));
        let names = Keys::new("mcp".to_owned()).unwrap();
        let keys = AttemptKeys::new(1, quota(1)).address(2, quota(2)).address(3, quota(3));
        let key = u128::from_be_bytes([7; 16]);
        let keys = keys.user(4, 5, quota(4)).user(6, key, quota(5));
        let counters = counters(&names, &keys);
        let kinds: Vec<_> = counters.iter().map(|key| key[b"{mcp:t}:".len()] as char).collect();
        assert_eq!(kinds, ['s', 's', 'k', 'k', 'a', 'a', 'u', 'u']);
        assert_eq!(counters[7], [&b"{mcp:t}:u"[..], &[7; 16]].concat());

        let arguments = arguments("take", &keys);
        let rest: Vec<_> = arguments[2..].iter().map(|one| str::from_utf8(one).unwrap()).collect();
        let million = |number: u64| format!("{number}000000");
        let expected = ["2".to_owned(), million(1), "3".into(), million(2), "3".into(), million(3)];
        assert_eq!(rest[..6], expected);
        assert_eq!((rest.len(), rest[11]), (1 + 2 * 5 + 1, ""));
    }
}
