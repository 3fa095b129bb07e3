//! Whole answers.

use super::super::one_line;
use super::*;

#[track_caller]
fn assert_filtered(answer: &str, expected: &str) {
    assert_eq!(filter(answer).as_deref(), Ok(expected));
    let by_oracle = filtered(answer, &|_, name| is_visible(name));
    assert_eq!(by_oracle.as_deref(), Some(expected), "by the oracle");
}

#[track_caller]
fn assert_unchanged(answer: &str) {
    let lists = Lists::read(answer.as_bytes()).expect("it can be read");
    assert_eq!(lists.filtered(&vec![true; lists.targets().len()]), None, "{answer}");
}

#[test]
fn elements_are_cut_and_all_else_stays() {
    let answer = |tools: &str| {
        format!(
            "{{ \"jsonrpc\": \"2.0\",\n \"x\":1e999, \"result\" : {{\"nextCursor\":\"\",\"tools\": [{tools}] ,\
             \"_meta\":{{\"tools\":[{{\"name\":\"evil\"}}]}},\"a\":\"\\ud800\"}}, \"id\":01e0}}"
        )
        .replace("01e0", "1e0")
    };
    let search = r#"{"name": "search", "x":[1, {}]}"#;
    let search2 = r#"{"y":"\ud800","n\u0061me":"search2"}"#;
    let evil = r#"{"name":"evil", "z":"search"}"#;
    for (before, after) in [
        (format!(" {evil} , {search} ,\n{search2} "), format!(" {search} ,\n{search2} ")),
        (format!(" {search} , {evil} ,\n{search2} "), format!(" {search} ,\n{search2} ")),
        (format!(" {search} , {search2} ,\n{evil} "), format!(" {search} , {search2} ")),
        (format!("{evil},{search},{evil},{evil},{search2},{evil}"), format!("{search},{search2}")),
        (format!(" {evil}\t"), " \t".to_owned()),
        (format!("{evil}, {evil}"), String::new()),
    ] {
        assert_filtered(&answer(&before), &answer(&after));
    }
    assert_unchanged(&answer(&format!(" {search} ,{search2} ")));
    assert_unchanged(&answer(" "));
    assert_unchanged(&answer(""));
}

#[test]
fn each_kind_of_list_is_filtered() {
    for (list, member) in [
        ("tools", "name"),
        ("prompts", "name"),
        ("resources", "uri"),
        ("resourceTemplates", "uriTemplate"),
    ] {
        let answer = |elements: &str| format!(r#"{{"id":1,"result":{{"{list}":[{elements}]}}}}"#);
        let element = |name: &str| format!(r#"{{"{member}":"{name}","title":"search"}}"#);
        let (good, evil) = (element("docs://a/search"), element("file:///evil"));
        assert_filtered(&answer(&format!("{evil},{good}")), &answer(&good));
        let lists = answer(&good);
        let lists = Lists::read(lists.as_bytes()).expect("it can be read");
        assert_eq!(lists.targets()[0].name(), "docs://a/search");
        assert!(!lists.is_empty());
    }
}

#[test]
fn elements_without_a_clear_name_are_cut() {
    for element in [
        r#"{"title":"search"}"#,
        r#"{"name":"search","name":"evil"}"#,
        r#"{"name":"search","name":"search"}"#,
        r#"{"name":"search","Name":"evil"}"#,
        r#"{"Name":"search"}"#,
        r#"{"name":["search"]}"#,
        r#"{"name":"search\ud800"}"#,
        r#"{"name":"search\u0000"}"#,
        r#"{"name":"search","\ud800":1}"#,
        r#"{"uri":"search"}"#,
        r#"["search"]"#,
        r#""search""#,
        "null",
    ] {
        let answer = |elements: &str| format!(r#"{{"result":{{"tools":[{elements}]}}}}"#);
        let search = r#"{"name":"search"}"#;
        let all = answer(&format!("{element},{search}"));
        let lists = Lists::read(all.as_bytes()).expect("it can be read");
        assert_eq!(lists.targets(), [Target::tool("search")], "{element}");
        assert_eq!(lists.filtered(&[true]), Some(answer(search).into_bytes()), "{element}");
    }
}

#[test]
fn targets_that_nothing_is_said_about_are_cut() {
    let answer = br#"{"result":{"tools":[{"name":"a"},{"name":"b"}]}}"#;
    let lists = Lists::read(answer).expect("it can be read");
    assert_eq!(lists.filtered(&[true]), Some(br#"{"result":{"tools":[{"name":"a"}]}}"#.to_vec()));
    assert_eq!(lists.filtered(&[true, true, true]), None);
}

#[test]
fn caches_keep_filtered_lists_for_one_principal() {
    let answer = |more: &str| format!(r#"{{"result":{{"tools":[{{"name":"search"}}]{more}}}}}"#);
    let private = answer(r#","ttlMs":5,"cacheScope": "private""#);
    assert_unchanged(&private);
    for scope in [r#""public""#, r#""shared""#, "null", r#""\u0070ublic""#] {
        let before = answer(&format!(r#","ttlMs":5,"cacheScope": {scope}"#));
        assert_filtered(&before, &private);
    }
    // `public` is the default of what may be kept in a cache.
    assert_filtered(
        &answer(r#", "ttlMs": 5 "#),
        &answer(r#", "ttlMs": 5,"cacheScope":"private" "#),
    );
    assert_unchanged(&answer(""));
    // Other results stay as they are.
    assert_unchanged(r#"{"result":{"content":[],"cacheScope":"public"}}"#);
    // Two lists in one result change it once.
    let two =
        |scope: &str| format!(r#"{{"result":{{"tools":[],"prompts":[],"cacheScope":"{scope}"}}}}"#);
    assert_filtered(&two("public"), &two("private"));
}

#[test]
fn every_answer_of_a_batch_is_filtered() {
    assert_filtered(
        r#"[ {"id":1,"result":{"tools":[{"name":"evil"},{"name":"search"}]}}, {"id":2,"result":{"prompts":[{"name":"evil"}]}},{"id":3,"error":{}} ]"#,
        r#"[ {"id":1,"result":{"tools":[{"name":"search"}]}}, {"id":2,"result":{"prompts":[]}},{"id":3,"error":{}} ]"#,
    );
}

#[test]
fn what_is_no_list_is_unchanged() {
    for answer in [
        r#"{"id":1,"result":{"content":[{"type":"text","text":"{\"tools\":[{\"name\":\"evil\"}]}"}]}}"#,
        r#"{"id":1,"method":"sampling/createMessage","params":{"tools":[{"name":"evil"}]}}"#,
        r#"{"id":1,"error":{"tools":[{"name":"evil"}]}}"#,
        r#"{"tools":[{"name":"evil"}]}"#,
        r#"{"id":1,"result":[{"name":"evil"}]}"#,
        r#"{"id":1,"result":{"tools":null,"capabilities":{"tools":{}}}}"#,
        r#"{"id":1,"result":{"a":{"tools":[{"name":"evil"}]}}}"#,
    ] {
        assert_filtered(answer, answer);
        assert!(Lists::read(answer.as_bytes()).expect("it can be read").is_empty());
    }
}

#[test]
fn answers_that_clients_could_read_differently_are_refused() {
    for answer in [
        r#"{"result":{"tools":[]},"result":{"tools":[{"name":"evil"}]}}"#,
        r#"{"result":{"tools":[]},"Result":{"tools":[{"name":"evil"}]}}"#,
        r#"{"result":{"tools":[],"tools":[{"name":"evil"}]}}"#,
        r#"{"result":{"Tools":[{"name":"evil"}]}}"#,
        r#"{"result":{"resource_templates":[]}}"#,
        r#"{"result":{"tools":[],"cacheScope":"private","cacheScope":"public"}}"#,
    ] {
        assert!(matches!(Lists::read(answer.as_bytes()), Err(ListError::Fault(_))), "{answer}");
    }
    for answer in [
        "",
        "7",
        "{",
        r#"{"result":{"tools":[{"name":"evil"}"#,
        r#"{"result":{"tools":[{"name":"evil"}]}} x"#,
        r#"{"result":{"tools":[NaN]}}"#,
        r#"{"result":{"tools":[{"name":"evil"},]}}"#,
        "\u{FEFF}{\"result\":{\"tools\":[]}}",
        r#"[[{"result":{"tools":[]}}]]"#,
        r#"[7]"#,
    ] {
        assert_eq!(Lists::read(answer.as_bytes()).err(), Some(ListError::NotAMessage), "{answer}");
    }
    assert_eq!(Lists::read(b"{\"a\":\"\xFF\"}").err(), Some(ListError::NotUtf8));
}

#[test]
fn deep_and_long_schemas_are_kept() {
    let schema = "[".repeat(50_000) + &"]".repeat(50_000);
    let answer = format!(r#"{{"result":{{"tools":[{{"schema":{schema},"name":"search"}}]}}}}"#);
    assert_unchanged(&answer);
}

#[test]
fn filtered_data_is_one_line() {
    let line = one_line(b"{\n\"a\":\r\n\"b\\n\"}".to_vec());
    assert_eq!(line, b"{ \"a\":  \"b\\n\"}");
}
