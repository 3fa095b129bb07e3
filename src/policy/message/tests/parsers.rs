//! Whatever passes is read alike by every parser.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::super::super::mutations::mutated;
use super::super::super::oracle::{PARSERS, readings};
use super::*;

const MESSAGES: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","arguments":{"q":"x"}}}"#,
    r#"{"params":{"_meta":{"a":1},"name":"search"},"method":"tools/call","id":"a"}"#,
    r#"{"id":1,"method":"prompts/get","params":{"name":"review","arguments":null}}"#,
    r#"{"id":1,"method":"resources/read","params":{"uri":"docs://a"}}"#,
    r#"{"id":1,"params":{"uri":"docs://a"},"method":"resources/subscribe"}"#,
    r#"{"id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"review"}}}"#,
    r#"{"id":1,"method":"completion/complete","params":{"ref":{"uri":"docs://{x}","type":"ref/resource"}}}"#,
    r#"{"id":1,"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["a:1","a:2"],"taskIds":["7"]}}}"#,
    r#"{"id":1,"method":"tasks/get","params":{"taskId":"7"}}"#,
    r#"{"id":1,"method":"tools/list"}"#,
    r#"{"method":"notifications/initialized","params":{}}"#,
    r#"{"id":1,"result":{"x":{}}}"#,
    r#"[{"id":1,"method":"tools/call","params":{"name":"search"}},{"id":2,"method":"ping"},{"id":3,"error":{}}]"#,
];

/// Returns whether the body passes, and checks that every parser reads what the reader found.
fn passes_alike(body: &str) -> bool {
    let Ok(found) = read(body) else { return false };
    for parser in &PARSERS {
        let readings = readings(parser, body).expect("it is JSON");
        assert_eq!(readings.len(), found.len(), "{}: {body}", parser.name);
        for (reading, (method, targets)) in readings.into_iter().zip(&found) {
            assert_eq!(reading.method, *method, "{}: {body}", parser.name);
            let targets: Vec<_> =
                targets.iter().map(|(kind, name)| (kind.as_str(), name.clone())).collect();
            assert_eq!(reading.targets, targets, "{}: {body}", parser.name);
            assert_eq!(reading.is_response, method.is_none(), "{}: {body}", parser.name);
        }
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn whatever_passes_is_read_alike_by_every_parser(body in mutated(MESSAGES)) {
        passes_alike(&body);
    }
}

/// The property says nothing if nothing passes, or if nothing is refused.
#[test]
fn mutated_messages_pass_and_are_refused() {
    let mut runner = TestRunner::deterministic();
    let bodies = mutated(MESSAGES);
    let mut body = || bodies.new_tree(&mut runner).expect("a body").current();
    let passed = (0..2000).filter(|_| passes_alike(&body())).count();
    assert!((400..1600).contains(&passed), "{passed}");
    assert!(MESSAGES.iter().all(|body| passes_alike(body)));
}

#[test]
fn parsers_disagree_about_what_is_refused() {
    for body in [
        r#"{"method":"tools/call","params":{"name":"search","name":"evil"}}"#,
        r#"{"method":"tools/call","params":{"name":"search","Name":"evil"}}"#,
        r#"{"method":"tools/call","params":{"name":"search","na_me":"evil"}}"#,
        r#"{"method":"tools/call","params":{"name":"search","name\u0000":"evil"}}"#,
        r#"{"method":"tools/call","params":{"name":"search"},"paramſ":{"name":"evil"}}"#,
    ] {
        let mut all: Vec<_> = PARSERS.iter().map(|parser| readings(parser, body)).collect();
        all.dedup();
        assert!(all.len() > 1 && read(body).is_err(), "{body}");
    }
}
