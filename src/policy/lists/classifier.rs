//! Decides from the beginning of an event whether the whole of it must be read.

use std::borrow::Cow;

use memchr::memchr2;

use super::super::json::is_alike;
use super::members::{INITIALIZED, LISTS, NO_LIST, NO_RESULT, NOTIFICATIONS};

/// The maximum of bytes of an event that are held while it is undecided.
pub(crate) const MAX_UNDECIDED: usize = 64 * 1024;

/// The maximum of a key or a method that is read, in bytes. The longest one that decides has 240 bytes if all of it is
/// escaped.
const MAX_KEY: usize = 256;

/// What is known of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// More of it must be read. If there is no more, it is no list.
    Undecided,
    /// It is nothing that matters, and the rest of it need not be read.
    Passing,
    /// It must be read whole, by [`Lists`](super::Lists): it may be a list, the update of a resource or an announcement
    /// of the server, or this type cannot decide about it.
    Whole,
}

/// Reads the data of one event as it comes, up to the first member that decides.
///
/// It reads the keys of a message and of its `result`, and its `method`, and skips all else. A value that is no JSON
/// object or array passes, as it is no message. Several `data` lines must be separated by LF, as a client joins them.
#[derive(Debug)]
pub(crate) struct Classifier {
    state: State,
    level: Level,
    /// The key that is read, as it was sent.
    key: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the message.
    Start,
    /// Before a key or the end of an object.
    BeforeKey {
        may_end: bool,
    },
    Key {
        is_escaped: bool,
    },
    /// Before the colon after a key.
    Colon(Member),
    /// Before the value of a member.
    Value(Member),
    /// In the value of `method`.
    Method {
        is_escaped: bool,
    },
    /// In a number or a word.
    Scalar,
    /// In a string, a number of brackets deep.
    String {
        depth: usize,
        is_escaped: bool,
    },
    /// In brackets.
    Nested {
        depth: usize,
    },
    /// After the value of a member.
    AfterValue,
    Decided(Verdict),
}

/// Which member of a message is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Result,
    Method,
    Other,
}

/// Whose members are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Message,
    Result,
}

impl Default for Classifier {
    fn default() -> Self {
        Self::new()
    }
}

impl Classifier {
    pub(crate) fn new() -> Self {
        Self { state: State::Start, level: Level::Message, key: Vec::new() }
    }

    /// Begins with another event.
    pub(crate) fn reset(&mut self) {
        (self.state, self.level) = (State::Start, Level::Message);
        self.key.clear(); // its memory is used again
    }

    /// Reads more of the data. Once it is decided, the rest need not be presented.
    pub(crate) fn push(&mut self, mut data: &[u8]) -> Verdict {
        while let Some((&byte, rest)) = data.split_first() {
            if let State::Decided(verdict) = self.state {
                return verdict;
            }
            let within = self.within_string(data);
            if within > 0 {
                data = &data[within..];
            } else {
                self.state = self.after(byte);
                data = rest;
            }
        }
        match self.state {
            State::Decided(verdict) => verdict,
            _ => Verdict::Undecided,
        }
    }

    /// Reads what of the data belongs to a string, up to its end or an escape, and returns its length. Most of a message
    /// are strings, which are searched faster than they are read byte by byte.
    fn within_string(&mut self, data: &[u8]) -> usize {
        let is_kept = match self.state {
            State::Key { is_escaped: false } | State::Method { is_escaped: false } => true,
            State::String { is_escaped: false, .. } => false,
            _ => return 0,
        };
        let end = memchr2(b'"', b'\\', data).unwrap_or(data.len());
        if !is_kept {
            return end;
        }
        // A key that becomes too long is read byte by byte, to where that is known.
        let end = end.min(MAX_KEY.saturating_sub(self.key.len()));
        self.key.extend_from_slice(&data[..end]);
        end
    }

    fn after(&mut self, byte: u8) -> State {
        const UNREADABLE: State = State::Decided(Verdict::Whole);
        let is_space = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        match self.state {
            State::Start => match byte {
                _ if is_space => self.state,
                b'{' => State::BeforeKey { may_end: true },
                // A batch, whose messages are not read here; and a byte order mark, which some clients skip.
                b'[' | 0xEF => UNREADABLE,
                _ => State::Decided(Verdict::Passing),
            },
            State::BeforeKey { may_end } => match byte {
                _ if is_space => self.state,
                b'"' => {
                    self.key.clear();
                    State::Key { is_escaped: false }
                }
                b'}' if may_end => self.end_of_object(),
                _ => UNREADABLE,
            },
            State::Key { is_escaped: false } if byte == b'"' => self.after_key(),
            State::Key { is_escaped } => {
                self.key.push(byte);
                if self.key.len() > MAX_KEY {
                    return UNREADABLE;
                }
                State::Key { is_escaped: !is_escaped && byte == b'\\' }
            }
            State::Colon(member) => match byte {
                _ if is_space => self.state,
                b':' => State::Value(member),
                _ => UNREADABLE,
            },
            State::Method { is_escaped: false } if byte == b'"' => {
                let matters = |method: Cow<'_, str>| NOTIFICATIONS.contains(&&*method);
                let matters = decoded(&self.key).is_none_or(matters);
                State::Decided(if matters { Verdict::Whole } else { Verdict::Passing })
            }
            State::Method { is_escaped } => {
                self.key.push(byte);
                if self.key.len() > MAX_KEY {
                    return State::Decided(Verdict::Passing); // no escapes make it as long
                }
                State::Method { is_escaped: !is_escaped && byte == b'\\' }
            }
            State::Value(member) => match byte {
                _ if is_space => self.state,
                b'"' if member == Member::Method => {
                    self.key.clear();
                    State::Method { is_escaped: false }
                }
                _ if member == Member::Method => State::Decided(Verdict::Passing),
                b'{' if member == Member::Result => {
                    self.level = Level::Result;
                    State::BeforeKey { may_end: true }
                }
                b'{' | b'[' => State::Nested { depth: 1 },
                b'"' => State::String { depth: 0, is_escaped: false },
                b'}' | b']' | b',' | b':' => UNREADABLE,
                _ => State::Scalar,
            },
            State::Scalar => match byte {
                b',' | b'}' => self.after_value(byte),
                _ if is_space => State::AfterValue,
                b'{' | b'[' | b']' | b'"' | b':' => UNREADABLE,
                _ => State::Scalar,
            },
            State::String { depth, is_escaped: false } if byte == b'"' => match depth {
                0 => State::AfterValue,
                depth => State::Nested { depth },
            },
            State::String { depth, is_escaped } => {
                State::String { depth, is_escaped: !is_escaped && byte == b'\\' }
            }
            State::Nested { depth } => match byte {
                b'"' => State::String { depth, is_escaped: false },
                b'{' | b'[' => State::Nested { depth: depth + 1 },
                b'}' | b']' if depth == 1 => State::AfterValue,
                b'}' | b']' => State::Nested { depth: depth - 1 },
                _ => self.state,
            },
            State::AfterValue if is_space => self.state,
            State::AfterValue => self.after_value(byte),
            State::Decided(_) => self.state,
        }
    }

    fn after_value(&mut self, byte: u8) -> State {
        match byte {
            b',' => State::BeforeKey { may_end: false },
            b'}' => self.end_of_object(),
            _ => State::Decided(Verdict::Whole),
        }
    }

    fn end_of_object(&mut self) -> State {
        match self.level {
            Level::Message => State::Decided(Verdict::Passing),
            Level::Result => {
                self.level = Level::Message;
                State::AfterValue
            }
        }
    }

    fn after_key(&self) -> State {
        let Some(key) = decoded(&self.key) else { return State::Decided(Verdict::Whole) };
        let is_one_of = |names: &[&str]| names.contains(&&*key);
        match self.level {
            Level::Message if is_one_of(&NO_RESULT) => State::Decided(Verdict::Passing),
            Level::Result if is_one_of(&NO_LIST) => State::Decided(Verdict::Passing),
            Level::Result if is_one_of(&INITIALIZED) => State::Decided(Verdict::Whole),
            Level::Result if LISTS.iter().any(|name| is_alike(&key, name)) => {
                State::Decided(Verdict::Whole)
            }
            Level::Message if key == "method" => State::Colon(Member::Method),
            Level::Message if is_alike(&key, "result") => State::Colon(Member::Result),
            Level::Message | Level::Result => State::Colon(Member::Other),
        }
    }
}

/// Returns the text of a key without escapes.
fn decoded(key: &[u8]) -> Option<Cow<'_, str>> {
    let key = str::from_utf8(key).ok()?;
    if key.contains('\\') {
        serde_json::from_str(&format!("\"{key}\"")).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(key))
    }
}
