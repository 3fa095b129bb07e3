//! How long a revoked credential lasted.

use std::time::Duration;

use super::rule::{Broken, Rule};

/// A revocation, and when the last stream had ended and the first request was refused.
#[derive(Clone, Copy, Debug)]
pub struct Revocation {
    /// How the credential was revoked.
    pub how: &'static str,
    pub at: Duration,
    /// How long that took; `None` if it did not happen.
    pub took: Option<Duration>,
    /// How long it may take.
    pub limit: Duration,
}

impl Revocation {
    /// Returns the rule that is broken, if it took too long.
    pub fn broken(&self) -> Option<Broken> {
        let Self { how, at, took, limit } = self;
        let at = at.as_secs_f64();
        match took {
            Some(took) if took <= limit => None,
            Some(took) => {
                let text = format!("{how} at {at:.1} s: {took:.3?} instead of {limit:?}");
                Some(Broken::new(Rule::RevokedInTime, text))
            }
            None => {
                let text = format!("{how} at {at:.1} s: the credential was still served");
                Some(Broken::new(Rule::RevokedInTime, text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(took: Option<u64>) -> Option<Rule> {
        let limit = Duration::from_secs(1);
        let took = took.map(Duration::from_millis);
        let revocation = Revocation { how: "a handle", at: Duration::ZERO, took, limit };
        revocation.broken().map(|broken| broken.rule)
    }

    #[test]
    fn revocation_may_take_a_second() {
        assert_eq!(rule(Some(0)), None);
        assert_eq!(rule(Some(1000)), None);
        assert_eq!(rule(Some(1001)), Some(Rule::RevokedInTime));
    }

    #[test]
    fn revoked_credential_that_is_still_served_breaks_the_rule() {
        assert_eq!(rule(None), Some(Rule::RevokedInTime));
    }
}
