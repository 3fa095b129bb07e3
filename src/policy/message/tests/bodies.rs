//! Bodies that are not, or not only, one JSON text; batches.

use super::*;

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search"}}"#;

fn with_name(name: &[u8]) -> Vec<u8> {
    let start = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":""#;
    [start, name, br#""}}"#].concat()
}

#[test]
fn other_encodings_of_unicode_are_refused() {
    assert_eq!(read(CALL), one("tools/call", &[(Tool, "search")]));
    assert_refused(format!("\u{FEFF}{CALL}"), NOT_JSON);
    for swap in [u16::to_le_bytes, u16::to_be_bytes] {
        let utf16: Vec<u8> = CALL.encode_utf16().flat_map(swap).collect();
        assert_refused(&utf16, NOT_JSON);
        assert_refused([&swap(0xFEFF)[..], &utf16].concat(), NOT_JSON);
    }
    let utf32: Vec<u8> = CALL.chars().flat_map(|char| u32::from(char).to_le_bytes()).collect();
    assert_refused(utf32, NOT_JSON);
}

#[test]
fn bytes_that_are_not_utf8_are_refused_everywhere() {
    assert_passes(with_name("ä".as_bytes()));
    // Latin-1, a surrogate, and an overlong form.
    for bytes in [&b"\xFF"[..], b"\xE4", b"\xED\xA0\x80", b"\xC1\xA1"] {
        assert_refused(with_name(bytes), NOT_JSON);
        let arguments = [b"a\",\"arguments\":{\"b\":\"", bytes, b"\"},\"c\":\""].concat();
        assert_refused(with_name(&arguments), NOT_JSON);
    }
}

#[test]
fn bodies_that_are_only_nearly_json_are_refused() {
    for body in [
        r#"{"id":1,"method":"ping","x":NaN}"#,
        r#"{"id":1,"method":"ping","x":-Infinity}"#,
        r#"{"id":1,"method":"ping","x":01}"#,
        r#"{"id":1,"method":"ping","x":+1}"#,
        r#"{"id":1,"method":"ping",}"#,
        r#"{"id":1,"method":"ping"} x"#,
        r#"{"id":1,"method":"ping"}{"id":2,"method":"ping"}"#,
        "{\"id\":1,\"method\":\"ping\"}\0",
        r#"{"id":1,"method":"ping"/* */}"#,
        r#"{"id":1,'method':"ping"}"#,
        r#"{"id":1,method:"ping"}"#,
        "{\"id\":1,\"method\":\"ping\",\"x\":\"\n\"}",
        r#"{"id":1,"method":"ping","x":"\x41"}"#,
        r#"{"id":1,"method":"ping""#,
        "{",
        " ",
    ] {
        assert_refused(body, NOT_JSON);
    }
    for body in ["1", r#""ping""#, "null", "true"] {
        assert_refused(body, INVALID);
    }
    assert_passes(format!(" \t\r\n{CALL}\r\n "));
}

#[test]
fn values_that_are_skipped_may_be_anything() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let long = "9".repeat(400);
    for value in [&*deep, &long, "1e999", r#""\ud800""#, r#"{"a":{"a":{}}}"#] {
        let params = format!(r#"{{"name":"search","arguments":{{"a":{value}}},"b":{value}}}"#);
        let body = format!(r#"{{"id":1,"method":"tools/call","params":{params},"c":{value}}}"#);
        assert!(read(body) == one("tools/call", &[(Tool, "search")]), "{}", &value[..9]);
    }
}

#[test]
fn bodies_are_read_whatever_the_http_method_is() {
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "PUT", "PATCH", "POST", "X"] {
        let head = head(post().method(method).header("x-http-method-override", "GET"));
        assert_eq!(
            outcome(&head, CALL.as_bytes()),
            one("tools/call", &[(Tool, "search")]),
            "{method}"
        );
        assert!(outcome(&head, b"{").is_err(), "{method}");
    }
}

#[test]
fn only_some_http_methods_need_no_body() {
    for method in ["GET", "HEAD", "DELETE", "OPTIONS"] {
        assert_eq!(outcome(&head(Request::builder().method(method)), b""), Ok(Vec::new()));
    }
    for method in ["POST", "PUT", "PATCH", "CONNECT", "get"] {
        let refused = Err((400, NOT_JSON, "null".to_owned()));
        assert_eq!(outcome(&head(Request::builder().method(method)), b""), refused, "{method}");
    }
}

#[test]
fn each_message_of_a_batch_is_read() {
    let batch = format!(r#" [{CALL}, {{"method":"ping"}},{{"id":2,"result":{{}}}}] "#);
    let search = one("tools/call", &[(Tool, "search")]).expect("one").remove(0);
    let ping = one("ping", &[]).expect("one").remove(0);
    assert_eq!(read(&batch), Ok(vec![search, ping, (None, Vec::new())]));
    // One that is refused refuses all.
    assert_refused(batch.replace("\"ping\"", "7"), INVALID);
    assert_refused(batch.replace("search\"", "search\",\"name\":\"evil\""), INVALID);
}

#[test]
fn batches_have_between_1_and_100_messages() {
    let batch = |count| format!("[{}]", vec![CALL; count].join(","));
    assert_passes(batch(1));
    assert_passes(batch(100));
    assert_refused(batch(101), INVALID);
    assert_refused(batch(0), INVALID);
    assert_refused(format!("[{CALL},]"), NOT_JSON);
    for element in ["[]", "1", "null", &batch(1), r#""a""#] {
        assert_refused(format!("[{CALL},{element}]"), INVALID);
    }
}
