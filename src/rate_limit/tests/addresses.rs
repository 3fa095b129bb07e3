//! Clients with many addresses.

use super::*;

#[test]
fn many_addresses_are_limited_and_lock_no_user_out() {
    let server = Server::new(Scheme::Hashed);
    assert_eq!(server.request(HOME, ALICE), 200);
    for number in 0..1000 {
        assert_eq!(server.fail(ipv4(number), "alice"), 10, "{number}");
        assert_eq!(server.request(ipv4(number), ALICE), 429, "{number}");
    }
    server.wait(CACHED_FOR);
    for number in 0..1000 {
        server.fail(ipv4(number), "alice");
    }
    assert_eq!(server.request(HOME, ALICE), 200, "verified once more");
    assert_eq!(server.request(ELSEWHERE, ALICE), 200, "and from an address without failures");
    assert_eq!(server.request(ipv4(0), ALICE), 429);
}

#[test]
fn addresses_of_one_ipv6_network_are_one_client() {
    let server = Server::new(Scheme::Table);
    let failed = |network| {
        let fail = |host| server.request(ipv6(network, host), ("alice", &host.to_string()));
        (0..50).filter(|host| fail(*host) == 401).count()
    };
    assert_eq!(failed(2), 10);
    assert_eq!(failed(3), 10);
}

/// The kind of fault: a limit by something that an attacker has many of.
#[test]
fn larger_ipv6_networks_are_limited_as_well() {
    for (networks, max) in [(1 << 8, 4 * 20), (1 << 16, 16 * 20)] {
        let server = Server::new(Scheme::Table);
        let failed = (0..networks).filter(|network| {
            server.request(ipv6(*network, 1), (&network.to_string(), "?")) == 401
        });
        assert_eq!(failed.count(), max);
    }
    let server = Server::new(Scheme::Table);
    let address_6to4 = |n: u128| Ipv6Addr::from_bits(0x2002_c000_0201 << 80 | n << 64).into();
    let failed =
        (0..1000).filter(|n| server.request(address_6to4(*n), ("alice", &n.to_string())) == 401);
    assert_eq!(failed.count(), 10, "all of 6to4 is one IPv4 address");
}

#[test]
fn a_flood_of_addresses_locks_no_known_client_out() {
    // A thirty-second of the usual number.
    let server = Server::new(Scheme::Hashed).map_limiter(|limiter| {
        limiter.map_counters(|all| all.map_local(|local| local.with_slots(1 << 12)))
    });
    assert_eq!(server.request(HOME, ALICE), 200);
    assert_eq!(server.fail(ELSEWHERE, "alice"), 10);
    server.wait(CACHED_FOR - 10);
    assert_eq!(server.fail(ELSEWHERE, "alice"), 10, "and is at its limit now");
    let mut rejected = 0;
    for number in 0..1 << 15 {
        rejected += u32::from(server.request(ipv4(number), ("alice", "?")) == 429);
    }
    assert!(rejected > 1 << 14, "they share counters: {rejected}");
    assert_eq!(server.fail(ELSEWHERE, "alice"), 0, "nothing was evicted");

    server.wait(10);
    assert_eq!(server.request(HOME, ALICE), 200, "not cached, and a known client");
    let new_clients = || (0..100).map(|number| ipv4(1 << 20 | number));
    let passed = new_clients().filter(|from| server.request(*from, ALICE) == 200).count();
    assert_eq!(passed, 100, "ten seconds later there are free counters");
}

#[test]
fn a_flood_of_rejected_attempts_holds_no_memory() {
    let server = Server::new(Scheme::Table);
    let flood = |range: std::ops::Range<u32>| {
        for number in range {
            server.request(ipv4(number), ("alice", "?"));
        }
    };
    flood(0..1000);
    let failures = std::mem::take(&mut *server.failures.lock().unwrap());
    drop(failures);
    let held = allocation_counter::measure(|| {
        for number in 1000..20_000 {
            let begun = server.begin(ipv4(number), ("alice", "?"));
            drop(begun.map(|decision| decision.permit.unwrap().settle(Outcome::Failed)));
        }
    });
    assert_eq!(held.bytes_current, 0, "{held:?}");
    assert!(held.bytes_max < 16 << 10, "{held:?}");
}
