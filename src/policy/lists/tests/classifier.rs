//! Events as they come.

use super::super::MAX_UNDECIDED;
use super::*;

#[track_caller]
fn assert_verdict(data: &str, verdict: Verdict) {
    assert_eq!(classify([data.as_bytes()]).0, verdict, "{data}");
    assert_eq!(Classifier::new().push(data.as_bytes()), verdict, "{data}");
}

#[test]
fn events_with_a_list_are_held() {
    for data in [
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":"#,
        r#"{"result":{"_meta":{"content":[]},"x":"}","nextCursor":"a\"}","prompts":"#,
        r#"{"result" : { "ttlMs" : 1 , "cacheScope" : "public" , "resources" : []"#,
        r#"{"result":{"resourceTemplates":"#,
        r#"{"result":{"t\u006fols":"#,
        r#"{"resul\u0074":{"tools":"#,
        r#"{"result":{"Tools":"#,
        r#"{"Result":{"tools":"#,
        r#"{"result":{},"result":{"tools":"#,
        r#"{"result":[],"result":{"tools":"#,
        r#"{"id":{"result":{"content":1}},"result":{"tools":"#,
        r#"{"_meta":{"content":1},"result":{"tools":"#,
        "\n { \n\"result\":\n{\"tools\":",
        // A batch is read whole.
        "[",
        " [",
    ] {
        assert_verdict(data, Verdict::Whole);
    }
}

#[test]
fn events_without_a_list_pass_as_soon_as_that_is_known() {
    for data in [
        r#"{"jsonrpc":"2.0","id":1,"result":{"content""#,
        r#"{"result":{"_meta":{"tools":[]},"contents""#,
        r#"{"_meta":{"tools":[]},"result":{"contents""#,
        r#"{"result":{"isError""#,
        r#"{"result":{"completion""#,
        r#"{"jsonrpc":"2.0","method":"notifications/resources/list_changed""#,
        r#"{"method":"notifications\/resources\/update""#,
        r#"{"method":{"#,
        r#"{"id":1,"error""#,
        r#"{"id":1}"#,
        r#"{}"#,
        r#"{"result":{}}"#,
        r#"{"result":{"tool":1,"a":{"tools":[]}}}"#,
        r#"{"result":["tools",{"tools":1}]}"#,
        r#"{"x":{"result":{"tools":[]}}}"#,
        r#"{"result":"tools","x":1}"#,
        "p",
        " /",
        " 7",
    ] {
        assert_verdict(data, Verdict::Passing);
        // Not before its last byte.
        assert_verdict(&data[..data.len() - 1], Verdict::Undecided);
    }
}

#[test]
fn updates_of_resources_and_announcements_are_held() {
    for data in [
        r#"{"jsonrpc":"2.0","method":"notifications/resources/updated""#,
        r#"{"meth\u006fd" : "notifications\/resources\/\u0075pdated""#,
        r#"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged""#,
        r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion""#,
        r#"{"id":0,"result":{"_meta":{},"capabilities""#,
    ] {
        assert_verdict(data, Verdict::Whole);
        assert_verdict(&data[..data.len() - 1], Verdict::Undecided);
    }
    let escaped: String = "notifications/subscriptions/acknowledged"
        .bytes()
        .map(|byte| format!("\\u{byte:04x}"))
        .collect();
    assert_verdict(&format!(r#"{{"method":"{escaped}""#), Verdict::Whole);
    assert_verdict(&format!(r#"{{"method":"{}"#, "x".repeat(300)), Verdict::Passing);
}

#[test]
fn events_that_cannot_be_tracked_are_read_whole() {
    for data in [
        "{1",
        "{,",
        r#"{"a" 1"#,
        r#"{"a":,"#,
        r#"{"a":1]"#,
        r#"{"a":1"b"#,
        r#"{"a":"b"]"#,
        r#"{"a":1,}"#,
        "{\"\u{FFFD}\\x\"",
        r#"{"\ud800""#,
        "\u{FEFF}{",
    ] {
        assert_verdict(data, Verdict::Whole);
    }
    assert_eq!(Classifier::new().push(b"{\"\xFF\""), Verdict::Whole);
    let long = format!("{{\"{}\":1}}", "x".repeat(300));
    assert_verdict(&long, Verdict::Whole);
}

#[test]
fn undecided_events_stay_undecided() {
    let meta = "x".repeat(MAX_UNDECIDED + 1);
    assert_verdict(&format!(r#"{{"result":{{"_meta":{{"a":"{meta}"}},"#), Verdict::Undecided);
    assert_verdict("", Verdict::Undecided);
    assert_verdict(" \n", Verdict::Undecided);
}

#[test]
fn a_verdict_does_not_change() {
    let mut classifier = Classifier::new();
    assert_eq!(classifier.push(br#"{"result":{"content""#), Verdict::Passing);
    assert_eq!(classifier.push(br#":[],"tools":[]}}"#), Verdict::Passing);
    assert_eq!(classifier.push(b""), Verdict::Passing);
}
