//! The members of a message itself.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::super::id::Id;
use super::super::json::{Members, name_of};
use super::error::Unreadable;
use super::messages::Message;
use super::params::Params;
use crate::json::Text;

const MEMBERS: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];
const ID: usize = 1;
const METHOD: usize = 2;
const PARAMS: usize = 3;
const RESULT: usize = 4;
const ERROR: usize = 5;

/// The members of a message, of which `params` is read on the way: arguments may be long, and are read once.
#[derive(Debug)]
pub(super) struct Envelope<'b> {
    members: Members<'b, 6>,
    params: Params<'b>,
}

impl<'b> Envelope<'b> {
    /// Returns the message that it is.
    pub(super) fn into_message(self, path: &'b str) -> Result<Message<'b>, Unreadable> {
        let members = self.members;
        members.check()?;
        let is_response = members.has(RESULT) || members.has(ERROR);
        match (members.get(METHOD)?, is_response) {
            (Some(_), true) => Err(Unreadable::MethodAndResult),
            (None, false) => Err(Unreadable::NoMethod),
            (None, true) => Ok(Message::Response),
            (Some(method), false) => {
                let method = name_of(method).ok_or(Unreadable::NotAName("method"))?;
                let call = self.params.call(method)?.with_path(path);
                Ok(match members.get(ID)? {
                    Some(id) => Message::Request { id: Id::new(id.get()), call },
                    None => Message::Notification(call),
                })
            }
        }
    }
}

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EnvelopeVisitor;

        impl<'de> Visitor<'de> for EnvelopeVisitor {
            type Value = Envelope<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a message")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
                let mut members = Members::new(&MEMBERS);
                let mut params = Params::Absent;
                while let Some(Text(key)) = map.next_key()? {
                    match members.note(&key) {
                        Some(PARAMS) => params = map.next_value()?,
                        Some(index) => members.set(index, map.next_value()?),
                        None => _ = map.next_value::<IgnoredAny>()?,
                    }
                }
                Ok(Envelope { members, params })
            }
        }
        deserializer.deserialize_map(EnvelopeVisitor)
    }
}
