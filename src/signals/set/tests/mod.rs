//! The rules for claims, without signatures: examples of the specifications, and each claim broken one by one.

mod claims;
mod examples;
mod properties;
mod times;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::rules::{Decision, Event, Rules};
use super::subjects::{Subjects, User};
use crate::signals::refusal::Refusal;

const ISSUER: &str = "https://idp.example.com/123456789/";
const AUDIENCE: &str = "https://sp.example.com/caep";

/// When the examples of CAEP were issued.
const ISSUED: u64 = 1_615_305_159;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn rules() -> Rules {
    Rules {
        audiences: vec![AUDIENCE.to_owned()],
        subjects: Subjects::default(),
        state: None,
        skew: Duration::from_secs(60),
    }
}

fn decide_at<'c>(rules: &Rules, claims: &'c Value, now: u64) -> Result<Event<'c>, Refusal> {
    rules.decide(ISSUER, claims.as_object().expect("an object"), at(now))
}

/// The decision about these claims, ten seconds after they were issued.
fn decide(rules: &Rules, claims: &Value) -> Result<Decision, Refusal> {
    decide_at(rules, claims, ISSUED + 10).map(|event| event.decision)
}

/// The subjects that these claims revoke, and before when.
fn revoked(rules: &Rules, claims: &Value) -> (Vec<(String, String)>, SystemTime) {
    match decide(rules, claims) {
        Ok(Decision::Revoke { users, before, .. }) => {
            let pair = |User { issuer, subject }| (issuer, subject);
            (users.into_iter().map(pair).collect(), before)
        }
        other => panic!("{claims}: {other:?}"),
    }
}
