//! What an answer shows, and the same answer without what is not visible.

use super::json::{Json, Value, parse};
use super::readings::{Parser, skeleton};

/// The member of a result, the member of its elements that names them, and their kind.
const LISTS: [(&str, &str, &str); 4] = [
    ("tools", "name", "tool"),
    ("prompts", "name", "prompt"),
    ("resources", "uri", "resource"),
    ("resourceTemplates", "uriTemplate", "resource template"),
];

/// Returns what a client with such a parser shows: kind and name of each element of each list.
pub(crate) fn shown(parser: &Parser, answer: &str) -> Option<Vec<(&'static str, Option<String>)>> {
    let answer = parse(answer)?;
    let messages = match &answer.json {
        Json::Array(messages) => messages.iter().collect(),
        _ => vec![&answer],
    };
    let mut all = Vec::new();
    for message in messages {
        let result = parser.get(Some(message), "result");
        for (list, member, kind) in LISTS {
            if let Some(Json::Array(elements)) = parser.get(result, list).map(|list| &list.json) {
                let name = |element| parser.text(parser.get(Some(element), member));
                all.extend(elements.iter().map(|element| (kind, name(element))));
            }
        }
    }
    Some(all)
}

/// Returns whether the answer has a member that only other messages and results have, so that it may pass.
pub(crate) fn has_decided(answer: &str) -> bool {
    const NO_RESULT: [&str; 3] = ["method", "params", "error"];
    let Some(Value { json: Json::Object(members), .. }) = parse(answer) else { return false };
    members.iter().any(|(key, value)| {
        let is_result = |key: &String| {
            let lists = LISTS.map(|(list, ..)| skeleton(list));
            let neutral = ["_meta", "nextCursor", "ttlMs", "cacheScope", "resultType", "x"];
            !lists.contains(&skeleton(key)) && !neutral.contains(&&**key)
        };
        match &value.json {
            Json::Object(members) if skeleton(key) == "result" => {
                members.iter().any(|(key, _)| is_result(key))
            }
            _ => NO_RESULT.contains(&&**key),
        }
    })
}

/// Returns the answer with those elements of its lists only. `None` if it is not JSON.
pub(crate) fn filtered(answer: &str, is_visible: &dyn Fn(&str, &str) -> bool) -> Option<String> {
    let value = parse(answer)?;
    let message = |value: &Value| {
        copy(answer, value, &|key, value| match &value.json {
            Json::Object(members) if key == "result" => {
                Some(result(answer, value, members, is_visible))
            }
            _ => None,
        })
    };
    let messages = match &value.json {
        Json::Array(messages) => {
            let mut out = String::new();
            let mut done = value.start;
            for one in messages {
                out += &answer[done..one.start];
                out += &message(one);
                done = one.end;
            }
            out + &answer[done..value.end]
        }
        _ => message(&value),
    };
    Some([&answer[..value.start], &messages, &answer[value.end..]].concat())
}

fn result(
    text: &str,
    value: &Value,
    members: &[(String, Value)],
    is_visible: &dyn Fn(&str, &str) -> bool,
) -> String {
    let list_of = |key: &str, value: &Value| {
        let list = LISTS.into_iter().find(|(list, ..)| *list == key);
        list.filter(|_| matches!(value.json, Json::Array(_)))
    };
    let has_list = members.iter().any(|(key, value)| list_of(key, value).is_some());
    let has_scope = members.iter().any(|(key, _)| key == "cacheScope");
    copy(text, value, &|key, value| match (&value.json, key) {
        (Json::Array(elements), key) if list_of(key, value).is_some() => {
            let (_, member, kind) = list_of(key, value)?;
            let is_kept =
                |element: &Value| name(element, member).is_some_and(|name| is_visible(kind, &name));
            Some(kept(text, value, elements, &is_kept))
        }
        (_, "cacheScope") if has_list => Some("\"private\"".to_owned()),
        (_, "ttlMs") if has_list && !has_scope => {
            Some(text[value.start..value.end].to_owned() + ",\"cacheScope\":\"private\"")
        }
        _ => None,
    })
}

/// Returns an object with some values replaced.
fn copy(text: &str, object: &Value, replaced: &dyn Fn(&str, &Value) -> Option<String>) -> String {
    let mut out = String::new();
    let mut done = object.start;
    if let Json::Object(members) = &object.json {
        for (key, value) in members {
            out += &text[done..value.start];
            out += &replaced(key, value).unwrap_or(text[value.start..value.end].to_owned());
            done = value.end;
        }
    }
    out + &text[done..object.end]
}

/// Returns an array of some elements: the first with what is before all elements, each other one with what is
/// before it.
fn kept(text: &str, array: &Value, all: &[Value], is_kept: &dyn Fn(&Value) -> bool) -> String {
    let (Some(first), Some(last)) = (all.first(), all.last()) else {
        return text[array.start..array.end].to_owned();
    };
    let mut out = String::new();
    for (index, element) in all.iter().enumerate().filter(|(_, element)| is_kept(element)) {
        if !out.is_empty() {
            out += &text[all[index - 1].end..element.start];
        }
        out += &text[element.start..element.end];
    }
    [&text[array.start..first.start], &out, &text[last.end..array.end]].concat()
}

/// Returns the name of an element, if every client reads the same one.
fn name(element: &Value, member: &str) -> Option<String> {
    let Json::Object(members) = &element.json else { return None };
    let before_nul = |key: &str| key.split('\0').next().unwrap_or_default().to_owned();
    let is_like = |key: &str| skeleton(key) == skeleton(member);
    let mut alike = members.iter().filter(|(key, _)| is_like(key) || is_like(&before_nul(key)));
    match (alike.next(), alike.next()) {
        (Some((key, Value { json: Json::Text { text, has_half_pair: false }, .. })), None)
            if key == member && !text.contains('\0') =>
        {
            Some(text.clone())
        }
        _ => None,
    }
}
