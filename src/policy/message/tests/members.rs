//! Members that parsers could read differently.

use super::*;

#[test]
fn duplicates_of_members_that_decide_are_refused() {
    let search = one("tools/call", &[(Tool, "search")]);
    assert_eq!(
        read(
            r#"{"id":1,"method":"tools/call","params":{"name":"search","x":1,"x":2},"y":1,"y":2}"#
        ),
        search
    );
    for body in [
        r#"{"id":1,"method":"ping","method":"tools/call","params":{"name":"search"}}"#,
        r#"{"id":1,"method":"tools/call","params":{"name":"search"},"params":{"name":"evil"}}"#,
        r#"{"id":1,"method":"tools/call","params":{"name":"search"},"params":null}"#,
        r#"{"id":1,"method":"tools/call","params":{"name":"search","name":"evil"}}"#,
        r#"{"id":1,"method":"tools/call","params":{"name":"search","name":"search"}}"#,
        r#"{"id":1,"method":"tools/call","params":{"name":"search","arguments":{},"arguments":{}}}"#,
        r#"{"id":1,"id":2,"method":"tools/call","params":{"name":"search"}}"#,
        r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}"#,
        r#"{"id":1,"result":1,"result":2}"#,
        r#"{"id":1,"method":"resources/read","params":{"uri":"a:1","uri":"a:2"}}"#,
        r#"{"id":1,"method":"tools/call","params":{"name":"search","n\u0061me":"evil"}}"#,
    ] {
        assert_refused(body, INVALID);
    }
}

#[test]
fn duplicates_in_what_is_opaque_pass() {
    for body in [
        r#"{"id":1,"method":"tools/call","params":{"name":"search","arguments":{"a":1,"a":2,"A":3}}}"#,
        r#"{"id":1,"method":"tools/call","params":{"name":"search","_meta":{"name":1,"name":2,"Name":3}}}"#,
        r#"{"id":1,"method":"tools/call","params":{"name":"search","uri":1,"uri":2,"taskID":3}}"#,
    ] {
        assert_eq!(read(body), one("tools/call", &[(Tool, "search")]), "{body}");
    }
}

#[test]
fn other_spellings_of_members_that_decide_are_refused() {
    for body in [
        r#"{"id":1,"method":"tools/call","params":{"name":"search","Name":"evil"}}"#,
        r#"{"id":1,"method":"tools/call","params":{"Name":"evil"}}"#,
        r#"{"id":1,"method":"ping","Method":"tools/call","params":{"name":"search"}}"#,
        r#"{"id":1,"METHOD":"tools/call","method":"ping"}"#,
        r#"{"id":1,"method":"tools/call","params":{"name":"search"},"paramſ":{"name":"evil"}}"#,
        r#"{"id":1,"method":"tools/call","params":{"name":"search"},"param\u017f":{"name":"evil"}}"#,
        r#"{"id":1,"method":"tasks/get","params":{"taskId":"1","task_id":"2"}}"#,
        r#"{"id":1,"method":"tasks/get","params":{"taskId":"1","tas\u212Aid":"2"}}"#,
        r#"{"ID":1,"method":"ping"}"#,
        r#"{"id":1,"result":1,"Error":2}"#,
        r#"{"id":1,"method":"tools/call","params":{"name":"search","Arguments":{}}}"#,
        r#"{"id":1,"method":"tools/call","params":{"name":"search","name\u0000":"evil"}}"#,
    ] {
        assert_refused(body, INVALID);
    }
}

#[test]
fn members_that_do_not_decide_pass_in_any_spelling() {
    for body in [
        r#"{"id":1,"method":"ping","x-foo":1,"_meta":{"Method":1},"Task":{}}"#,
        // Of another method.
        r#"{"id":1,"method":"ping","params":{"Name":"a","task_id":"b","URI":"c"}}"#,
        r#"{"id":1,"method":"vendor/x","params":{"Name":"a","name":"b","name":"c"}}"#,
    ] {
        assert_passes(body);
    }
}

#[test]
fn escapes_are_decoded_before_names_are_compared() {
    let body =
        r#"{"id":1,"\u006dethod":"tools\/call","par\u0061ms":{"\u006e\u0061me":"\u0065vil"}}"#;
    assert_eq!(read(body), one("tools/call", &[(Tool, "evil")]));
}

#[test]
fn half_surrogate_pairs_are_refused_only_where_they_decide() {
    assert_passes(r#"{"id":1,"method":"tools/call","params":{"name":"a\ud83d\ude00"}}"#);
    assert_passes(
        r#"{"id":1,"method":"tools/call","params":{"name":"a","arguments":{"b\ud800":"\ud800"}}}"#,
    );
    assert_refused(r#"{"id":1,"method":"tools/call","params":{"name":"a\ud800"}}"#, INVALID);
    assert_refused(r#"{"id":1,"method":"ping\udc00"}"#, INVALID);
    assert_refused(r#"{"id":1,"method":"resources/read","params":{"uri":"a:\ud800"}}"#, INVALID);
    assert_refused(r#"{"id":1,"method":"ping","\ud800":1}"#, NOT_JSON);
}

#[test]
fn nuls_are_refused_only_where_they_decide() {
    assert_passes(
        r#"{"id":1,"method":"tools/call","params":{"name":"a","arguments":{"b":"\u0000"}}}"#,
    );
    assert_refused(
        r#"{"id":1,"method":"tools/call","params":{"name":"evil\u0000search"}}"#,
        INVALID,
    );
    assert_refused(r#"{"id":1,"method":"tools/call\u0000","params":{"name":"search"}}"#, INVALID);
}
