//! Several messages in an array.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::envelope::Envelope;
use super::error::{MAX_MESSAGES, Unreadable};

/// The messages of an array. Those above the maximum are only counted.
pub(super) struct Batch<'b> {
    messages: Vec<Envelope<'b>>,
    has_more: bool,
}

impl<'b> Batch<'b> {
    pub(super) fn messages(self) -> Result<Vec<Envelope<'b>>, Unreadable> {
        if self.messages.is_empty() {
            Err(Unreadable::EmptyBatch)
        } else if self.has_more {
            Err(Unreadable::LongBatch)
        } else {
            Ok(self.messages)
        }
    }
}

impl<'de> Deserialize<'de> for Batch<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BatchVisitor;

        impl<'de> Visitor<'de> for BatchVisitor {
            type Value = Batch<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of messages")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Batch<'de>, A::Error> {
                let mut batch = Batch { messages: Vec::new(), has_more: false };
                while batch.messages.len() < MAX_MESSAGES {
                    match seq.next_element()? {
                        Some(message) => batch.messages.push(message),
                        None => return Ok(batch),
                    }
                }
                while let Some(IgnoredAny) = seq.next_element()? {
                    batch.has_more = true;
                }
                Ok(batch)
            }
        }
        deserializer.deserialize_seq(BatchVisitor)
    }
}
