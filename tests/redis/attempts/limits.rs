//! What several replicas allow together.

use std::time::Instant;

use futures::future::join_all;

use super::*;

/// Case 35.
#[tokio::test]
async fn passwords_guessed_at_four_replicas_meet_one_limit() {
    let server = RedisServer::start(&[]).await;
    let replicas = join_all((0..4).map(|_| replica(&server, users()))).await;
    let mut statuses = Vec::new();
    for n in 0..40 {
        statuses.push(status(&replicas[n % 4], HOME, &wrong("alice", n)).await);
    }
    assert_eq!(statuses[..10], [401; 10]);
    assert_eq!(statuses[10..], [429; 30]);
    for replica in &replicas {
        assert_eq!(status(replica, HOME, ALICE).await, 429);
        assert_eq!(status(replica, ELSEWHERE, ALICE).await, 200, "at another address");
    }
}

#[tokio::test]
async fn concurrent_guesses_at_four_replicas_meet_one_limit() {
    let server = RedisServer::start(&[]).await;
    let replicas = join_all((0..4).map(|_| replica(&server, users()))).await;
    for round in 0..10 {
        let address = format!("198.51.100.{round}");
        let guesses = (0..64).map(|n| {
            let (replica, address) = (&replicas[n % 4], &address);
            async move { status(replica, address, &wrong("alice", n)).await }
        });
        let statuses = join_all(guesses).await;
        assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 10);
        assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 54);
    }
}

/// Case 36.
#[tokio::test]
async fn the_first_64_requests_of_a_token_are_all_served() {
    let server = RedisServer::start(&[]).await;
    let replica = replica(&server, tokens()).await;
    let statuses = join_all((0..64).map(|_| status(&replica, HOME, "Bearer right"))).await;
    assert_eq!(statuses, [200; 64]);
    let wrong =
        (0..64).map(async |n: u32| status(&replica, ELSEWHERE, &format!("Bearer {n}")).await);
    let wrong = join_all(wrong).await;
    assert_eq!(wrong.iter().filter(|status| **status == 401).count(), 20);
}

/// Case 37.
#[tokio::test]
async fn a_known_client_is_let_in_by_an_attacked_replica() {
    let server = RedisServer::start(&[]).await;
    for attacked in ["mallory", "alice"] {
        server.command::<()>(&["FLUSHALL"]).await;
        let (first, second) = (replica(&server, users()).await, replica(&server, users()).await);
        assert_eq!(status(&first, HOME, ALICE).await, 200);
        // From behind the address of the user, at a replica that has not seen the user.
        for n in 0..50 {
            let user = if attacked == "alice" { "alice" } else { &format!("mallory {n}") };
            status(&second, HOME, &wrong(user, n)).await;
        }
        assert_eq!(status(&second, HOME, &wrong("carol", 0)).await == 429, attacked == "mallory");
        assert_eq!(status(&second, HOME, ALICE).await, 200, "{attacked}");
        let bob = if attacked == "mallory" { 429 } else { 200 };
        assert_eq!(status(&second, HOME, BOB).await, bob, "not known at this address");
    }
}

/// Case 40.
#[tokio::test]
async fn over_the_limit_right_and_wrong_passwords_are_alike() {
    let server = RedisServer::start(&[]).await;
    let (first, second) = (replica(&server, users()).await, replica(&server, users()).await);
    assert_eq!(fail(&first, HOME, "alice").await, 10);
    let mut times = [const { Vec::new() }; 2];
    for n in 0..40 {
        let mut responses = Vec::new();
        for (times, authorization) in times.iter_mut().zip([ALICE, &wrong("alice", n)]) {
            let before = scripts_called(&server).await;
            let started = Instant::now();
            let response = respond(&second, HOME, authorization).await;
            times.push(started.elapsed());
            let (mut head, body) = response.into_parts();
            let retry_after = head.headers.remove("retry-after").unwrap();
            let retry_after: u64 = retry_after.to_str().unwrap().parse().unwrap();
            assert!((3500..=3600).contains(&retry_after), "{retry_after}");
            let body = axum::body::to_bytes(body, 1 << 16).await.unwrap();
            let asked = scripts_called(&server).await - before;
            responses.push((head.status.as_u16(), head.headers, body, asked));
        }
        assert_eq!((responses[0].0, responses[0].3), (429, 1));
        assert_eq!(responses[0], responses[1]);
    }
    let [right, wrong] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    println!("median time of a refusal: right {right:?}, wrong {wrong:?}");
    assert!(right < wrong * 3 && wrong < right * 3, "{right:?} {wrong:?}");
}
