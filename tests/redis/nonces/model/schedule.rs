//! What may happen, in any order.

use proptest::collection::vec;
use proptest::prelude::*;

/// How much clocks may differ, in milliseconds.
pub const SKEW: i64 = 60_000;
/// How long signatures are valid.
pub const VALIDITY: i64 = 90_000;
/// By how much the clocks of servers or processes are wrong at most.
const WRONG: i64 = 50_000;
pub const PROCESSES: usize = 3;

/// Whose clocks are wrong. Those of clients always are.
#[derive(Clone, Copy, Debug)]
pub enum Clocks {
    OfServers,
    OfProcesses,
}

/// Times are in milliseconds, and clocks ahead of the true time, or behind it.
#[derive(Clone, Debug)]
pub enum Event {
    /// A client signs and sends a request.
    Request {
        process: usize,
        client_clock: i64,
    },
    /// One of the last signatures is shown again: zero is the last one.
    Replay {
        process: usize,
        back: usize,
    },
    /// All signatures are shown again, at each process.
    ReplayAll,
    Wait {
        time: i64,
    },
    /// `FLUSHALL`.
    Flush,
    /// A copy of the data is kept: a dump, or what a replica has that lags from now on.
    Copy,
    /// The server is replaced by one that has the last copy, or nothing.
    Replace {
        with_copy: bool,
        server_clock: i64,
    },
    /// The clock of a process is changed.
    Set {
        process: usize,
        process_clock: i64,
    },
}

pub fn schedules(clocks: Clocks) -> impl Strategy<Value = Vec<Event>> {
    let (servers, processes) = match clocks {
        Clocks::OfServers => (WRONG, 0),
        Clocks::OfProcesses => (0, WRONG),
    };
    // The extremes are where faults are. Clocks of clients may be wrong by more than the skew.
    let client = prop_oneof![
        Just(0),
        Just(SKEW),
        Just(-SKEW),
        0..2000_i64,
        SKEW..SKEW + 2000,
        -2 * SKEW..2 * SKEW
    ];
    let clock = |wrong: i64| prop_oneof![Just(0), Just(wrong), Just(-wrong), -wrong..=wrong];
    let process = 0..PROCESSES;
    let event = prop_oneof![
        6 => (process.clone(), client).prop_map(|(process, client_clock)| Event::Request { process, client_clock }),
        4 => (process.clone(), 0..8_usize).prop_map(|(process, back)| Event::Replay { process, back }),
        4 => Just(Event::ReplayAll),
        6 => prop_oneof![0..2000_i64, 0..SKEW + 3000].prop_map(|time| Event::Wait { time }),
        1 => Just(Event::Flush),
        2 => Just(Event::Copy),
        2 => (any::<bool>(), clock(servers)).prop_map(|(with_copy, server_clock)| Event::Replace { with_copy, server_clock }),
        1 => (process, clock(processes)).prop_map(|(process, process_clock)| Event::Set { process, process_clock }),
    ];
    vec(event, 1..50)
}
