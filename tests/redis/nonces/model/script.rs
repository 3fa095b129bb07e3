//! The script with a made-up time.

use redis::{Connection, FromRedisValue, cmd, pipe};

/// The script that the store sends.
pub const SOURCE: &str = include_str!("../../../../src/stores/redis/claim.lua");

const EPOCH: &str = "{model}:e";
/// What the script reads instead of the server's clock: seconds and microseconds.
const CLOCK: &str = "clock";

/// Lists all keys but the clock, with values and times of expiry.
const LIST: &str = "
    local all = {}
    for _, key in ipairs(redis.call('KEYS', '{model}*')) do
        all[#all + 1] = {key, redis.call('GET', key), redis.call('PEXPIRETIME', key)}
    end
    return all";

/// A server, and the script with a time that is a key.
pub struct Script {
    connection: Connection,
    source: String,
}

/// A key, its value and when it expires, in milliseconds since 1970.
pub type Entry = (String, String, i64);

/// What the script is asked, in milliseconds.
pub struct Claim<'c> {
    pub nonce: &'c str,
    pub created: i64,
    pub expires: i64,
    pub skew: i64,
    pub process_time: i64,
    pub token: u32,
}

impl Script {
    pub fn connect(url: &str, source: &str) -> Self {
        let connection = redis::Client::open(url).unwrap().get_connection().unwrap();
        assert_eq!(source.matches("redis.call('TIME')").count(), 1);
        let source =
            source.replace("redis.call('TIME')", &format!("redis.call('LRANGE', '{CLOCK}', 0, 1)"));
        Self { connection, source }
    }

    /// Claims a nonce at this time of the server. Returns the status, and the floor.
    pub fn claim(&mut self, server_time: i64, claim: &Claim<'_>) -> (i64, i64) {
        let Claim { nonce, created, expires, skew, process_time, token } = claim;
        let mut commands = pipe();
        commands.del(CLOCK).ignore();
        commands.rpush(CLOCK, &[server_time / 1000, server_time % 1000 * 1000]).ignore();
        commands.cmd("EVAL").arg(&self.source).arg(2).arg(EPOCH).arg(format!("{{model}}:{nonce}"));
        commands.arg(&[*created, *expires, *skew, *process_time]).arg(token).arg("0123abcd").arg(0);
        let ((status, floor, _),): ((i64, i64, i64),) =
            commands.query(&mut self.connection).unwrap();
        (status, floor)
    }

    /// Removes what has expired at this time.
    pub fn expire(&mut self, server_time: i64) {
        for (key, _, until) in self.entries() {
            if (0..=server_time).contains(&until) {
                self.command::<()>(&["DEL", &key]);
            }
        }
    }

    /// Returns the data.
    pub fn entries(&mut self) -> Vec<Entry> {
        self.command(&["EVAL", LIST, "0"])
    }

    /// Replaces the data. The history of the server stays the same.
    pub fn replace(&mut self, entries: &[Entry]) {
        let mut commands = pipe();
        commands.cmd("FLUSHALL").ignore();
        for (key, value, until) in entries {
            commands.set(key, value).ignore();
            if *until >= 0 {
                commands.cmd("PEXPIREAT").arg(key).arg(until).ignore();
            }
        }
        commands.query::<()>(&mut self.connection).unwrap();
    }

    /// Begins another history, as a restart and a promotion do.
    pub fn change_history(&mut self) {
        self.command::<()>(&["DEBUG", "CHANGE-REPL-ID"]);
    }

    fn command<T: FromRedisValue>(&mut self, words: &[&str]) -> T {
        cmd(words[0]).arg(&words[1..]).query(&mut self.connection).unwrap()
    }
}
