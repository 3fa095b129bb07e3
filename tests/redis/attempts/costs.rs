//! What attempts cost: commands, memory and time of Redis.

use std::time::Instant;

use mcp_auth_layer::stores::{AttemptKeys, AttemptStep, AttemptStore};

use super::*;

const QUOTA: Quota = Quota::from_static(20, HOUR);

/// Returns the keys of a client that claims one user, as an IPv4 address has them.
fn keys(client: u64, user: u64) -> AttemptKeys {
    let wide =
        |number: u64| u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    AttemptKeys::new(client, QUOTA).address(wide(client), QUOTA).user(
        user,
        wide(client ^ user << 40),
        QUOTA,
    )
}

async fn used_memory(server: &RedisServer) -> u64 {
    server.info_field("memory", "used_memory").await.parse().unwrap()
}

/// Case 38.
#[tokio::test]
async fn the_second_request_of_a_credential_sends_no_command() {
    let server = RedisServer::start(&[]).await;
    let app = replica(&server, mcp_auth_layer::any_of((users(), tokens()))).await;
    let commands = async || -> u64 {
        server.info_field("stats", "total_commands_processed").await.parse().unwrap()
    };
    assert_eq!(status(&app, ELSEWHERE, ALICE).await, 200, "the scripts are loaded");
    for credential in ["Bearer right", ALICE, BOB] {
        let before = scripts_called(&server).await;
        assert_eq!(status(&app, HOME, credential).await, 200);
        assert_eq!(scripts_called(&server).await - before, 2, "one question, and one report");
        let before = scripts_called(&server).await;
        for _ in 0..100 {
            assert_eq!(status(&app, HOME, credential).await, 200);
        }
        assert_eq!(scripts_called(&server).await - before, 0);
    }
    // No command of any kind, but for the test's own INFO and what the watcher asks now and then.
    let before = commands().await;
    for _ in 0..1000 {
        assert_eq!(status(&app, HOME, "Bearer right").await, 200);
    }
    assert!(commands().await - before < 20);
}

/// Case 41.
#[tokio::test]
async fn a_flood_of_new_addresses_leaves_redis_room() {
    const ADDRESSES: u32 = 100_000;
    let server = RedisServer::start(&[]).await;
    let app = replica(&server, tokens()).await;
    let (before, started) = (used_memory(&server).await, Instant::now());
    for number in 0..ADDRESSES {
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).to_string();
        let status = status(&app, &address, "Bearer wrong").await;
        assert!([401, 429].contains(&status), "{status}");
    }
    let seconds = started.elapsed().as_secs() + 1;
    let (keys, memory) =
        (server.command::<u64>(&["DBSIZE"]).await, used_memory(&server).await - before);
    println!("{ADDRESSES} addresses in {seconds} s: {keys} keys, {memory} bytes");
    let most = 1000 * (seconds + 1);
    assert!(keys <= most + 10, "{keys} of {most}");
    assert!(keys > 500, "some reach the server");
    assert!(memory < most * 270 + (1 << 20), "{memory}");
}

/// Case 42.
#[tokio::test]
async fn one_user_has_64_known_clients() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    let is_known =
        async |client| store.apply(AttemptStep::Check, &keys(client, 1)).await.unwrap().known;
    for client in 1..=65 {
        store.apply(AttemptStep::Remember, &keys(client, 1)).await.unwrap();
        assert!(is_known(client).await);
    }
    assert!(!is_known(1).await, "the one that authenticated least recently");
    for client in 2..=65 {
        assert!(is_known(client).await, "{client}");
    }
    let sets: Vec<Vec<u8>> = server.command(&["KEYS", "{mcp:t}:s*"]).await;
    assert_eq!(sets.len(), 1);
}

#[tokio::test]
async fn a_new_address_and_user_take_270_bytes() {
    // Three quarters of what the tables of the server have room for before they grow: they are half full to full.
    const ATTEMPTS: u64 = 24_576;
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    let before = used_memory(&server).await;
    for number in 1..=ATTEMPTS {
        let status = store.apply(AttemptStep::Charge, &keys(number, number)).await;
        assert_eq!(status.unwrap().wait, None);
    }
    let others = 1; // the epoch of nonces
    assert_eq!(server.command::<u64>(&["DBSIZE"]).await, 2 * ATTEMPTS + others);
    let bytes = (used_memory(&server).await - before) as f64 / ATTEMPTS as f64;
    println!("{bytes:.0} bytes an attempt");
    assert!(bytes <= 270.0, "{bytes}");
}

/// What that takes on a quiet machine is for a benchmark to say.
#[tokio::test]
async fn a_step_takes_redis_few_commands() {
    const STEPS: u32 = 200;
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    store.apply(AttemptStep::Check, &keys(1, 1)).await.unwrap(); // loads the script
    for (batch, step) in
        [AttemptStep::Check, AttemptStep::Take, AttemptStep::Charge].iter().enumerate()
    {
        server.command::<()>(&["CONFIG", "RESETSTAT"]).await;
        for number in 0..u64::from(STEPS) {
            store.apply(*step, &keys(((batch as u64) << 16) | number, number)).await.unwrap();
        }
        let statistics: String = server.command(&["INFO", "commandstats"]).await;
        let calls = statistics.split(":calls=").skip(1).filter_map(|rest| rest.split(',').next());
        let calls: u32 = calls.map(|calls| calls.parse::<u32>().unwrap()).sum();
        // Besides the call of the script itself, and what the link and this test ask.
        println!("{step:?}: {:.1} commands", f64::from(calls) / f64::from(STEPS) - 1.0);
        assert!(calls < STEPS * 8, "{calls}");
    }
}
