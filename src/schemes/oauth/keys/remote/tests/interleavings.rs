//! Requests that race with fetches, refreshes and another task.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use shuttle::future::{block_on, spawn, yield_now};

use super::super::task::Shared;
use super::*;
use crate::sync::{explore, join_all, pause};

/// An issuer that takes its time to answer.
#[derive(Clone)]
struct SlowIssuer(Arc<Published>);

struct Published {
    ids: Mutex<&'static [&'static str]>,
    fetches: AtomicUsize,
}

impl SlowIssuer {
    fn that_publishes(ids: &'static [&'static str]) -> Self {
        Self(Arc::new(Published { ids: ids.into(), fetches: AtomicUsize::new(0) }))
    }

    fn keys(&self) -> Arc<RemoteKeys> {
        Arc::new(RemoteKeys::with(ISSUER, Box::new(self.clone())))
    }

    fn publish(&self, ids: &'static [&'static str]) {
        *self.0.ids.lock().unwrap() = ids;
    }

    fn fetches(&self) -> usize {
        self.0.fetches.load(SeqCst)
    }
}

impl Fetch for SlowIssuer {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(async {
            self.0.fetches.fetch_add(1, SeqCst);
            let ids = *self.0.ids.lock().unwrap();
            yield_now().await;
            Ok(Fetched { keys: KeySet::parse(jwks(ids).as_bytes()).unwrap(), max_age: None })
        })
    }
}

/// A request with a token that is signed with this key.
async fn request(keys: Arc<RemoteKeys>, id: &'static str) -> Verdict {
    verdict(&keys, id).await
}

#[test]
fn racing_first_requests_share_one_fetch() {
    explore(|| {
        let issuer = SlowIssuer::that_publishes(&["a"]);
        let keys = issuer.keys();
        let verdicts = join_all(["a", "a", "b"].map(|id| request(keys.clone(), id)));
        assert_eq!(verdicts, [Known, Known, Unknown]);
        assert_eq!(issuer.fetches(), 1);
    });
}

#[test]
fn no_request_escapes_the_withdrawal_of_a_key() {
    explore(|| {
        let issuer = SlowIssuer::that_publishes(&["a", "b"]);
        let keys = issuer.keys();
        block_on(keys.refresh()).unwrap();
        issuer.publish(&["b"]);
        let clients = ["a", "a", "b"].map(|id| {
            let keys = keys.clone();
            shuttle::thread::spawn(move || revocation(&keys, id))
        });
        block_on(keys.refresh()).unwrap();
        assert!(revocation(&keys, "a").is_none());
        let [one, two, other] = clients.map(|client| client.join().unwrap());
        assert!([one, two].iter().flatten().all(Revocation::is_revoked));
        assert!(!other.unwrap().is_revoked());
        assert_eq!(issuer.fetches(), 2);
    });
}

#[test]
fn requests_that_go_away_keep_no_other_waiting() {
    explore(|| {
        let issuer = SlowIssuer::that_publishes(&["a"]);
        let keys = issuer.keys();
        let gone = ["a", "a"].map(|id| spawn(request(keys.clone(), id)));
        let refresh = {
            let keys = keys.clone();
            spawn(async move { keys.refresh().await })
        };
        gone.iter().for_each(|request| request.abort());
        assert_eq!(block_on(request(keys.clone(), "a")), Known);
        block_on(refresh).unwrap().unwrap();
        assert!((1..=2).contains(&issuer.fetches()));
    });
}

/// As when the runtime of the previous one stood still, and goes on.
#[test]
fn a_task_that_was_replaced_restores_no_withdrawn_key() {
    explore(|| {
        let issuer = SlowIssuer::that_publishes(&["old"]);
        let shared = Arc::new(Shared::new(ISSUER, Box::new(issuer.clone())));
        let has = |id| find(&shared.keys.load(), id).is_some();
        let previous = spawn(shared.new_task().run());
        pause();
        issuer.publish(&["new"]);
        shared.lock().schedule.want_next();
        let next = spawn(shared.new_task().run());
        while !has("new") {
            pause();
        }
        for _ in 0..5 {
            pause();
            assert!(has("new") && !has("old"));
        }
        previous.abort();
        next.abort();
    });
}
