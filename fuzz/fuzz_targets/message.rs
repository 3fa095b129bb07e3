//! Whatever body the strict reader accepts is read alike by five plain parsers: the same methods and targets.

#![no_main]

use http::Request;
use libfuzzer_sys::fuzz_target;
use mcp_auth_layer_fuzz::fragments;
use policy::message::{Messages, read_messages};

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

/// Bodies to start from: the first byte of the data chooses one, or none.
const BODIES: &[&[u8]] = &[
    b"",
    br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search""#,
    br#"{"id":1,"params":{"uri":"a:1"},"method":"resources/read""#,
    br#"{"id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"review""#,
    br#"{"id":1,"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["a:1""#,
    br#"{"id":1,"result":{}"#,
    br#"[{"id":1,"method":"ping"},{"id":2,"method":"tasks/get","params":{"taskId":"1""#,
];

/// Each byte from 0x80 on stands for one of these, and each other byte for itself.
const FRAGMENTS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"}}",
    br#","name":"evil""#,
    br#","Name":"evil""#,
    br#","n\u0061me":"evil""#,
    br#","name\u0000":"evil""#,
    br#","na_me":"evil""#,
    br#","uri":"a:2""#,
    br#","method":"tools/call""#,
    br#","METHOD":"ping""#,
    br#","params":{"name":"evil"}"#,
    br#","params":null"#,
    br#","params":["#,
    ",\"param\u{17F}\":{\"name\":\"evil\"}".as_bytes(),
    br#","ref":{"type":"ref/resource","uri":"a:{x}"}"#,
    br#","type":"ref/resource""#,
    br#","notifications":{"taskIds":["1"]}"#,
    br#","resourceSubscriptions":["a:2"]"#,
    br#","taskId":"2""#,
    br#","tas\u212Aid":"2""#,
    br#","result":1"#,
    br#","error":{}"#,
    br#","id":2"#,
    br#","x":"#,
    br#","x":{"name":1,"name":2}"#,
    b"\\u0000",
    b"\\ud800",
    b"1e999",
    b"NaN",
    b"null",
    b"\"",
    b"\\",
    b"\xEF\xBB\xBF",
    b"\xED\xA0\x80",
    b"\xFF",
    "\u{130}".as_bytes(),
    "\u{131}d".as_bytes(),
    &[b'['; 100],
    &[b']'; 100],
];

fuzz_target!(|data: &[u8]| {
    let (start, data) = data.split_first().unwrap_or((&0, data));
    let mut body = BODIES[usize::from(*start) % BODIES.len()].to_vec();
    fragments::push(&mut body, data, 256, FRAGMENTS);
    let request = Request::post("/mcp").header("content-type", "application/json").body(());
    let head = request.unwrap().into_parts().0;
    let Ok(messages) = read_messages(&head, "/mcp", &body) else { return };
    let found: Vec<_> = messages.iter().flat_map(Messages::as_slice).map(of_reader).collect();
    if body.is_empty() {
        return;
    }
    let text = str::from_utf8(&body).expect("what passes is UTF-8");
    for parser in &oracle::PARSERS {
        let Some(readings) = oracle::readings(parser, text) else {
            assert!(text.contains(&"[".repeat(400)), "what passes is JSON: {text}");
            continue;
        };
        assert_eq!(readings, found, "{}: {text}", parser.name);
    }
});

fn of_reader(message: &policy::message::Message<'_>) -> oracle::Reading {
    let Some(call) = message.call() else {
        return oracle::Reading { method: None, targets: Vec::new(), is_response: true };
    };
    let targets = call.targets().iter();
    let targets = targets.map(|target| (target.kind().as_str(), target.name().to_owned()));
    let method = Some(call.method().to_owned());
    oracle::Reading { method, targets: targets.collect(), is_response: false }
}
