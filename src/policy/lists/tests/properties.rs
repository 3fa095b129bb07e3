//! The filter and the classifier beside the oracle.

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;

const ANSWERS: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"search"},{"name":"evil"},{"name":"search2"}]}}"#,
    r#"{"id":1,"result":{"nextCursor":"a","ttlMs":5,"tools":[{"name":"evil"},{"x":{},"name":"search"}]}}"#,
    r#"{"id":1,"result":{"_meta":{"x":[]},"cacheScope":"public","resources":[{"uri":"docs://a"},{"uri":"file:///a"}]}}"#,
    r#"{"result":{"resourceTemplates":[{"uriTemplate":"docs://{x}"},{"uriTemplate":"a://{x}"}]},"id":1}"#,
    r#"{ "id": 1, "result": { "prompts": [ { "name": "evil" } , { "name": "search" } ] , "tools" : [ ] } }"#,
    r#"{"id":1,"result":{"x":{"tools":[]}}}"#,
    r#"{"id":1,"result":{"content":[{"text":"x"}],"structuredContent":{"tools":[]}}}"#,
    r#"{"id":1,"method":"sampling/createMessage","params":{"tools":[{"name":"evil"}]}}"#,
    r#"[{"id":1,"result":{"tools":[{"name":"evil"}]}},{"id":2,"result":{"tools":[{"name":"search"}]}}]"#,
];

/// Checks that no client shows what is not visible, and that the rest is as the oracle has it. Returns whether the
/// answer can be read.
fn filters_as_the_oracle(answer: &str) -> bool {
    let Ok(out) = filter(answer) else { return false };
    let expected = filtered(answer, &|_, name| is_visible(name)).expect("it is JSON");
    assert_eq!(out, expected);
    for parser in &PARSERS {
        for (kind, name) in shown(parser, &out).expect("it is JSON") {
            let is_visible = name.as_deref().is_some_and(is_visible);
            assert!(is_visible, "{} shows the {kind} {name:?} of {answer}", parser.name);
        }
    }
    true
}

/// Checks that an answer passes only if no client shows a list, or if another member decides.
fn passes_as_the_oracle(answer: &str) -> bool {
    let (verdict, _) = classify([answer.as_bytes()]);
    let shows = |parser| shown(parser, answer).is_some_and(|shown| !shown.is_empty());
    if verdict != Verdict::Whole && PARSERS.iter().any(shows) {
        assert!(verdict == Verdict::Passing && has_decided(answer), "{answer}");
    }
    verdict == Verdict::Passing
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn no_client_shows_what_is_not_visible(answer in mutated(ANSWERS)) {
        filters_as_the_oracle(&answer);
        passes_as_the_oracle(&answer);
    }

    #[test]
    fn verdicts_are_the_same_wherever_an_event_is_cut(answer in mutated(ANSWERS), at: Index) {
        let (first, second) = answer.as_bytes().split_at(at.index(answer.len() + 1));
        let mut classifier = Classifier::new();
        classifier.push(first);
        let verdict = classifier.push(second);
        prop_assert_eq!(verdict, classify([answer.as_bytes()]).0);
        prop_assert_eq!(verdict, Classifier::new().push(answer.as_bytes()));
    }
}

/// The properties say nothing if nothing can be read, or if nothing passes.
#[test]
fn mutated_answers_are_of_every_kind() {
    let mut runner = TestRunner::deterministic();
    let answers = mutated(ANSWERS);
    let mut all = || answers.new_tree(&mut runner).expect("an answer").current();
    let answers: Vec<_> = (0..2000).map(|_| all()).collect();
    let read = answers.iter().filter(|answer| filters_as_the_oracle(answer)).count();
    let passed = answers.iter().filter(|answer| passes_as_the_oracle(answer)).count();
    assert!((400..1900).contains(&read), "{read}");
    assert!((200..1600).contains(&passed), "{passed}");
}
