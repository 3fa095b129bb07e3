//! Keys of a fake issuer, on a paused clock.

mod discovery;
mod endpoint;
#[cfg(shuttle)]
mod interleavings;
#[cfg(feature = "metrics")]
mod metrics;
mod outages;
mod rotation;
mod runtimes;
mod schedule;
mod single_flight;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::sync::Notify;

use super::error::RemoteError;
use super::fetch::{Fetch, Fetched, Fetching};
use super::*;
use crate::auth::Revocation;
use crate::schemes::oauth::algorithm::Algorithm;
use crate::schemes::oauth::keys::{Absent, KeySet, Match};

const ISSUER: &str = "https://id.example.com";

/// Returns a JWK set with keys of these names.
fn jwks(ids: &[&str]) -> String {
    let key = |id: &&str| {
        let public = URL_SAFE_NO_PAD.encode(crate::crypto::sha256(*id));
        format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{id}","x":"{public}"}}"#)
    };
    format!(r#"{{"keys":[{}]}}"#, ids.iter().map(key).collect::<Vec<_>>().join(","))
}

/// What the fake issuer does with a fetch.
#[derive(Clone)]
enum Does {
    Publish(&'static [&'static str]),
    PublishFor(&'static [&'static str], Duration),
    Fail,
    Panic,
    /// Waits until it does something else.
    Wait,
}

/// An issuer that a test controls.
#[derive(Clone)]
struct FakeIssuer(Arc<Inner>);

struct Inner {
    does: Mutex<Does>,
    changed: Notify,
    fetches: Mutex<Vec<tokio::time::Instant>>,
}

impl FakeIssuer {
    fn that(does: Does) -> (Self, RemoteKeys) {
        let inner = Inner { does: does.into(), changed: Notify::new(), fetches: Mutex::default() };
        let issuer = Self(Arc::new(inner));
        let keys = RemoteKeys::with(ISSUER, Box::new(issuer.clone()));
        (issuer, keys)
    }

    fn now(&self, does: Does) {
        *self.0.does.lock().unwrap() = does;
        self.0.changed.notify_waiters();
    }

    /// Returns how many fetches there were.
    fn fetches(&self) -> usize {
        self.0.fetches.lock().unwrap().len()
    }

    /// Returns how many seconds were between the fetches.
    fn intervals(&self) -> Vec<u64> {
        let fetches = self.0.fetches.lock().unwrap();
        fetches.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect()
    }

    async fn answer(&self) -> Result<Fetched, RemoteError> {
        self.0.fetches.lock().unwrap().push(tokio::time::Instant::now());
        loop {
            let changed = self.0.changed.notified();
            let does = self.0.does.lock().unwrap().clone();
            let (ids, max_age) = match does {
                Does::Publish(ids) => (ids, None),
                Does::PublishFor(ids, max_age) => (ids, Some(max_age)),
                Does::Fail => {
                    let problem = "it is down";
                    return Err(RemoteError::Metadata { url: ISSUER.to_owned(), problem });
                }
                Does::Panic => panic!("a bug of the fetch"),
                Does::Wait => {
                    changed.await;
                    continue;
                }
            };
            return Ok(Fetched { keys: KeySet::parse(jwks(ids).as_bytes()).unwrap(), max_age });
        }
    }
}

impl Fetch for FakeIssuer {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.answer())
    }
}

/// What becomes of a token that is signed with a key.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Known,
    /// 401.
    Unknown,
    /// 503, with `Retry-After` in seconds.
    Unavailable(u64),
}

use Verdict::{Known, Unavailable, Unknown};

fn find(set: &KeySet, id: &str) -> Option<Revocation> {
    match set.find(Some(id), Algorithm::EdDSA) {
        Match::Keys(mut keys) => keys.next().map(|key| key.revocation.clone()),
        _ => None,
    }
}

fn revocation(keys: &RemoteKeys, id: &str) -> Option<Revocation> {
    keys.with_current(|set| find(set, id))
}

/// Looks a key up, without waiting. `None` if the issuer has to be asked.
fn look(keys: &RemoteKeys, id: &str) -> Option<Verdict> {
    keys.with_current(|set| {
        if find(set, id).is_some() {
            return Some(Known);
        }
        match keys.absent(set) {
            Absent::Unknown => Some(Unknown),
            Absent::Unavailable { retry_after } => Some(Unavailable(retry_after.as_secs())),
            Absent::Ask => None,
        }
    })
}

/// Looks a key up as an authenticator does, which waits once.
async fn verdict(keys: &RemoteKeys, id: &str) -> Verdict {
    if let Some(verdict) = look(keys, id) {
        return verdict;
    }
    keys.fetched().await;
    look(keys, id).expect("the issuer was asked")
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
