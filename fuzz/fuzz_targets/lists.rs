//! The filter of lists leaves what an oracle leaves that reads the whole text, and no plain client then shows an
//! element that is not visible. An event passes only if no client shows a list in it, or if a member decides that
//! it is none; and the verdict is the same wherever the event is cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_auth_layer_fuzz::fragments;
use policy::lists::Lists;
use policy::lists::classifier::{Classifier, Verdict};

#[allow(dead_code)]
#[path = "../../src/event_stream.rs"]
mod event_stream;
#[allow(dead_code)]
#[path = "../../src/json.rs"]
mod json;
#[path = "../../src/policy/oracle/mod.rs"]
mod oracle;
#[path = "../../benches/harness/policy_parts.rs"]
mod policy;
#[allow(dead_code)]
#[path = "../../src/text.rs"]
mod text;

/// Answers to start from: the first byte of the data chooses one, or none.
const ANSWERS: &[&[u8]] = &[
    b"",
    br#"{"id":1,"result":{"tools":["#,
    br#"{"id":1,"result":{"tools":[{"name":"a"}, {"name":"b"} ,{"name":"aa"}]"#,
    br#"{"result":{"_meta":{"a":"}"},"cacheScope":"public","resources":[{"uri":"a:1"}"#,
    br#"{"result":{"ttlMs":5,"prompts":[{"name":"b"},"#,
    br#"{"result":{"content":[]"#,
    br#"[{"result":{"resourceTemplates":[{"uriTemplate":"a:{x}"}"#,
    br#"{"method":"x","params":{"tools":["#,
];

/// Each byte from 0x80 on stands for one of these or for a cut between two chunks, and each other byte for itself.
const FRAGMENTS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"]}}",
    b"}]}}",
    b",",
    br#"{"name":"a"}"#,
    br#",{"name":"b"}"#,
    br#",{"name":"a","name":"b"}"#,
    br#",{"name":"a","Name":"b"}"#,
    br#",{"name":"a\ud800"}"#,
    br#",{"n\u0061me":"a","x":[{"name":"b"}]}"#,
    br#",{"uri":"a:1"}"#,
    br#",{"uriTemplate":"b:{x}"}"#,
    br#""tools":["#,
    br#","tools":["#,
    br#","Tools":[{"name":"b"}]"#,
    br#","t\u006fols":[{"name":"b"}]"#,
    br#","resource_templates":["#,
    br#","resourceTemplates":["#,
    br#","result":{"#,
    br#","resul\u0074":{"#,
    br#""result":{"#,
    br#","cacheScope":"public""#,
    br#","cacheScope":"private""#,
    br#","ttlMs":1"#,
    br#","content":[]"#,
    br#","method":"x""#,
    br#","error":{}"#,
    br#","x":"#,
    br#""x":"#,
    b"\\u0000",
    b"1e999",
    b"null",
    b"\"",
    b"\\",
    b"\n",
    b"\xEF\xBB\xBF",
    b"\xFF",
    &[b'x'; 100],
    &[b'['; 100],
    &[b']'; 100],
];

fuzz_target!(|data: &[u8]| {
    let (start, data) = data.split_first().unwrap_or((&0, data));
    let mut answer = ANSWERS[usize::from(*start) % ANSWERS.len()].to_vec();
    let cuts = fragments::push_chunks(&mut answer, data, 256, FRAGMENTS);

    let verdict = Classifier::new().push(&answer);
    let mut classifier = Classifier::new();
    for cut in cuts.windows(2) {
        classifier.push(&answer[cut[0]..cut[1]]);
    }
    assert_eq!(classifier.push(b""), verdict);

    let Ok(text) = str::from_utf8(&answer) else {
        assert!(Lists::read(&answer).is_err());
        return;
    };
    let shows_list = |text: &str| {
        let mut shown = oracle::PARSERS.iter().map(|parser| oracle::shown(parser, text));
        shown.any(|shown| shown.is_some_and(|shown| !shown.is_empty()))
    };
    if verdict != Verdict::Whole && shows_list(text) {
        assert!(verdict == Verdict::Passing && oracle::has_decided(text), "{text}");
    }

    let Ok(lists) = Lists::read(&answer) else { return };
    let targets = lists.targets().iter();
    let visible: Vec<_> = targets.map(|target| is_visible(target.name())).collect();
    let filtered = lists.filtered(&visible).unwrap_or_else(|| answer.clone());
    let filtered = String::from_utf8(filtered).expect("it stays UTF-8");
    let Some(expected) = oracle::filtered(text, &|_, name| is_visible(name)) else {
        assert!(text.contains(&"[".repeat(400)), "what is read is JSON: {text}");
        return;
    };
    assert_eq!(filtered, expected, "of {text}");
    for parser in &oracle::PARSERS {
        for (kind, name) in oracle::shown(parser, &filtered).expect("it stays JSON") {
            let is_visible = name.as_deref().is_some_and(is_visible);
            assert!(is_visible, "{} shows the {kind} {name:?} of {text}", parser.name);
        }
    }
});

fn is_visible(name: &str) -> bool {
    name.starts_with('a')
}
