//! Random schedules of requests, replays and failures against the script, at a real server whose time is made up:
//! no signature is served twice.

mod schedule;
mod script;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};

use self::schedule::{Clocks, Event, schedules};
use self::script::Script;
use self::world::World;
use crate::support::RedisServer;

/// How many schedules are tried. `PROPTEST_CASES` may ask for more.
const CASES: u32 = 256;

/// Tries schedules at a server, each from an empty one on.
fn run(source: &str, clocks: Clocks, cases: u32) -> Result<(), TestError<Vec<Event>>> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(RedisServer::start(&[]));
    let script = std::cell::RefCell::new(Script::connect(&server.url(), source));
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
    TestRunner::new(config)
        .run(&schedules(clocks), |events| play(&mut script.borrow_mut(), &events))
}

fn play(script: &mut Script, events: &[Event]) -> Result<(), TestCaseError> {
    let mut world = World::new(script);
    events.iter().for_each(|event| world.apply(event));
    prop_assert!(world.served_twice().is_empty(), "served twice: {:?}", world.served_twice());
    prop_assert!(world.serves_again(), "requests are still refused");
    Ok(())
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES)
}

fn holds(clocks: Clocks) {
    if let Err(error) = run(script::SOURCE, clocks, cases()) {
        panic!("{error}");
    }
}

/// Shows that the schedules reach a fault: with a rule taken away, they find it.
fn is_needed(rule: &str, without: &str, clocks: Clocks) {
    assert_eq!(script::SOURCE.matches(rule).count(), 1, "{rule}");
    let result = run(&script::SOURCE.replace(rule, without), clocks, 20 * CASES);
    assert!(
        matches!(result, Err(TestError::Fail(..))),
        "the schedules do not reach what {rule} is for"
    );
}

#[test]
fn no_schedule_serves_twice_when_servers_clocks_differ() {
    holds(Clocks::OfServers);
}

#[test]
fn no_schedule_serves_twice_when_processes_clocks_differ() {
    holds(Clocks::OfProcesses);
}

/// The clock of one process is ahead, and lets a signature pass that was created more than a skew after now.
#[test]
fn a_signature_from_after_the_skew_is_not_served_twice() {
    let server = tokio::runtime::Runtime::new().unwrap().block_on(RedisServer::start(&[]));
    let mut script = Script::connect(&server.url(), script::SOURCE);
    let events = [
        Event::Set { process: 0, process_clock: 50_000 },
        Event::Wait { time: 9405 },
        Event::Request { process: 0, client_clock: 60_595 },
        Event::Flush,
        Event::Request { process: 1, client_clock: 0 },
        Event::ReplayAll,
    ];
    play(&mut script, &events).unwrap();
}

#[test]
fn the_history_of_the_server_is_needed() {
    is_needed("not string.find(info, 'master_replid:' .. id, 1, true)", "false", Clocks::OfServers);
}

#[test]
fn the_skew_after_a_loss_is_needed() {
    is_needed(
        "math.max(now, theirs) + math.max(skew, skew_before or 0)",
        "math.max(now, theirs)",
        Clocks::OfServers,
    );
}

#[test]
fn the_time_of_the_process_is_needed() {
    is_needed("math.max(now, theirs) +", "now +", Clocks::OfServers);
}

#[test]
fn the_time_of_the_server_is_needed() {
    is_needed("math.max(now, theirs) +", "theirs +", Clocks::OfProcesses);
}
