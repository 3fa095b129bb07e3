//! What different parsers read in one message.

use super::json::{Json, Value, parse};

type Members = [(String, Value)];

/// A parser: which member of an object it takes for a name, and what it makes of a string.
pub(crate) struct Parser {
    pub(crate) name: &'static str,
    pick: fn(&Members, &str) -> Option<usize>,
    text: fn(&str) -> &str,
}

/// What a parser reads in one message. A target is a kind and a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) method: Option<String>,
    pub(crate) targets: Vec<(&'static str, String)>,
    pub(crate) is_response: bool,
}

pub(crate) const PARSERS: [Parser; 5] = [
    Parser {
        name: "first wins",
        pick: |members, name| members.iter().position(|(key, _)| key == name),
        text: whole,
    },
    Parser {
        name: "last wins",
        pick: |members, name| members.iter().rposition(|(key, _)| key == name),
        text: whole,
    },
    Parser {
        name: "ignores case, last wins",
        pick: |members, name| members.iter().rposition(|(key, _)| folded(key) == folded(name)),
        text: whole,
    },
    Parser {
        name: "looks at letters and digits only, last wins",
        pick: |members, name| members.iter().rposition(|(key, _)| skeleton(key) == skeleton(name)),
        text: whole,
    },
    Parser {
        name: "ends texts at a NUL, last wins",
        pick: |members, name| members.iter().rposition(|(key, _)| before_nul(key) == name),
        text: before_nul,
    },
];

fn whole(text: &str) -> &str {
    text
}

fn before_nul(text: &str) -> &str {
    text.split('\0').next().unwrap_or_default()
}

/// As Go folds letters.
fn folded(text: &str) -> String {
    text.to_lowercase().replace('ſ', "s")
}

/// Upper case maps `ſ` to `S`, and `ı` to `I`.
pub(super) fn skeleton(text: &str) -> String {
    let folded = text.to_uppercase().to_lowercase();
    folded.chars().filter(|letter| letter.is_alphanumeric()).collect()
}

/// Returns what a parser reads in each message of a body. `None` if it is not JSON.
pub(crate) fn readings(parser: &Parser, body: &str) -> Option<Vec<Reading>> {
    let body = parse(body)?;
    Some(match &body.json {
        Json::Array(messages) => messages.iter().map(|message| parser.message(message)).collect(),
        _ => vec![parser.message(&body)],
    })
}

impl Parser {
    pub(super) fn get<'v>(&self, object: Option<&'v Value>, name: &str) -> Option<&'v Value> {
        match &object?.json {
            Json::Object(members) => (self.pick)(members, name).map(|at| &members[at].1),
            _ => None,
        }
    }

    pub(super) fn text(&self, value: Option<&Value>) -> Option<String> {
        match &value?.json {
            Json::Text { text, .. } => Some((self.text)(text).to_owned()),
            _ => None,
        }
    }

    fn texts(&self, value: Option<&Value>) -> Vec<String> {
        match value.map(|value| &value.json) {
            Some(Json::Array(elements)) => {
                elements.iter().filter_map(|element| self.text(Some(element))).collect()
            }
            _ => Vec::new(),
        }
    }

    fn message(&self, message: &Value) -> Reading {
        let message = Some(message);
        let method = self.text(self.get(message, "method"));
        let params = self.get(message, "params");
        let get = |name| self.text(self.get(params, name));
        let one = |kind, name: Option<String>| name.map(|name| (kind, name)).into_iter().collect();
        let reference = self.get(params, "ref");
        let of_reference = |name| self.text(self.get(reference, name));
        let subscriptions = self.get(params, "notifications");
        let targets = match method.as_deref().unwrap_or_default() {
            "tools/call" => one("tool", get("name")),
            "prompts/get" => one("prompt", get("name")),
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
                one("resource", get("uri"))
            }
            "tasks/get" | "tasks/result" | "tasks/cancel" | "tasks/update" => {
                one("task", get("taskId"))
            }
            "completion/complete" => match of_reference("type").as_deref() {
                Some("ref/prompt") => one("prompt", of_reference("name")),
                Some("ref/resource") => one("resource template", of_reference("uri")),
                _ => Vec::new(),
            },
            "subscriptions/listen" => {
                let list = |name| self.texts(self.get(subscriptions, name)).into_iter();
                let resources = list("resourceSubscriptions").map(|uri| ("resource", uri));
                resources.chain(list("taskIds").map(|id| ("task", id))).collect()
            }
            _ => Vec::new(),
        };
        let has = |name| self.get(message, name).is_some();
        Reading { method, targets, is_response: has("result") || has("error") }
    }
}
