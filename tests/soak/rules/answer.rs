//! What a request was answered, and whether that is allowed.

use std::time::Duration;

use super::outage::Outages;
use super::rule::{Broken, Rule};

/// The scheme of a request's credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    Password,
    Token,
    Signature,
    Jwt,
    /// No credential at all.
    None,
}

impl Scheme {
    /// The schemes of credentials.
    pub const ALL: [Self; 4] = [Self::Password, Self::Token, Self::Signature, Self::Jwt];

    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Token => "token",
            Self::Signature => "signature",
            Self::Jwt => "jwt",
            Self::None => "none",
        }
    }
}

/// What a request has to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expected {
    /// 200.
    Served,
    /// 401.
    Refused,
    /// 401, 429 or 503: the client sends many wrong credentials.
    Flood,
}

impl Expected {
    pub fn name(self) -> &'static str {
        match self {
            Self::Served => "valid",
            Self::Refused => "invalid",
            Self::Flood => "flood",
        }
    }
}

/// The answer to a request. Times are since the start of the run.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// What the request was.
    pub what: &'static str,
    pub scheme: Scheme,
    pub expected: Expected,
    pub sent: Duration,
    pub answered: Duration,
    /// `None` if the connection ended, or nothing came in time.
    pub status: Option<u16>,
    /// Whether the inner service saw another principal than that of the credential.
    pub is_of_another: bool,
}

impl Answer {
    /// Returns the rule that the answer breaks. Without Redis a nonce cannot be claimed: then a signed request must not be
    /// served, and until the signatures from before have expired it is refused with 503.
    pub fn broken(&self, outages: &Outages) -> Option<Broken> {
        let is_signed = self.scheme == Scheme::Signature;
        let is_unavailable =
            is_signed && self.status == Some(503) && outages.excuse(self.sent, self.answered);
        let rule = match (self.expected, self.status) {
            (_, Some(200)) if self.is_of_another => Rule::InvalidIsRefused,
            (Expected::Served, Some(200))
                if is_signed && outages.cover(self.sent, self.answered) =>
            {
                Rule::InvalidIsRefused
            }
            (Expected::Served, Some(200))
            | (Expected::Refused, Some(401))
            | (Expected::Flood, Some(401 | 429 | 503)) => return None,
            (Expected::Served | Expected::Refused, _) if is_unavailable => return None,
            (Expected::Served, _) => Rule::ValidIsServed,
            (Expected::Refused | Expected::Flood, _) => Rule::InvalidIsRefused,
        };
        Some(Broken::new(rule, self.text()))
    }

    fn text(&self) -> String {
        let (what, scheme, at) = (self.what, self.scheme.name(), self.sent.as_secs_f64());
        let answer = self.status.map_or("no answer".to_owned(), |status| status.to_string());
        let other = if self.is_of_another { " as another principal" } else { "" };
        let took = (self.answered.saturating_sub(self.sent)).as_secs_f64();
        format!("{answer}{other} to {what} ({scheme}) at {at:.1} s, after {took:.3} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(expected: Expected, scheme: Scheme, status: impl Into<Option<u16>>) -> Answer {
        let (sent, answered) = (Duration::from_secs(11), Duration::from_secs(12));
        let status = status.into();
        Answer { what: "a request", scheme, expected, sent, answered, status, is_of_another: false }
    }

    fn broken(answer: Answer, outages: &Outages) -> Option<Rule> {
        answer.broken(outages).map(|broken| broken.rule)
    }

    fn calm(expected: Expected, scheme: Scheme, status: impl Into<Option<u16>>) -> Option<Rule> {
        broken(answer(expected, scheme, status), &Outages::default())
    }

    fn without_redis() -> Outages {
        let mut outages = Outages::default();
        outages.begin(Duration::from_secs(9));
        outages.killed(Duration::from_secs(10));
        outages
    }

    #[test]
    fn valid_requests_must_be_served() {
        assert_eq!(calm(Expected::Served, Scheme::Token, 200), None);
        for status in [Some(401), Some(429), Some(503), Some(500), None] {
            let rule = calm(Expected::Served, Scheme::Token, status);
            assert_eq!(rule, Some(Rule::ValidIsServed), "{status:?}");
        }
    }

    #[test]
    fn invalid_requests_must_be_refused() {
        assert_eq!(calm(Expected::Refused, Scheme::Jwt, 401), None);
        for status in [Some(200), Some(204), Some(429), Some(503), Some(500), None] {
            let rule = calm(Expected::Refused, Scheme::Jwt, status);
            assert_eq!(rule, Some(Rule::InvalidIsRefused), "{status:?}");
        }
    }

    #[test]
    fn flood_may_be_throttled_and_not_served() {
        for status in [401, 429, 503] {
            assert_eq!(calm(Expected::Flood, Scheme::Token, status), None);
        }
        assert_eq!(calm(Expected::Flood, Scheme::Token, 200), Some(Rule::InvalidIsRefused));
    }

    #[test]
    fn principal_must_be_that_of_the_credential() {
        let other = Answer { is_of_another: true, ..answer(Expected::Served, Scheme::Token, 200) };
        assert_eq!(broken(other, &Outages::default()), Some(Rule::InvalidIsRefused));
    }

    #[test]
    fn outage_excuses_503_of_signed_requests_alone() {
        let outages = without_redis();
        let rule =
            |expected, scheme, status: u16| broken(answer(expected, scheme, status), &outages);
        assert_eq!(rule(Expected::Served, Scheme::Signature, 503), None);
        assert_eq!(rule(Expected::Refused, Scheme::Signature, 503), None);
        let refused = Some(Rule::ValidIsServed);
        assert_eq!(rule(Expected::Served, Scheme::Signature, 401), refused);
        for scheme in [Scheme::Password, Scheme::Token, Scheme::Jwt] {
            assert_eq!(rule(Expected::Served, scheme, 503), refused);
            assert_eq!(rule(Expected::Served, scheme, 200), None);
        }
        assert_eq!(calm(Expected::Served, Scheme::Signature, 503), refused);
    }

    #[test]
    fn signed_requests_must_not_be_served_without_redis() {
        let served = answer(Expected::Served, Scheme::Signature, 200);
        assert_eq!(broken(served, &Outages::default()), None);
        assert_eq!(broken(served, &without_redis()), Some(Rule::InvalidIsRefused));
    }
}
