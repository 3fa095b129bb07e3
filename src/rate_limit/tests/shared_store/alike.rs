//! Over the limit, right and wrong credentials get the same response at the same cost.

use super::*;

#[tokio::test]
async fn over_the_limit_right_and_wrong_are_alike() {
    let responses = async |password: &str| {
        let clock = Clock::default();
        let store = Probe::new(&clock);
        let first = Replica::new(store.clone()).with_clock(&clock);
        let second = Replica::new(store.clone()).with_clock(&clock);
        assert_eq!(first.fail(HOME, "alice").await, 10);
        store.asked();
        let mut responses = Vec::new();
        for n in 0..1000 {
            clock.wait(u64::from(n == 500));
            let rejection = second.respond(HOME, "alice", password).await.unwrap_err();
            let asked = store.asked().len();
            responses.push((rejection.status(), rejection.retry_after(), asked));
        }
        responses
    };
    let right = responses(ALICE.1).await;
    assert_eq!(right, responses("wrong").await);
    let (first, last) = (&right[0], &right[999]);
    assert_eq!((first.0.as_u16(), first.2), (429, 1));
    assert_eq!((last.0.as_u16(), last.2), (429, 0), "this process answers by itself");
    assert!(first.1 == Some(Duration::from_secs(10)) && last.1.is_some());
}

#[tokio::test]
async fn within_the_limit_right_and_wrong_differ() {
    let replica = Replica::new(Probe::new(&Clock::default()));
    assert_eq!(replica.request(HOME, "alice", "wrong").await, 401);
    assert_eq!(replica.request(HOME, "alice", ALICE.1).await, 200);
}
