//! Arbitrary schedules of attacks.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever attackers do: no limit is exceeded, and no other client is rejected.
    #[test]
    fn no_schedule_exceeds_a_limit_or_locks_a_user_out(
        events in prop::collection::vec((0..4_u32, 0..3_usize, 0..40_u64), 1..300),
    ) {
        let server = Server::new(Scheme::Hashed);
        prop_assert_eq!(server.request(HOME, ALICE), 200);
        let mut verified = 0;
        let mut seen = HashSet::new();
        for (n, (address, user, pause)) in events.into_iter().enumerate() {
            // One of the four addresses is Alice's own, from which no attacker claims to be her.
            let from = if address == 0 { HOME } else { ipv4(address) };
            let user = if address == 0 { "mallory" } else { ["alice", "bob", "carol"][user] };
            seen.insert(from);
            server.wait(pause);
            prop_assert!([401, 429].contains(&server.request(from, (user, &n.to_string()))));
            if server.now() >= verified + CACHED_FOR {
                prop_assert_eq!(server.request(HOME, ALICE), 200);
                verified = server.now();
            }
            let mut by_address = HashMap::new();
            for ((from, _), count) in &*server.failures.lock().unwrap() {
                prop_assert!(*count <= 10 + server.now() / 10);
                *by_address.entry(*from).or_insert(0) += count;
            }
            for count in by_address.values() {
                prop_assert!(*count <= 20 + server.now() / 3);
            }
        }
    }
}
