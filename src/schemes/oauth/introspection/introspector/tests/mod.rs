//! Tests of the introspector with an endpoint whose answers are set.

mod calls;
mod results;
mod streams;

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
