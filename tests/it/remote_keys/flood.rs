//! Case 60: tokens of random keys.

use std::time::{Duration, Instant};

use super::Scene;
use crate::support::access_token::SigningKey;

/// The median and the 99th percentile of the time that a good token takes, one after the other.
async fn latencies(scene: &Scene, token: &str) -> [Duration; 2] {
    let mut times = Vec::new();
    for _ in 0..2_000 {
        let start = Instant::now();
        assert_eq!(scene.status(token).await, 200);
        times.push(start.elapsed());
        tokio::task::yield_now().await;
    }
    times.sort();
    [times[1_000], times[1_980]]
}

/// The latencies are shown by `--nocapture`, and not asserted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_keys_cause_at_most_two_fetches_in_ten_seconds() {
    let [key, random] = [SigningKey::ed25519(), SigningKey::ed25519()];
    let scene = std::sync::Arc::new(Scene::with(&[("a", &key)]));
    let token = scene.token("a", &key);
    assert_eq!(scene.status(&token).await, 200);
    let alone = latencies(&scene, &token).await;
    let start = Instant::now();
    let tokens: Vec<_> = (0..10_000).map(|n| scene.token(&format!("{n}"), &random)).collect();
    let flood = tokio::spawn({
        let scene = scene.clone();
        async move {
            for token in tokens {
                assert_eq!(scene.status(&token).await, 401);
                tokio::task::yield_now().await;
            }
        }
    });
    let flooded = latencies(&scene, &token).await;
    flood.await.unwrap();
    let windows = start.elapsed().as_secs() as usize / 10 + 1;
    assert!(scene.issuer.key_requests() <= 2 * windows, "{}", scene.issuer.key_requests());
    assert_eq!(scene.status(&token).await, 200);
    println!("good tokens: {alone:?} alone, {flooded:?} beside 10,000 random keys");
}
