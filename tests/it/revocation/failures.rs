//! A store that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use http::header::RETRY_AFTER;
use mcp_auth_layer::auth::{BoxError, RejectionKind};
use mcp_auth_layer::revocation::{RevocationOptions, Revocations, RevokeError};
use mcp_auth_layer::stores::{
    MemoryRevocationStore, PublishError, RevocationCursor, RevocationEntry, RevocationPage,
    RevocationStore, StoreKey,
};
use mcp_auth_layer::{Bearer, Rejection};
use tracing_subscriber::filter::LevelFilter;

use super::{KEY, Replica, ended, is_open, revocations};
use crate::support::log::Log;
use crate::support::{send, with_authorization};

/// A store in memory that fails while that is set.
#[derive(Clone, Default)]
struct Faulty {
    memory: MemoryRevocationStore,
    fails: Arc<AtomicBool>,
}

impl Faulty {
    fn check(&self) -> Result<(), BoxError> {
        if self.fails.load(SeqCst) { Err("connection refused".into()) } else { Ok(()) }
    }
}

impl RevocationStore for Faulty {
    async fn publish(
        &self,
        entries: &[RevocationEntry],
        keep: Duration,
    ) -> Result<(), PublishError> {
        self.check().map_err(PublishError::Failed)?;
        self.memory.publish(entries, keep).await
    }

    async fn read(
        &self,
        after: &RevocationCursor,
        wait: Duration,
    ) -> Result<RevocationPage, BoxError> {
        self.check()?;
        let page = self.memory.read(after, wait).await;
        self.check()?;
        page
    }
}

fn tokens() -> Bearer {
    Bearer::new([("ci", "one"), ("alice", "two")]).unwrap()
}

/// Case 51.
#[tokio::test(start_paused = true)]
async fn deaf_replica_rejects_requests_if_told_to() {
    let store = Faulty::default();
    let strict = RevocationOptions::new().refuse_when_deaf(Duration::from_secs(10));
    let strict = strict.start(store.clone(), StoreKey::from(KEY)).await.unwrap();
    let strict = Replica::new(tokens(), strict);
    let lenient = Replica::new(tokens(), revocations(store.clone()).await);
    let request = || with_authorization("Bearer one");
    let mut open = strict.open(request()).await;
    store.fails.store(true, SeqCst);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(strict.status(request()).await, 200);
    tokio::time::sleep(Duration::from_secs(9)).await;
    let response = send(strict.app.clone(), request()).await;
    assert_eq!(
        (response.status.as_u16(), &response.headers[RETRY_AFTER]),
        (503, &"5".parse().unwrap())
    );
    let rejection = response.extensions.get::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::Unavailable);
    assert_eq!(strict.status(with_authorization("Bearer wrong")).await, 401);
    assert_eq!(lenient.status(request()).await, 200);
    assert!(is_open(&mut open).await, "open streams continue");
    store.fails.store(false, SeqCst);
    super::eventually(|| async { strict.status(request()).await == 200 }).await;
}

#[tokio::test(start_paused = true)]
async fn outage_of_the_store_is_logged_once() {
    let (log, _guard) = Log::start(LevelFilter::INFO);
    let store = Faulty::default();
    let revocations = revocations(store.clone()).await;
    assert!(log.lines().is_empty());
    store.fails.store(true, SeqCst);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("ERROR") && lines[0].contains("does not answer"), "{lines:?}");
    assert!(lines[0].contains("connection refused"), "{lines:?}");
    let error = revocations.revoke_token("a-secret-token").await.unwrap_err();
    assert!(matches!(error, RevokeError::Failed(_)));
    store.fails.store(false, SeqCst);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let lines = log.lines();
    assert!(lines[0].contains("INFO") && lines[0].contains("answers again"), "{lines:?}");
    assert!(lines[1].contains("added to the store again"), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("secret")), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn revocations_under_another_key_are_logged_once() {
    let (log, _guard) = Log::start(LevelFilter::ERROR);
    let store = MemoryRevocationStore::new();
    let other = Revocations::start(store.clone(), StoreKey::from([8; 32])).await.unwrap();
    other.revoke_token("one").await.unwrap();
    let replica = Replica::new(tokens(), revocations(store).await);
    other.revoke_token("two").await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    for token in ["one", "two"] {
        assert_eq!(replica.status(with_authorization(&format!("Bearer {token}"))).await, 200);
    }
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("another store key"), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn seconds_since_the_store_answered_are_a_metric() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let heard = || {
        let text = metrics.render();
        let value =
            text.lines().find_map(|line| line.strip_prefix("mcp_auth_revocations_heard_seconds "));
        value.expect("the metric is there").parse::<f64>().unwrap()
    };
    let store = Faulty::default();
    let _revocations = revocations(store.clone()).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(heard() < 0.001);
    store.fails.store(true, SeqCst);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!((55.0..=62.0).contains(&heard()), "{}", heard());
    store.fails.store(false, SeqCst);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(heard() < 0.001);
}

#[tokio::test]
async fn store_that_forgot_gets_revocations_again() {
    let store = MemoryRevocationStore::new();
    let replica = Replica::new(tokens(), revocations(store.clone()).await);
    let open = replica.open(with_authorization("Bearer one")).await;
    replica.revocations.revoke_token("one").await.unwrap();
    ended(open).await;
    store.clear();
    super::eventually(|| async {
        let later = Replica::new(tokens(), revocations(store.clone()).await);
        assert_eq!(later.status(with_authorization("Bearer two")).await, 200);
        later.status(with_authorization("Bearer one")).await == 401
    })
    .await;
}
