//! Measures what it costs to share nonces and failed attempts through Redis. It starts `redis-server` on loopback.
//!
//! ```sh
//! cargo bench --package mcp-auth-layer-redis
//! ```

#[path = "../tests/redis/support/mod.rs"]
mod support;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::future::join_all;
use mcp_auth_layer::rate_limit::Quota;
use mcp_auth_layer::stores::{
    AttemptKeys, AttemptStep, AttemptStore, NonceClaim, NonceStatus, RedisStore, ReplayStore,
    StoreKey,
};
use redis::aio::MultiplexedConnection;
use support::{PATIENCE, RedisServer};

const SKEW: Duration = Duration::from_secs(1);

/// How much is done: in a test, everything once.
struct Extent {
    rounds: usize,
    calls: usize,
    nonces: usize,
    attempts: u64,
}

#[tokio::main]
async fn main() {
    let passed = |flag| std::env::args().any(|argument| argument == flag);
    let measures = passed("--bench") && !passed("--test");
    let extent = if measures {
        Extent { rounds: 41, calls: 500, nonces: 200_000, attempts: 24_576 }
    } else {
        Extent { rounds: 1, calls: 10, nonces: 1000, attempts: 100 }
    };
    let server = RedisServer::start(&[]).await;
    let key = StoreKey::from([7; 32]);
    let store = RedisStore::connect(server.url(), key)
        .skew(SKEW)
        .timeout(PATIENCE)
        .await
        .expect("a server");
    let mut plain = plain_connection(&server).await;
    // The server is new: nonces can be claimed after a skew and a second.
    tokio::time::sleep(SKEW + Duration::from_millis(2100)).await;
    let mut numbers = 0..;

    println!("latency of one client, microseconds, and the median of the rounds' ratios");
    let mut rounds = Vec::new();
    for _ in 0..extent.rounds {
        let start = Instant::now();
        for _ in 0..extent.calls {
            set_nx(&mut plain, next(&mut numbers)).await;
        }
        let set = start.elapsed();
        let start = Instant::now();
        for _ in 0..extent.calls {
            claim(&store, next(&mut numbers)).await;
        }
        rounds.push([set, start.elapsed()].map(|time| micros(time, extent.calls)));
    }
    report(&rounds);

    println!("64 at once, microseconds for each");
    let mut rounds = Vec::new();
    for _ in 0..extent.rounds {
        let start = Instant::now();
        for _ in 0..extent.calls / 10 {
            let calls = (0..64).map(|_| (plain.clone(), next(&mut numbers)));
            join_all(calls.map(async |(mut plain, number)| set_nx(&mut plain, number).await)).await;
        }
        let set = start.elapsed();
        let start = Instant::now();
        for _ in 0..extent.calls / 10 {
            let numbers: Vec<_> = (0..64).map(|_| next(&mut numbers)).collect();
            join_all(numbers.into_iter().map(|number| claim(&store, number))).await;
        }
        rounds.push([set, start.elapsed()].map(|time| micros(time, extent.calls / 10 * 64)));
    }
    report(&rounds);

    server.command::<()>(&["CONFIG", "RESETSTAT"]).await;
    server.command::<()>(&["FLUSHALL"]).await;
    // The first claim begins the epoch again.
    let _ = store.claim(&nonce("first", now())).await;
    tokio::time::sleep(SKEW + Duration::from_millis(2100)).await;
    let before = used_memory(&server).await;
    let numbers: Vec<_> = (0..extent.nonces).map(|_| next(&mut numbers)).collect();
    for some in numbers.chunks(64) {
        join_all(some.iter().map(|number| claim(&store, *number))).await;
    }
    let bytes = (used_memory(&server).await - before) as f64 / extent.nonces as f64;
    println!("memory: {bytes:.0} bytes for each of {} nonces", extent.nonces);
    println!("in Redis: {:.1} microseconds for each claim", server.usec_per_call("evalsha").await);
    attempts(&server, &store, extent.attempts).await;
}

/// Failed attempts of ever new addresses and users, which take most memory.
async fn attempts(server: &RedisServer, store: &RedisStore, count: u64) {
    server.command::<()>(&["FLUSHALL"]).await;
    // Loads the script.
    store.apply(AttemptStep::Take, &attempt(count)).await.expect("Redis answers");
    server.command::<()>(&["CONFIG", "RESETSTAT"]).await;
    let before = used_memory(server).await;
    for first in (0..count).step_by(64) {
        let all = (first..count.min(first + 64)).map(async |number| {
            let taken = store.apply(AttemptStep::Take, &attempt(number)).await;
            assert_eq!(taken.expect("Redis answers").wait, None);
        });
        join_all(all).await;
    }
    let bytes = (used_memory(server).await - before) as f64 / count as f64;
    println!(
        "memory: {bytes:.0} bytes for each of {count} failed attempts of new addresses and users"
    );
    println!("in Redis: {:.1} microseconds for each", server.usec_per_call("evalsha").await);
}

/// The keys of an attempt: an address, and the same with a user.
fn attempt(number: u64) -> AttemptKeys {
    const PER_ADDRESS: Quota = Quota::from_static(20, Duration::from_secs(30));
    const PER_USER: Quota = Quota::from_static(10, Duration::from_secs(30));
    let hash = u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    AttemptKeys::new((hash >> 64) as u64, PER_USER).address(hash, PER_ADDRESS).user(
        hash as u64,
        !hash,
        PER_USER,
    )
}

/// Connects as the store does: commands are not delayed.
async fn plain_connection(server: &RedisServer) -> MultiplexedConnection {
    let url = server.url();
    let info = redis::IntoConnectionInfo::into_connection_info(url.as_str()).expect("a URL");
    let info = info.set_tcp_settings(redis::io::tcp::TcpSettings::default().set_nodelay(true));
    let client = redis::Client::open(info).expect("a client");
    client.get_multiplexed_async_connection().await.expect("a connection")
}

/// Claims a number with the one command that suffices if a server never forgets.
async fn set_nx(connection: &mut MultiplexedConnection, number: usize) {
    let reply: Option<String> = redis::cmd("SET")
        .arg(format!("bench:{number:016}"))
        .arg("1")
        .arg("NX")
        .arg("EX")
        .arg(60)
        .query_async(connection)
        .await
        .expect("a reply");
    assert_eq!(reply.as_deref(), Some("OK"));
}

async fn claim(store: &RedisStore, number: usize) {
    let claimed = store.claim(&nonce(&format!("{number:016}"), now())).await;
    assert_eq!(claimed.expect("Redis answers"), NonceStatus::Fresh);
}

fn nonce(nonce: &str, created: u64) -> NonceClaim<'_> {
    NonceClaim::new("ci", nonce, created, created + 60, SKEW)
}

fn next(numbers: &mut std::ops::RangeFrom<usize>) -> usize {
    numbers.next().unwrap_or_default()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn micros(time: Duration, calls: usize) -> f64 {
    time.as_secs_f64() * 1e6 / calls as f64
}

async fn used_memory(server: &RedisServer) -> i64 {
    server.info_field("memory", "used_memory").await.parse().expect("a number")
}

/// Prints the medians of both, and the median of the ratios: what disturbs the machine disturbs neighbors alike.
fn report(rounds: &[[f64; 2]]) {
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let plain = median(rounds.iter().map(|round| round[0]).collect());
    let claim = median(rounds.iter().map(|round| round[1]).collect());
    let ratio = median(rounds.iter().map(|round| round[1] / round[0]).collect());
    println!("  SET NX {plain:7.1}   claim {claim:7.1}   ratio {ratio:.2}");
}
