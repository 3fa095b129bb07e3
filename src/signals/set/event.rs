//! The events of SETs, and what they lead to.

use serde_json::{Map, Value};

use crate::signals::refusal::{Code, Refusal};
use crate::signals::seconds::Seconds;

/// The prefix of the events of OpenID.
const OPENID: &str = "https://schemas.openid.net/secevent/";

/// What an event leads to.
#[derive(Debug, PartialEq)]
pub(super) enum Effect<'e> {
    /// What was issued to its subject is revoked. The time is that of the event, if it says so.
    Revoke { at: Option<Seconds> },
    /// The transmitter verifies that events arrive.
    Verification { state: Option<&'e str> },
    /// The event does not concern this server, for this reason.
    Nothing(&'static str),
}

/// Reads the only event of a SET.
///
/// # Errors
///
/// If there is not exactly one, or if it does not conform to its definition.
pub(super) fn read<'e>(
    claims: &'e Map<String, Value>,
) -> Result<(&'e str, &'e Map<String, Value>, Effect<'e>), Refusal> {
    let not_one =
        || Code::InvalidRequest.because("`events` is not an object with exactly one member");
    let events = claims.get("events").and_then(Value::as_object).ok_or_else(not_one)?;
    let mut events = events.iter();
    let (Some((uri, payload)), None) = (events.next(), events.next()) else {
        return Err(not_one());
    };
    let payload = payload
        .as_object()
        .ok_or_else(|| Code::InvalidRequest.because("the payload of the event is not an object"))?;
    Ok((uri, payload, effect(uri, payload)?))
}

fn effect<'e>(uri: &str, payload: &'e Map<String, Value>) -> Result<Effect<'e>, Refusal> {
    Ok(match uri.strip_prefix(OPENID) {
        Some(
            "caep/event-type/session-revoked"
            | "risc/event-type/account-disabled"
            | "risc/event-type/account-purged"
            // Of drafts of RISC, which some transmitters implement.
            | "risc/event-type/sessions-revoked",
        ) => Effect::Revoke { at: time(payload)? },
        Some("caep/event-type/credential-change") => match change_type(payload)? {
            "revoke" | "delete" | "update" => Effect::Revoke { at: time(payload)? },
            "create" => Effect::Nothing("a credential was created"),
            _ => Effect::Nothing("the type of the change is unknown"),
        },
        Some("ssf/event-type/verification" | "risc/event-type/verification") => {
            let state = match payload.get("state") {
                None => None,
                Some(Value::String(state)) => Some(&**state),
                Some(_) => return Err(Code::InvalidState.because("`state` is not a string")),
            };
            Effect::Verification { state }
        }
        _ => Effect::Nothing("the event is unknown"),
    })
}

fn change_type(payload: &Map<String, Value>) -> Result<&str, Refusal> {
    let change = payload.get("change_type").and_then(Value::as_str);
    change.ok_or_else(|| Code::InvalidRequest.because("`change_type` is not a string"))
}

/// Returns when the event happened (CAEP §2).
fn time(payload: &Map<String, Value>) -> Result<Option<Seconds>, Refusal> {
    match payload.get("event_timestamp") {
        None => Ok(None),
        Some(time) => match Seconds::read_or_milliseconds(time) {
            Some(time) => Ok(Some(time)),
            None => Err(Code::InvalidRequest.because("`event_timestamp` is not a time")),
        },
    }
}
