//! A process of several: it claims the nonces of signatures at the store that all share.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mcp_auth_layer::stores::{
    Connect, NonceClaim, NonceStatus, RedisError, RedisStore, ReplayStore, StoreKey,
};

/// How much clocks may differ.
pub const SKEW: Duration = Duration::from_secs(2);
/// How long signatures are valid, in seconds.
pub const VALIDITY: u64 = 2;
/// The key that all processes have, unless a test says otherwise.
pub const KEY: [u8; 32] = *b"the key that these processes use";

/// A process with a store of its own, hence with a connection and a memory of its own.
pub struct Process {
    store: RedisStore,
    skew: Duration,
}

/// A signature, as far as a store sees it.
#[derive(Clone, Debug)]
pub struct Signature {
    pub nonce: String,
    /// In seconds since 1970, as `expires`.
    pub created: u64,
    pub expires: u64,
}

/// What a process does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It serves the request.
    Served,
    Replayed,
    Untimely,
    /// 503, and after how long a new signature is served.
    NotYet(Duration),
    /// 503.
    Failed(String),
}

impl Process {
    /// Starts a process.
    ///
    /// # Panics
    ///
    /// If it cannot connect.
    pub async fn start(url: &str) -> Self {
        Self::with(url, KEY, SKEW).await
    }

    /// Starts a process with another key or skew.
    pub async fn with(url: &str, key: [u8; 32], skew: Duration) -> Self {
        Self::connect(Self::options(url, key, skew), skew).await
    }

    /// Starts a process with the default timeout. Others are patient, so that they do not fail on a slow machine.
    pub async fn with_default_timeout(url: &str) -> Self {
        let options = RedisStore::connect(url, StoreKey::from(KEY)).key_prefix("tests").skew(SKEW);
        Self::connect(options, SKEW).await
    }

    /// Starts a process with these options.
    pub async fn connect(options: Connect, skew: Duration) -> Self {
        let store = options.await.unwrap_or_else(|error| panic!("{error}"));
        Self { store, skew }
    }

    /// Connects as a process does that starts.
    pub async fn try_start(url: &str) -> Result<RedisStore, RedisError> {
        Self::options(url, KEY, SKEW).await
    }

    /// Returns the options of a connection.
    pub fn options(url: &str, key: [u8; 32], skew: Duration) -> Connect {
        let timeout = Duration::from_secs(3);
        RedisStore::connect(url, StoreKey::from(key))
            .key_prefix("tests")
            .skew(skew)
            .timeout(timeout)
    }

    /// Starts several processes.
    pub async fn several(count: usize, url: &str) -> Vec<Self> {
        futures::future::join_all((0..count).map(|_| Self::start(url))).await
    }

    /// Takes a request with this signature.
    pub async fn take(&self, signature: &Signature) -> Answer {
        let Signature { nonce, created, expires } = signature;
        let claim = NonceClaim::new("ci", nonce, *created, *expires, self.skew);
        match self.store.claim(&claim).await {
            Ok(NonceStatus::Fresh) => Answer::Served,
            Ok(NonceStatus::Replayed) => Answer::Replayed,
            Ok(NonceStatus::Untimely) => Answer::Untimely,
            Ok(NonceStatus::Unknown { retry_after }) => Answer::NotYet(retry_after),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Answer::Failed(error.to_string()),
        }
    }

    /// Takes new requests until one is served, and returns its signature.
    pub async fn until_served(&self) -> Signature {
        let mut answer = Answer::Untimely;
        for _ in 0..1500 {
            let signature = Signature::new(0);
            answer = self.take(&signature).await;
            if answer == Answer::Served {
                return signature;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no request is served: {answer:?}");
    }

    pub fn store(&self) -> &RedisStore {
        &self.store
    }
}

impl Signature {
    /// Signs a request, by a clock that is ahead by this many milliseconds.
    pub fn new(ahead: i64) -> Self {
        let nonce = format!("{:032x}", rand(u128::MAX));
        let created = now().saturating_add_signed(ahead) / 1000;
        Self { nonce, created, expires: created + VALIDITY }
    }

    /// Signs a request by a clock that is ahead or behind by the skew at most.
    pub fn of_any_clock() -> Self {
        let skew = SKEW.as_millis() as i64;
        Self::new(rand(2 * skew as u128 + 1) as i64 - skew)
    }

    /// Returns after how long the signature is valid nowhere.
    pub fn remaining(&self) -> Duration {
        let end = self.expires * 1000 + SKEW.as_millis() as u64 + 2000;
        Duration::from_millis(end.saturating_sub(now()))
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

/// Returns the time in milliseconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64
}

/// Returns a random number below a limit.
fn rand(limit: u128) -> u128 {
    use std::hash::{BuildHasher, RandomState};
    let half = || u128::from(RandomState::new().hash_one(()));
    (half() << 64 | half()) % limit
}
