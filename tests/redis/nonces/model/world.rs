//! Clients, processes and a server, each with its clock.

use super::schedule::{Event, PROCESSES, SKEW, VALIDITY};
use super::script::{Claim, Entry, Script};

/// In ten years, so that the server's own clock lets no key expire.
const START: i64 = 2_110_000_000_000;
const FRESH: i64 = 1;

pub struct World<'s> {
    script: &'s mut Script,
    now: i64,
    server_clock: i64,
    /// The clock of each process. A process may be restarted at any time, so none remembers anything.
    process_clocks: [i64; PROCESSES],
    copy: Vec<Entry>,
    signatures: Vec<Signature>,
    tokens: u32,
}

#[derive(Debug)]
pub struct Signature {
    /// In milliseconds, in whole seconds.
    created: i64,
    served: u32,
}

impl<'s> World<'s> {
    pub fn new(script: &'s mut Script) -> Self {
        script.replace(&[]);
        let (process_clocks, copy, signatures) = Default::default();
        let mut world = Self {
            script,
            now: START,
            server_clock: 0,
            process_clocks,
            copy,
            signatures,
            tokens: 0,
        };
        // The processes are connected, and requests are served.
        world.request(0, 0);
        world.wait(SKEW + 1000);
        world
    }

    pub fn apply(&mut self, event: &Event) {
        match *event {
            Event::Request { process, client_clock } => self.request(process, client_clock),
            Event::Replay { process, back } => {
                if let Some(number) = self.signatures.len().checked_sub(back + 1) {
                    self.take(process, number);
                }
            }
            Event::ReplayAll => self.replay_all(),
            Event::Wait { time } => self.wait(time),
            Event::Flush => self.script.replace(&[]),
            Event::Copy => self.copy = self.script.entries(),
            Event::Replace { with_copy, server_clock } => {
                let entries = if with_copy { std::mem::take(&mut self.copy) } else { Vec::new() };
                self.script.replace(&entries);
                self.script.change_history();
                self.copy = entries;
                self.server_clock = server_clock;
            }
            Event::Set { process, process_clock } => self.process_clocks[process] = process_clock,
        }
    }

    pub fn served_twice(&self) -> Vec<&Signature> {
        self.signatures.iter().filter(|signature| signature.served > 1).collect()
    }

    /// Whether a request is served once no clock is wrong any more, and the skew is over.
    pub fn serves_again(&mut self) -> bool {
        self.server_clock = 0;
        self.process_clocks = [0; PROCESSES];
        self.request(0, 0);
        // The last epoch may have been begun by a clock that was ahead by up to a skew.
        self.wait(2 * SKEW + 1000);
        self.request(0, 0);
        self.signatures.last().is_some_and(|signature| signature.served == 1)
    }

    fn wait(&mut self, time: i64) {
        self.now += time;
        self.script.expire(self.now + self.server_clock);
    }

    fn request(&mut self, process: usize, client_clock: i64) {
        let created = (self.now + client_clock) / 1000 * 1000;
        self.signatures.push(Signature { created, served: 0 });
        self.take(process, self.signatures.len() - 1);
    }

    fn replay_all(&mut self) {
        for number in 0..self.signatures.len() {
            for process in 0..PROCESSES {
                self.take(process, number);
            }
        }
    }

    /// A process takes a request, as the layer and the store do.
    fn take(&mut self, process: usize, number: usize) {
        let signature = &mut self.signatures[number];
        let (created, expires) = (signature.created, signature.created + VALIDITY);
        let process_time = self.now + self.process_clocks[process];
        let in_seconds = process_time / 1000 * 1000;
        if created > in_seconds + SKEW || in_seconds > expires + SKEW {
            return;
        }
        self.tokens += 1;
        let nonce = number.to_string();
        let claim =
            Claim { nonce: &nonce, created, expires, skew: SKEW, process_time, token: self.tokens };
        let (status, _) = self.script.claim(self.now + self.server_clock, &claim);
        if status == FRESH {
            signature.served += 1;
        }
    }
}
