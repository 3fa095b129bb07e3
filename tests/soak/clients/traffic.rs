//! Requests: good ones of all principals, invalid ones, revoked credentials, and a flood of wrong ones.

use std::future::Future;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use soak_rules::{Expected, Scheme};
use tokio::sync::Semaphore;

use super::credential::{Addresses, Client, IssuerKey, STEADY};
use super::request::{Invalid, of_stranger, post};
use super::run::Run;
use super::ticks::Ticks;

/// Where the stranger is who floods.
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 9, 9, 9);
/// How many requests of a kind may be open. On a slow machine fewer are sent.
const OPEN: usize = 64;
/// Revoked credentials are tried again once there are so many. With fewer, the clients would be throttled.
const ENOUGH: usize = 40;

/// Runs something at this pace until the run stops.
async fn at_pace<F>(run: &Run, pause: Duration, mut start: impl FnMut(usize) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(OPEN));
    let mut ticks = Ticks::of(run, pause);
    let mut number = 0;
    while ticks.next().await {
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        let work = start(number);
        number += 1;
        tokio::spawn(async move {
            work.await;
            drop(place);
        });
    }
    // Those that are open end.
    let _ = places.acquire_many(OPEN as u32).await;
}

/// Sends 240 good requests a second, of all principals in turn.
pub async fn valid(run: Arc<Run>) {
    at_pace(&run, Duration::from_micros(4_167), |number| {
        // A stride without a common divisor: of each scheme in turn, and of each principal.
        let run = run.clone();
        async move {
            let client = &run.population[number * 37 % run.population.len()];
            run.send_valid("a request", client).await;
        }
    })
    .await;
}

/// Sends invalid requests, from new addresses: their clients are not throttled.
pub async fn invalid(run: Arc<Run>) {
    static ADDRESSES: Addresses = Addresses::of(3);
    at_pace(&run, Duration::from_millis(100), |number| {
        let run = run.clone();
        async move {
            let client = &run.population[number * 37 % run.population.len()];
            for Invalid { what, scheme, request } in Invalid::all(client, &run.issuer) {
                let from = ADDRESSES.next();
                run.send((what, scheme, Expected::Refused), from, &request).await;
            }
            if client.scheme() == Scheme::Signature {
                replay(&run, client, ADDRESSES.next()).await;
            }
        }
    })
    .await;
}

/// Sends a signed request twice.
async fn replay(run: &Run, client: &Client, from: Ipv4Addr) {
    let request = post(client);
    let first = ("a signed request", Scheme::Signature, Expected::Served);
    if run.send(first, client.address, &request).await.status == Some(200) {
        let again = ("a replayed request", Scheme::Signature, Expected::Refused);
        run.send(again, from, &request).await;
    }
}

/// Tries credentials again that were revoked, in turn.
pub async fn revoked(run: Arc<Run>) {
    let mut next = 0;
    at_pace(&run, Duration::from_millis(500), |_| {
        let run = run.clone();
        let client = {
            let revoked = run.revoked();
            let client = (revoked.len() >= ENOUGH).then(|| revoked[next % revoked.len()].clone());
            next += usize::from(client.is_some());
            client
        };
        async move {
            let Some(client) = client else { return };
            let expected = ("a revoked credential", client.scheme(), Expected::Refused);
            run.send(expected, client.address, &post(&client)).await;
            run.record().count("revoked credentials tried again");
        }
    })
    .await;
}

/// Sends 50 wrong credentials a second from one address.
pub async fn flood(run: Arc<Run>) {
    let issuer = Arc::new(IssuerKey::new(STEADY));
    at_pace(&run, Duration::from_millis(20), |number| {
        let (run, issuer) = (run.clone(), issuer.clone());
        async move {
            let client = &run.population[number * 37 % run.population.len()];
            let expected = ("the flood", client.scheme(), Expected::Flood);
            run.send(expected, STRANGER, &of_stranger(client, &issuer)).await;
        }
    })
    .await;
}
