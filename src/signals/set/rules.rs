//! The rules for the claims of a SET, and what it leads to (Shared Signals Framework 1.0 §4, RFC 8417 §2.2).

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use super::event::{self, Effect};
use super::subject;
use super::subjects::{Subjects, User, Users};
use crate::signals::refusal::{Code, Refusal};
use crate::signals::seconds::Seconds;
use crate::text::Shortened;

/// How old a SET may be that is delivered again, after an outage of this server or of the transmitter.
const MAX_AGE: Duration = Duration::from_secs(7 * 24 * 3600);

/// What the claims of a SET must be.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) audiences: Vec<String>,
    pub(super) subjects: Subjects,
    pub(super) state: Option<State>,
    pub(super) skew: Duration,
}

/// The state that a verification event must have. It is not shown: it tells the events of an operator's own request.
#[derive(Clone)]
pub(super) struct State(pub(super) String);

/// A SET that conforms to the rules.
#[derive(Debug, PartialEq)]
pub(super) struct Event<'c> {
    pub(super) id: &'c str,
    pub(super) uri: &'c str,
    pub(super) decision: Decision,
}

/// What a SET leads to.
#[derive(Debug, PartialEq)]
pub(super) enum Decision {
    Revoke {
        users: Vec<User>,
        before: SystemTime,
        /// Whether the event is about a part of what is revoked, such as one session.
        is_narrower: bool,
    },
    /// The transmitter has verified that events arrive.
    Verified,
    /// It is accepted and has no effect, for this reason.
    Nothing(String),
}

impl Rules {
    /// Applies the rules to claims whose signature is verified.
    ///
    /// # Errors
    ///
    /// If one of the rules is violated.
    pub(super) fn decide<'c>(
        &self,
        transmitter: &str,
        claims: &'c Map<String, Value>,
        now: SystemTime,
    ) -> Result<Event<'c>, Refusal> {
        self.check_audience(claims)?;
        check_kind(claims)?;
        let now = Seconds::of(now).ok_or_else(|| {
            Code::InvalidRequest.because("the clock of this server is before 1970")
        })?;
        let issued = self.issued(claims, now)?;
        let id = id(claims)?;
        let (uri, payload, effect) = event::read(claims)?;
        let decision = match effect {
            Effect::Nothing(reason) => Decision::Nothing(reason.to_owned()),
            Effect::Verification { state } => self.verified(state)?,
            Effect::Revoke { at } => {
                let found = subject::find(claims, payload)?;
                match self.subjects.users(transmitter, &found.subject)? {
                    Users::Unknown(reason) => Decision::Nothing(reason),
                    Users::Known(users) => Decision::Revoke {
                        users,
                        before: at.unwrap_or(issued).min(now.plus(self.skew)).time(),
                        is_narrower: found.is_narrower,
                    },
                }
            }
        };
        Ok(Event { id, uri, decision })
    }

    fn check_audience(&self, claims: &Map<String, Value>) -> Result<(), Refusal> {
        let is_ours = |audience: &Value| {
            audience
                .as_str()
                .is_some_and(|audience| self.audiences.iter().any(|own| own == audience))
        };
        let is_accepted = match claims.get("aud") {
            Some(Value::Array(audiences)) => {
                audiences.iter().all(Value::is_string) && audiences.iter().any(is_ours)
            }
            Some(audience) => is_ours(audience),
            None => false,
        };
        if is_accepted {
            return Ok(());
        }
        let found = claims.get("aud").map_or_else(|| "missing".to_owned(), Value::to_string);
        Err(Code::InvalidAudience
            .because("the token is for another receiver")
            .caused_by(format!("`aud` is {}", Shortened::new(&found))))
    }

    /// Returns when the SET was issued.
    fn issued(&self, claims: &Map<String, Value>, now: Seconds) -> Result<Seconds, Refusal> {
        let iat = claims.get("iat").and_then(Seconds::read);
        let iat = iat.ok_or_else(|| Code::InvalidRequest.because("`iat` is not a time"))?;
        if iat > now.plus(self.skew) {
            return Err(Code::InvalidRequest.because("the token was issued in the future"));
        }
        if now > iat.plus(MAX_AGE + self.skew) {
            return Err(Code::InvalidRequest.because("the token was issued more than 7 days ago"));
        }
        Ok(iat)
    }

    fn verified(&self, state: Option<&str>) -> Result<Decision, Refusal> {
        match &self.state {
            Some(State(expected)) if state != Some(expected) => {
                Err(Code::InvalidState.because("`state` is not the one that was asked for"))
            }
            _ => Ok(Decision::Verified),
        }
    }
}

/// Checks that it is no JWT of another kind (Shared Signals Framework 1.0 §4.1.3).
fn check_kind(claims: &Map<String, Value>) -> Result<(), Refusal> {
    let refused = |description| Err(Code::InvalidRequest.because(description));
    if claims.contains_key("exp") {
        return refused("a security event token must not have `exp`");
    }
    if claims.contains_key("sub") {
        return refused("a security event token must not have `sub`");
    }
    Ok(())
}

fn id(claims: &Map<String, Value>) -> Result<&str, Refusal> {
    let id = claims.get("jti").and_then(Value::as_str).filter(|id| !id.is_empty());
    id.ok_or_else(|| Code::InvalidRequest.because("`jti` is missing, empty or no text"))
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("State")
    }
}
