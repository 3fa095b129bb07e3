//! Messages with mutations that parsers could read differently, for property tests.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// Names that decide, in requests and in answers.
const NAMES: &[&str] = &[
    "method",
    "params",
    "result",
    "id",
    "name",
    "uri",
    "ref",
    "type",
    "taskId",
    "arguments",
    "notifications",
    "resourceSubscriptions",
    "tools",
    "resources",
    "resourceTemplates",
    "uriTemplate",
    "cacheScope",
    "_meta",
    "x",
];

const VALUES: &[&str] = &[
    r#""evil""#,
    r#""tools/call""#,
    r#""resources/read""#,
    r#"{"name":"evil"}"#,
    r#"{"tools":[{"name":"evil"}]}"#,
    r#"[{"name":"evil"},{"name":"search"}]"#,
    r#"["evil"]"#,
    r#""public""#,
    r#""\ud800""#,
    r#""a\u0000b""#,
    "null",
    "7",
    "{}",
    "[]",
];

const PIECES: &[&str] = &[
    "\"", "{", "}", "[", "]", ",", ":", "\\", " ", "\n", "\t", "0", "\0", "\u{FEFF}", "e9", "NaN",
    "é",
];

#[derive(Clone, Debug)]
enum Mutation {
    /// A member at the beginning or the end of an object, its name in some spelling.
    Member {
        object: Index,
        at_end: bool,
        name: Index,
        spelling: Index,
        value: Index,
    },
    /// Another spelling of a name that is there.
    Respelled {
        name: Index,
        spelling: Index,
    },
    /// Another value of a member that is there.
    Value {
        name: Index,
        value: Index,
    },
    /// An escape in place of a letter.
    Escaped(Index),
    Inserted {
        at: Index,
        piece: Index,
    },
    Deleted(Index),
    Wrapped,
}

/// Returns a spelling of a name, as the text of a JSON string. Most are the name itself or an escape of it.
fn spelled(name: &str, spelling: &Index) -> String {
    let upper = |at: usize| {
        let (start, rest) = name.split_at(at.min(name.len()));
        let mut rest = rest.chars();
        let first: String = rest.next().into_iter().flat_map(char::to_uppercase).collect();
        format!("{start}{first}{}", rest.as_str())
    };
    let spelled = match spelling.index(12) {
        0 => upper(0),
        1 => upper(1),
        2 => name.to_uppercase(),
        3 => name.replace('s', "ſ").replace('k', "\u{212A}").replace('i', "ı"),
        4 => name.split_inclusive(char::is_lowercase).collect::<Vec<_>>().join("_"),
        5 => format!("{name} "),
        6 => format!("{name}\\u0000x"),
        7 => format!("{name}s"),
        8 | 9 => format!("\\u{:04x}{}", name.as_bytes()[0], &name[1..]),
        _ => name.to_owned(),
    };
    format!("\"{spelled}\"")
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<Index>;
    prop_oneof![
        4 => (index(), any::<bool>(), index(), index(), index()).prop_map(
            |(object, at_end, name, spelling, value)| {
                Mutation::Member { object, at_end, name, spelling, value }
            }
        ),
        2 => (index(), index()).prop_map(|(name, spelling)| Mutation::Respelled { name, spelling }),
        2 => (index(), index()).prop_map(|(name, value)| Mutation::Value { name, value }),
        2 => index().prop_map(Mutation::Escaped),
        1 => (index(), index()).prop_map(|(at, piece)| Mutation::Inserted { at, piece }),
        1 => index().prop_map(Mutation::Deleted),
        1 => Just(Mutation::Wrapped),
    ]
}

/// Returns one of these texts with up to four mutations.
pub(super) fn mutated(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    (any::<Index>(), vec(mutation(), 0..=4)).prop_map(move |(text, mutations)| {
        let text = texts[text.index(texts.len())].to_owned();
        mutations.iter().fold(text, |text, mutation| mutation.apply(text))
    })
}

impl Mutation {
    fn apply(&self, mut text: String) -> String {
        let find = |text: &str, pattern: &str, which: &Index| {
            let found: Vec<_> = text.match_indices(pattern).map(|(at, _)| at).collect();
            (!found.is_empty()).then(|| found[which.index(found.len())])
        };
        let boundary = |text: &str, which: &Index| {
            let found: Vec<_> = text.char_indices().map(|(at, _)| at).collect();
            (!found.is_empty()).then(|| found[which.index(found.len())])
        };
        match self {
            Self::Member { object, at_end, name, spelling, value } => {
                let member = spelled(NAMES[name.index(NAMES.len())], spelling);
                let member = format!("{member}:{}", VALUES[value.index(VALUES.len())]);
                let bracket = if *at_end { "}" } else { "{" };
                if let Some(at) = find(&text, bracket, object) {
                    let is_empty = text[..at + 1].ends_with("{}") || text[at..].starts_with("{}");
                    match (at_end, is_empty) {
                        (true, true) => text.insert_str(at, &member),
                        (true, false) => text.insert_str(at, &format!(",{member}")),
                        (false, true) => text.insert_str(at + 1, &member),
                        (false, false) => text.insert_str(at + 1, &format!("{member},")),
                    }
                }
            }
            Self::Respelled { name, spelling } => {
                let name = NAMES[name.index(NAMES.len())];
                let quoted = format!("\"{name}\"");
                if let Some(at) = text.find(&quoted) {
                    text.replace_range(at..at + quoted.len(), &spelled(name, spelling));
                }
            }
            Self::Value { name, value } => {
                let key = format!("\"{}\":", NAMES[name.index(NAMES.len())]);
                if let Some(at) = text.rfind(&key).map(|at| at + key.len()) {
                    let end = text[at..].find([',', '}', ']']).map_or(text.len(), |end| at + end);
                    text.replace_range(at..end, VALUES[value.index(VALUES.len())]);
                }
            }
            Self::Escaped(which) => {
                let letters: Vec<_> =
                    text.char_indices().filter(|(_, char)| char.is_ascii_alphabetic()).collect();
                if !letters.is_empty() {
                    let (at, letter) = letters[which.index(letters.len())];
                    text.replace_range(at..at + 1, &format!("\\u{:04X}", letter as u32));
                }
            }
            Self::Inserted { at, piece } => {
                if let Some(at) = boundary(&text, at) {
                    text.insert_str(at, PIECES[piece.index(PIECES.len())]);
                }
            }
            Self::Deleted(at) => {
                if let Some(at) = boundary(&text, at) {
                    text.remove(at);
                }
            }
            Self::Wrapped => text = format!("[{text}]"),
        }
        text
    }
}
