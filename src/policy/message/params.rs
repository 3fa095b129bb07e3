//! `params`. Which of its members decide is known only after the whole message was read, as `method` may come last.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::call::Call;
use super::super::json::{Members, is_null, name_of};
use super::super::methods::{Names, names};
use super::super::target::{Target, TargetKind};
use super::error::{MAX_TARGETS, Unreadable};

const MEMBERS: [&str; 6] = ["name", "uri", "ref", "taskId", "arguments", "notifications"];
const NAME: usize = 0;
const URI: usize = 1;
const REF: usize = 2;
const TASK_ID: usize = 3;
const ARGUMENTS: usize = 4;
const NOTIFICATIONS: usize = 5;

/// The value of `params`.
#[derive(Clone, Debug)]
pub(super) enum Params<'b> {
    /// The message has no `params`, or they are null.
    Absent,
    Object(Members<'b, 6>),
    Other,
}

impl<'b> Params<'b> {
    /// Returns the call of this method.
    pub(super) fn call(self, method: Cow<'b, str>) -> Result<Call<'b>, Unreadable> {
        let members = match self {
            Self::Absent => Members::new(&MEMBERS),
            Self::Object(members) => members,
            Self::Other => return Err(Unreadable::NotAnObject("params")),
        };
        let names = names(&method);
        let call = Call::new(method);
        Ok(match names {
            Names::Nothing => call,
            Names::Name(kind) => {
                let call = call.with_target(Target::new(kind, text(&members, NAME, "name")?));
                match members.get(ARGUMENTS)?.filter(|arguments| !is_null(arguments)) {
                    Some(arguments) => call.with_arguments(arguments.get()),
                    None => call,
                }
            }
            Names::Uri => call.with_target(Target::resource(text(&members, URI, "uri")?)),
            Names::TaskId => {
                let id = text(&members, TASK_ID, "taskId")?;
                call.with_target(Target::new(TargetKind::Task, id))
            }
            Names::Reference => call.with_target(referenced(members.get(REF)?)?),
            Names::Subscriptions => call.with_targets(subscribed(members.get(NOTIFICATIONS)?)?),
        })
    }
}

/// Returns the target of a completion. One parser could go by `type`, and another one by the members that are present,
/// so only those of the type may be present.
fn referenced(reference: Option<&RawValue>) -> Result<Target<'_>, Unreadable> {
    let reference = reference.ok_or(Unreadable::Reference)?.get();
    let members = Members::read(&["type", "name", "uri"], reference);
    let members = members.ok_or(Unreadable::Reference)?;
    members.check()?;
    let (name, uri) = (members.has(1), members.has(2));
    match &*text(&members, 0, "type")? {
        "ref/prompt" if !uri => Ok(Target::prompt(text(&members, 1, "name")?)),
        "ref/resource" if !name => {
            Ok(Target::new(TargetKind::ResourceTemplate, text(&members, 2, "uri")?))
        }
        _ => Err(Unreadable::Reference),
    }
}

/// Returns the targets of `subscriptions/listen`.
fn subscribed(notifications: Option<&RawValue>) -> Result<Vec<Target<'_>>, Unreadable> {
    const MEMBERS: [&str; 2] = ["resourceSubscriptions", "taskIds"];
    let Some(notifications) = notifications.filter(|value| !is_null(value)) else {
        return Ok(Vec::new());
    };
    let members = Members::read(&MEMBERS, notifications.get());
    let members = members.ok_or(Unreadable::NotAnObject("notifications"))?;
    let mut targets = Vec::new();
    for (index, kind) in [TargetKind::Resource, TargetKind::Task].into_iter().enumerate() {
        let Some(list) = members.get(index)?.filter(|value| !is_null(value)) else { continue };
        let wrong = Unreadable::NotNames(MEMBERS[index]);
        let list: Vec<&RawValue> = serde_json::from_str(list.get()).map_err(|_| wrong)?;
        if targets.len() + list.len() > MAX_TARGETS {
            return Err(Unreadable::TooManyTargets);
        }
        for name in list {
            targets.push(Target::new(kind, name_of(name).ok_or(wrong)?));
        }
    }
    Ok(targets)
}

fn text<'b, const N: usize>(
    members: &Members<'b, N>,
    index: usize,
    name: &'static str,
) -> Result<Cow<'b, str>, Unreadable> {
    members.get(index)?.and_then(name_of).ok_or(Unreadable::NotAName(name))
}

impl<'de> Deserialize<'de> for Params<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ParamsVisitor)
    }
}

struct ParamsVisitor;

impl<'de> Visitor<'de> for ParamsVisitor {
    type Value = Params<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Params<'de>, A::Error> {
        let mut members = Members::new(&MEMBERS);
        members.read_map(&mut map)?;
        Ok(Params::Object(members))
    }

    fn visit_unit<E>(self) -> Result<Params<'de>, E> {
        Ok(Params::Absent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Params<'de>, A::Error> {
        while let Some(IgnoredAny) = seq.next_element()? {}
        Ok(Params::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Params<'de>, E> {
        Ok(Params::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Params<'de>, E> {
        Ok(Params::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Params<'de>, E> {
        Ok(Params::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Params<'de>, E> {
        Ok(Params::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Params<'de>, E> {
        Ok(Params::Other)
    }
}
