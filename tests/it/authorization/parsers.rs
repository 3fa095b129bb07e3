//! Whatever the inner service receives from a restricted principal is a message that it may send, whichever of two
//! members of a name a parser takes, and however it compares names. Case 80; see also `src/policy/message/tests`.

use std::fmt;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::*;

/// The members of an object as they came.
struct Members<'b>(Vec<(String, &'b RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// How a lenient parser finds a member.
#[derive(Clone, Copy, Debug)]
struct Parser {
    takes_first: bool,
    folds_case: bool,
    skips_punctuation: bool,
}

const PARSERS: [Parser; 5] = [
    Parser { takes_first: true, folds_case: false, skips_punctuation: false },
    Parser { takes_first: false, folds_case: false, skips_punctuation: false },
    Parser { takes_first: false, folds_case: true, skips_punctuation: false },
    Parser { takes_first: true, folds_case: true, skips_punctuation: true },
    Parser { takes_first: false, folds_case: true, skips_punctuation: true },
];

impl Parser {
    fn normalized(self, key: &str) -> String {
        let key: String =
            key.chars().filter(|c| !self.skips_punctuation || c.is_alphanumeric()).collect();
        if self.folds_case { key.to_uppercase().to_lowercase() } else { key }
    }

    fn find<'b>(self, members: &Members<'b>, name: &str) -> Option<&'b RawValue> {
        let name = self.normalized(name);
        let mut found = members.0.iter().filter(|(key, _)| self.normalized(key) == name);
        let found = if self.takes_first { found.next() } else { found.next_back() };
        found.map(|(_, value)| *value)
    }

    /// The method and the tool that it reads.
    fn read(self, body: &[u8]) -> (Option<String>, Option<String>) {
        let text = |value: &RawValue| serde_json::from_str::<String>(value.get()).ok();
        let message: Members<'_> = serde_json::from_slice(body).expect("an object passes");
        let params = self.find(&message, "params");
        let params =
            params.and_then(|params| serde_json::from_str::<Members<'_>>(params.get()).ok());
        let name = params.and_then(|params| text(self.find(&params, "name")?));
        (self.find(&message, "method").and_then(text), name)
    }
}

/// A key that is, or almost is, one that decides.
fn key(name: &'static str) -> impl Strategy<Value = String> {
    let (first, rest) = name.split_at(1);
    let escaped = format!("\\u{:04x}{rest}", first.as_bytes()[0]);
    let upper = format!("{}{rest}", first.to_uppercase());
    prop_oneof![
        30 => Just(name.to_owned()),
        1 => Just(escaped),
        1 => Just(upper),
        1 => Just(name.to_uppercase()),
        1 => Just(format!("{first}_{rest}")),
        1 => Just(format!("{name}\\u0000")),
        1 => Just(name.replace('s', "ſ")),
        1 => Just("other".to_owned()),
    ]
}

fn value(allowed: &'static str, refused: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![
        20 => Just(format!("\"{allowed}\"")),
        2 => Just(format!("\"{refused}\"")),
        1 => Just(format!("\"{allowed}\\u0000\"")),
        1 => Just("null".to_owned()),
        1 => Just("1".to_owned()),
    ]
}

/// An object with one or two of these members.
fn object(member: impl Strategy<Value = (String, String)>) -> impl Strategy<Value = String> {
    proptest::collection::vec(member, 1..3).prop_map(|members| {
        let members: Vec<_> =
            members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    })
}

fn message() -> impl Strategy<Value = String> {
    let params = || object((key("name"), value("search", "delete")));
    let method = || (key("method"), value("tools/call", "vendor/x"));
    let params = || (key("params"), params());
    let member = prop_oneof![2 => method(), 2 => params(), 8 => (key("id"), value("7", "8"))];
    (method(), params(), proptest::option::of(member), any::<bool>()).prop_map(
        |(method, params, other, is_reversed)| {
            let mut members: Vec<_> = [Some(method), Some(params), other]
                .into_iter()
                .flatten()
                .map(|(key, value)| format!("\"{key}\":{value}"))
                .collect();
            if is_reversed {
                members.reverse();
            }
            format!("{{{}}}", members.join(","))
        },
    )
}

#[test]
fn what_passes_is_allowed_however_it_is_read() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let app = app();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut passed, mut stopped) = (0, 0);
    for _ in 0..1500 {
        let body = message().new_tree(&mut runner).unwrap().current();
        runtime.block_on(app.send(body.clone()));
        for (_, received) in app.inner.take() {
            assert_eq!(received, body);
            for parser in PARSERS {
                let read = parser.read(&received);
                let allowed = (Some("tools/call".to_owned()), Some("search".to_owned()));
                assert_eq!(read, allowed, "{parser:?}: {body}");
            }
            passed += 1;
        }
        stopped += 1;
    }
    // The property says nothing if nothing passes, or if nothing is refused.
    assert!(passed > 50 && stopped - passed > 50, "{passed} of {stopped}");
}
