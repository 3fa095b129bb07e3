use std::collections::HashMap;
use std::time::SystemTime;

use tokio::sync::Semaphore;

use super::*;
use crate::auth::Principal;

const FRESH: Duration = Duration::from_secs(30);

/// An endpoint whose answers are set, and which counts its calls.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<FakeState>>);

#[derive(Default)]
struct FakeState {
    active: HashMap<String, Grant>,
    is_down: bool,
    calls: usize,
    running: usize,
    max_running: usize,
    /// Calls wait for a permit, if there is one.
    gate: Option<Arc<Semaphore>>,
}

impl Fake {
    fn state(&self) -> MutexGuard<'_, FakeState> {
        self.0.lock().unwrap()
    }

    fn activate(&self, token: &str, principal: impl Into<Principal>) {
        self.state().active.insert(token.into(), Grant::new(principal.into()));
    }

    fn revoke(&self, token: &str) {
        self.state().active.remove(token);
    }

    fn calls(&self) -> usize {
        self.state().calls
    }

    /// Makes calls wait until permits are added.
    fn close(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        self.state().gate = Some(gate.clone());
        gate
    }

    fn introspector(&self) -> Introspector<Self> {
        Introspector::new(self.clone(), FRESH)
    }
}

impl Endpoint for Fake {
    async fn ask(&self, token: &str) -> Result<Grant, Refusal> {
        let gate = {
            let mut state = self.state();
            state.calls += 1;
            state.running += 1;
            state.max_running = state.max_running.max(state.running);
            state.gate.clone()
        };
        if let Some(gate) = gate {
            gate.acquire().await.unwrap().forget();
        }
        self.state().running -= 1;
        assert_ne!(token, "panic", "as the test wants");
        let state = self.state();
        if state.is_down {
            return Err(Refusal::unavailable("it is down"));
        }
        state.active.get(token).cloned().ok_or_else(|| Refusal::invalid("inactive"))
    }
}

type Sut = Introspector<Fake>;

async fn verify(introspector: &Sut, token: &str) -> Verdict {
    introspector.verify(token, Requester::default()).await
}

fn start(
    introspector: &Sut,
    token: &str,
    requester: Requester,
) -> tokio::task::JoinHandle<Verdict> {
    let (introspector, token) = (Introspector(introspector.0.clone()), token.to_owned());
    tokio::spawn(async move { introspector.verify(&token, requester).await })
}

fn is_invalid(verdict: &Verdict) -> bool {
    matches!(verdict, Err(Refusal::Invalid(_)))
}

fn is_unavailable(verdict: &Verdict) -> bool {
    matches!(verdict, Err(Refusal::Unavailable(_)))
}

/// Lets all tasks run that need no time.
async fn settle() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_active_token_is_active_for_a_while_without_a_call() {
    let fake = Fake::default();
    fake.activate("a", "alice");
    let sut = fake.introspector();
    assert!(sut.cached("a").is_none() && !sut.is_known("a"));
    assert_eq!(verify(&sut, "a").await.ok().unwrap().grant.principal.name(), "alice");
    fake.revoke("a");
    tokio::time::advance(FRESH - Duration::from_millis(1)).await;
    assert!(sut.cached("a").unwrap().is_ok() && verify(&sut, "a").await.is_ok());
    assert_eq!(fake.calls(), 1);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(sut.cached("a").is_none() && sut.is_known("a"));
    assert!(is_invalid(&verify(&sut, "a").await) && !sut.is_known("a"));
    assert_eq!(fake.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_refused_for_a_while_without_a_call() {
    let fake = Fake::default();
    let sut = fake.introspector();
    assert!(is_invalid(&verify(&sut, "a").await));
    fake.activate("a", "alice");
    tokio::time::advance(Duration::from_millis(4_999)).await;
    assert!(is_invalid(&sut.cached("a").unwrap()) && is_invalid(&verify(&sut, "a").await));
    assert_eq!(fake.calls(), 1);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(verify(&sut, "a").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_not_cached_and_stale_tokens_are_unavailable() {
    let fake = Fake::default();
    fake.activate("a", "alice");
    let sut = fake.introspector();
    assert!(verify(&sut, "a").await.is_ok());
    fake.state().is_down = true;
    tokio::time::advance(FRESH).await;
    assert!(is_unavailable(&verify(&sut, "a").await) && is_unavailable(&verify(&sut, "b").await));
    assert!(sut.is_known("a"), "an outage is not the fault of the token");
    fake.state().is_down = false;
    assert!(verify(&sut, "a").await.is_ok());
}

#[tokio::test]
async fn a_token_is_not_cached_beyond_its_expiry() {
    let fake = Fake::default();
    let expired = Grant::new(Principal::new("alice")).expires_at(Some(SystemTime::now()));
    fake.state().active.insert("a".into(), expired);
    let sut = fake.introspector();
    assert!(verify(&sut, "a").await.is_ok());
    assert!(sut.cached("a").is_none());
}

#[tokio::test(start_paused = true)]
async fn concurrent_requests_with_one_token_share_a_call() {
    let fake = Fake::default();
    fake.activate("a", "alice");
    let (sut, gate) = (fake.introspector(), fake.close());
    let requests: Vec<_> = (0..100).map(|_| start(&sut, "a", Requester::default())).collect();
    settle().await;
    gate.add_permits(1);
    for request in requests {
        assert!(request.await.unwrap().is_ok());
    }
    assert_eq!(fake.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_request_does_not_cancel_the_call() {
    let fake = Fake::default();
    fake.activate("a", "alice");
    let (sut, gate) = (fake.introspector(), fake.close());
    let first = start(&sut, "a", Requester::default());
    settle().await;
    let second = start(&sut, "a", Requester::default());
    settle().await;
    first.abort();
    settle().await;
    gate.add_permits(1);
    assert!(second.await.unwrap().is_ok());
    assert_eq!(fake.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panicking_call_is_unavailable_and_can_be_repeated() {
    let fake = Fake::default();
    let sut = fake.introspector();
    assert!(is_unavailable(&verify(&sut, "panic").await));
    assert!(is_unavailable(&verify(&sut, "panic").await));
    assert_eq!(fake.calls(), 2);
    assert!(sut.0.lock().in_flight.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_tokens_leaves_room_for_known_ones() {
    let fake = Fake::default();
    fake.activate("known", "alice");
    let sut = fake.introspector();
    assert!(verify(&sut, "known").await.is_ok());
    tokio::time::advance(FRESH).await;
    let gate = fake.close();
    let flood: Vec<_> = (0..2_000)
        .map(|number: u64| {
            let requester = Requester { address: Some(number), known: false };
            start(&sut, &format!("random-{number}"), requester)
        })
        .collect();
    settle().await;
    assert_eq!(fake.state().running, 24);
    let in_flight = sut.0.lock().in_flight.len();
    assert_eq!(in_flight, 256);

    // Known by its token, and known by its client.
    let known = start(&sut, "known", Requester::default());
    let client = start(&sut, "new", Requester { address: Some(1), known: true });
    settle().await;
    assert_eq!(fake.state().running, 26);
    gate.add_permits(5_000);
    assert!(known.await.unwrap().is_ok() && is_invalid(&client.await.unwrap()));
    let mut unavailable = 0;
    for request in flood {
        unavailable += usize::from(is_unavailable(&request.await.unwrap()));
    }
    assert_eq!(unavailable, 2_000 - 256);
    assert!(fake.state().max_running <= 64 && sut.0.lock().in_flight.is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_address_cannot_use_up_the_calls_for_unknown_tokens() {
    let fake = Fake::default();
    let (sut, gate) = (fake.introspector(), fake.close());
    let from = |address| Requester { address: Some(address), known: false };
    let flood: Vec<_> =
        (0..100).map(|number| start(&sut, &format!("random-{number}"), from(1))).collect();
    settle().await;
    assert_eq!(fake.state().running, 8);
    let other = start(&sut, "other", from(2));
    settle().await;
    assert_eq!(fake.state().running, 9);
    gate.add_permits(100);
    assert!(is_invalid(&other.await.unwrap()));
    for request in flood {
        request.await.unwrap().err().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_too_long_are_unavailable() {
    let fake = Fake::default();
    let (sut, _gate) = (fake.introspector(), fake.close());
    let _flood: Vec<_> = (0..24)
        .map(|number| start(&sut, &format!("random-{number}"), Requester::default()))
        .collect();
    settle().await;
    let late = start(&sut, "late", Requester::default());
    assert!(is_unavailable(&late.await.unwrap()));
    assert_eq!(fake.calls(), 24);
}

#[tokio::test(start_paused = true)]
async fn cancelled_requests_that_wait_make_no_call() {
    let fake = Fake::default();
    let (sut, gate) = (fake.introspector(), fake.close());
    let running: Vec<_> = (0..24)
        .map(|number| start(&sut, &format!("random-{number}"), Requester::default()))
        .collect();
    settle().await;
    let cancelled = start(&sut, "cancelled", Requester::default());
    settle().await;
    cancelled.abort();
    settle().await;
    gate.add_permits(100);
    for request in running {
        assert!(is_invalid(&request.await.unwrap()));
    }
    settle().await;
    assert_eq!(fake.calls(), 24);
    assert!(sut.0.lock().in_flight.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_tokens_evicts_no_active_token() {
    let fake = Fake::default();
    fake.activate("known", "alice");
    let sut = fake.introspector();
    assert!(verify(&sut, "known").await.is_ok());
    for number in 0..20_000 {
        assert!(is_invalid(&verify(&sut, &format!("random-{number}")).await));
    }
    assert!(sut.cached("known").unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn streams_of_a_revoked_token_end_without_a_request() {
    let fake = Fake::default();
    for token in ["revoked", "active"] {
        fake.activate(token, "alice");
    }
    let sut = fake.introspector();
    let revoked = verify(&sut, "revoked").await.ok().unwrap().authenticated();
    let active = verify(&sut, "active").await.ok().unwrap().authenticated();
    tokio::time::sleep(FRESH * 10).await;
    assert!(revoked.lifetime().is_active() && active.lifetime().is_active());
    fake.revoke("revoked");
    tokio::time::sleep(FRESH + Duration::from_secs(1)).await;
    assert!(!revoked.lifetime().is_active() && active.lifetime().is_active());
}

#[tokio::test(start_paused = true)]
async fn streams_go_on_during_an_outage_and_end_after_it() {
    let fake = Fake::default();
    fake.activate("a", "alice");
    let sut = fake.introspector();
    let stream = verify(&sut, "a").await.ok().unwrap().authenticated();
    fake.state().is_down = true;
    fake.revoke("a");
    tokio::time::sleep(FRESH * 10).await;
    assert!(stream.lifetime().is_active());
    fake.state().is_down = false;
    tokio::time::sleep(FRESH + Duration::from_secs(1)).await;
    assert!(!stream.lifetime().is_active());
}

#[tokio::test(start_paused = true)]
async fn tokens_without_open_streams_are_not_watched() {
    let fake = Fake::default();
    fake.activate("a", "alice");
    let sut = fake.introspector();
    let stream = verify(&sut, "a").await.ok().unwrap().authenticated();
    tokio::time::sleep(FRESH * 5).await;
    let calls = fake.calls();
    assert!((4..=6).contains(&calls), "{calls}");
    drop(stream);
    tokio::time::sleep(FRESH * 50).await;
    assert_eq!(fake.calls(), calls);
    // One reference here: all tasks have ended, and no token is in memory.
    assert_eq!(Arc::strong_count(&sut.0), 1);

    // A stream that is opened later is watched again.
    let stream = verify(&sut, "a").await.ok().unwrap().authenticated();
    fake.revoke("a");
    tokio::time::sleep(FRESH + Duration::from_secs(1)).await;
    assert!(!stream.lifetime().is_active());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_grants_less_ends_its_earlier_streams() {
    let fake = Fake::default();
    fake.activate("a", Principal::new("alice").with_scopes(["read", "write"]));
    let sut = fake.introspector();
    let earlier = verify(&sut, "a").await.ok().unwrap().authenticated();
    fake.activate("a", Principal::new("alice").with_scopes(["read"]));
    tokio::time::sleep(FRESH + Duration::from_secs(1)).await;
    assert!(!earlier.lifetime().is_active());
    let later = verify(&sut, "a").await.ok().unwrap().authenticated();
    assert!(later.lifetime().is_active() && !later.principal().has_scope("write"));
}

#[test]
fn streams_are_watched_after_their_runtime_ended() {
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let fake = Fake::default();
    fake.activate("a", "alice");
    let sut = fake.introspector();
    let first = runtime().unwrap();
    let stream = first.block_on(verify(&sut, "a")).ok().unwrap().authenticated();
    drop(first);
    runtime().unwrap().block_on(async {
        // The clock of another runtime: whatever it says, the next call finds that nobody watches.
        tokio::time::sleep(FRESH * 2).await;
        assert!(verify(&sut, "a").await.is_ok());
        fake.revoke("a");
        tokio::time::sleep(FRESH * 2).await;
        assert!(!stream.lifetime().is_active());
    });
}

#[tokio::test(start_paused = true)]
async fn a_thousand_requests_wait_for_one_token_and_no_more() {
    let fake = Fake::default();
    fake.activate("t", "alice");
    let gate = fake.close();
    let introspector = fake.introspector();
    let verify = || Box::pin(introspector.verify("t", Requester::default()));
    let mut waiting: Vec<_> = (0..1_000).map(|_| verify()).collect();
    for request in &mut waiting {
        assert!(futures::poll!(request).is_pending());
    }
    let refused = futures::poll!(verify());
    assert!(matches!(refused, std::task::Poll::Ready(Err(Refusal::Unavailable(_)))));
    gate.add_permits(1);
    let verdicts = futures::future::join_all(waiting).await;
    assert!(verdicts.iter().all(Result::is_ok));
    assert_eq!(fake.calls(), 1);
}
