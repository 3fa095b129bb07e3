//! Failed attempts in a store that replicas share, through the whole layer.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use mcp_auth_layer::auth::BoxError;
use mcp_auth_layer::stores::{
    AttemptKeys, AttemptStatus, AttemptStep, AttemptStore, MemoryAttemptStore, StoreKey,
};

use super::*;

/// A store that can be away. Clones are the same store.
#[derive(Clone, Default)]
struct Store(Arc<(MemoryAttemptStore, AtomicBool)>);

impl Store {
    fn set_away(&self, is_away: bool) {
        self.0.1.store(is_away, Relaxed);
    }
}

impl AttemptStore for Store {
    async fn apply(
        &self,
        step: AttemptStep,
        keys: &AttemptKeys,
    ) -> Result<AttemptStatus, BoxError> {
        tokio::task::yield_now().await;
        let (memory, is_away) = &*self.0;
        if is_away.load(Relaxed) { Err("timed out".into()) } else { memory.apply(step, keys).await }
    }
}

fn replica(authenticator: impl Authenticator, store: &Store) -> Router {
    app(authenticator, small_limits().shared_store(store.clone(), StoreKey::from([7; 32])))
}

#[tokio::test]
async fn replicas_allow_the_limit_together() {
    let file = || HtpasswdFile::from_text(HTPASSWD).unwrap();
    let store = Store::default();
    let replicas = [replica(users(), &store), replica(file(), &store)];
    let mut statuses = Vec::new();
    for n in 0..6 {
        statuses.push(status(&replicas[n % 2], "192.0.2.1", &basic("alice", &n.to_string())).await);
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429, 429]);
    for replica in &replicas {
        assert_eq!(status(replica, "192.0.2.1", &basic("alice", "a")).await, 429);
        assert_eq!(status(replica, "192.0.2.2", &basic("alice", "a")).await, 200);
    }
}

#[tokio::test]
async fn concurrent_first_requests_through_a_store_are_served() {
    let file = || HtpasswdFile::from_text(HTPASSWD).unwrap();
    let tokens = Bearer::new([("ci", "right")]).unwrap();
    for (app, valid) in [
        (replica(users(), &Store::default()), basic("alice", "a")),
        (replica(file(), &Store::default()), basic("alice", "a")),
        (replica(tokens, &Store::default()), "Bearer right".to_owned()),
    ] {
        let requests = (0..64).map(|_| status(&app, "192.0.2.1", &valid));
        let together = futures::future::join_all(requests).await;
        assert!(together.iter().all(|status| *status == 200), "{valid} {together:?}");
    }
}

#[tokio::test]
async fn store_that_is_away_is_logged_once_and_no_503() {
    let (log, _guard) = Log::start(LevelFilter::INFO);
    let store = Store::default();
    let replica = replica(users(), &store);
    let expect_line = |words: [&str; 2]| {
        let mut lines = log.lines();
        lines.retain(|line| line.contains("store of failed attempts"));
        let is_expected = |line: &String| words.iter().all(|word| line.contains(word));
        assert!(lines.len() == 1 && is_expected(&lines[0]), "{lines:?}");
    };
    store.set_away(true);
    for n in 0..3 {
        assert_eq!(status(&replica, "192.0.2.1", &basic("alice", "a")).await, 200);
        assert_eq!(status(&replica, "192.0.2.9", &basic("alice", &n.to_string())).await, 401);
    }
    assert_eq!(status(&replica, "192.0.2.9", &basic("alice", "a")).await, 429);
    expect_line(["WARN", "timed out"]);
    store.set_away(false);
    for _ in 0..3 {
        assert_eq!(status(&replica, "192.0.2.2", &basic("alice", "a")).await, 200);
    }
    expect_line(["INFO", "is back"]);
}
