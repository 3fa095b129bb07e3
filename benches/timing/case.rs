//! A case: what is compared, and how often.

use http::request::Parts;
use mcp_auth_layer::{Authenticator, Rejection};

use super::measure::{Random, compare};
use super::request::request;
use super::statistics::{Class, Comparison};

/// How many times are taken of what costs less than a few microseconds.
pub const MANY: u64 = 10_000_000;

pub struct Case {
    pub name: &'static str,
    /// How many times are taken, if nothing else is asked for.
    pub count: u64,
    run: Box<dyn FnOnce(u64) -> Comparison>,
}

impl Case {
    /// Creates a case. `run` takes as many times as it is told.
    pub fn new(name: &'static str, run: impl FnOnce(u64) -> Comparison + 'static) -> Self {
        Self { name, count: MANY, run: Box::new(run) }
    }

    /// Creates a case of wrong credentials in `Authorization`, which `prepare` makes.
    pub fn of_authorization(
        name: &'static str,
        authenticator: impl Authenticator,
        mut prepare: impl FnMut(Class, &mut Random) -> String + 'static,
    ) -> Self {
        let prepare = move |class, random: &mut Random| request(Some(&prepare(class, random)));
        Self::of_heads(name, authenticator, prepare)
    }

    /// Creates a case of heads of requests that are refused.
    pub fn of_heads(
        name: &'static str,
        authenticator: impl Authenticator,
        mut prepare: impl FnMut(Class, &mut Random) -> Parts + 'static,
    ) -> Self {
        for class in [Class::First, Class::Second] {
            let decision = decide(&authenticator, &prepare(class, &mut Random::new()));
            assert!(!matches!(decision, Some(Ok(()))), "{name}: these are to be refused");
        }
        Self::new(name, move |count| compare(count, prepare, |head| decide(&authenticator, head)))
    }

    /// Takes fewer times, as each one costs more.
    pub fn count(self, count: u64) -> Self {
        Self { count, ..self }
    }

    pub fn run(self, count: u64) -> Comparison {
        (self.run)(count)
    }
}

/// Returns the decision about a head, or `None` if the authenticator has to wait for it.
fn decide(authenticator: &impl Authenticator, head: &Parts) -> Option<Result<(), Rejection>> {
    authenticator.authenticate_now(head).map(|decision| decision.map(drop))
}
