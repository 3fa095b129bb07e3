//! How a message is written: escapes, encodings, and text that is not quite JSON.

use super::*;

/// Cases 54 and 55.
#[tokio::test]
async fn escapes_are_decoded_before_names_are_compared() {
    let app = app();
    let escaped = |name: &str| {
        let name = name.replacen('e', "\\u0065", 1);
        format!(r#"{{"id":7,"\u006dethod":"tools\/call","par\u0061ms":{{"n\u0061me":"{name}"}}}}"#)
    };
    app.passes(escaped("search")).await;
    app.refuses(escaped("delete"), INVALID_PARAMS, &may_not_call("delete")).await;
}

/// Case 56.
#[tokio::test]
async fn a_byte_order_mark_is_rejected() {
    let app = app();
    app.passes(format!(" \r\n\t{} \n", tool("search"))).await;
    app.rejects(format!("\u{feff}{}", tool("search")), 400, PARSE_ERROR).await;
}

fn utf_16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

/// Case 57.
#[tokio::test]
async fn other_encodings_of_unicode_are_rejected() {
    let app = app();
    let utf_32: Vec<u8> = tool("search").chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    for body in [
        utf_16(&tool("search"), u16::to_le_bytes),
        utf_16(&tool("search"), u16::to_be_bytes),
        utf_16(&format!("\u{feff}{}", tool("search")), u16::to_le_bytes),
        utf_32,
    ] {
        app.rejects(body.clone(), 400, PARSE_ERROR).await;
        for charset in ["utf-16", "utf-16le", "UTF-16BE", "utf-32"] {
            let media_type = format!("{JSON}; charset={charset}");
            let request = sent(body.clone()).with("content-type", &media_type);
            app.rejects(request, 415, INVALID_REQUEST).await;
        }
    }
}

/// Case 58. A server that goes by the charset reads `name` in place of `na+AG0-e`.
#[tokio::test]
async fn a_name_in_utf_7_is_rejected() {
    let app = app();
    let body = tool("search").replace(r#""name""#, r#""na+AG0-e":"delete","name""#);
    app.passes(body.clone()).await;
    let request = sent(body).with("content-type", "application/json; charset=utf-7");
    app.rejects(request, 415, INVALID_REQUEST).await;
}

/// Case 60.
#[tokio::test]
async fn bytes_that_are_not_utf_8_are_rejected_wherever_they_are() {
    let app = app();
    for request in [
        tool("search?"),
        tool_with("search", r#"{"q":"?"}"#),
        tool_with("search", r#"{"?":1}"#),
        tool("search").replacen('{', r#"{"?":1,"#, 1),
    ] {
        // The end of a sequence, an overlong slash, half a surrogate pair, and a sequence that is cut.
        for bad in [&b"\xff"[..], b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xe2\x82"] {
            let (start, end) = request.split_once('?').unwrap();
            let body = [start.as_bytes(), bad, end.as_bytes()].concat();
            app.rejects(body, 400, PARSE_ERROR).await;
        }
    }
    app.passes(tool_with("search", r#"{"q":"é€😀"}"#)).await;
}

/// Cases 61 and 62.
#[tokio::test]
async fn half_a_surrogate_pair_is_rejected_where_it_decides() {
    let app = app();
    app.passes(tool_with("search", r#"{"q":"\ud800","a":["\udc00"]}"#)).await;
    let request = tool("search");
    for (place, half) in
        [(r#""search""#, r#""search\ud800""#), (r#""tools/call""#, r#""tools/call\udc00""#)]
    {
        app.rejects(request.replace(place, half), 400, INVALID_REQUEST).await;
    }
    let uri = resource("docs://a").replace("docs://a", "docs://a\\ud800");
    app.rejects(uri, 400, INVALID_REQUEST).await;
    let key = request.replace(r#""name""#, r#""name\ud800":"delete","name""#);
    let response = app.send(key).await;
    assert_eq!((response.status.as_u16(), app.inner.take().len()), (400, 0));
}

#[tokio::test]
async fn a_nul_in_a_name_is_rejected() {
    let app = app();
    app.passes(tool_with("search", r#"{"q":"\u0000"}"#)).await;
    for name in [r"search\u0000", r"search\u0000.txt", r"\u0000search"] {
        let request = tool("search").replace("search", name);
        app.rejects(request, 400, INVALID_REQUEST).await;
    }
}

/// Cases 63 to 66.
#[tokio::test]
async fn text_that_lenient_parsers_accept_is_rejected() {
    let app = app();
    let request = tool_with("search", "{}");
    app.passes(request.clone()).await;
    for arguments in [
        "NaN",
        r#"{"a":NaN}"#,
        r#"{"a":-Infinity}"#,
        r#"{"a":01}"#,
        r#"{"a":+1}"#,
        r#"{"a":.5}"#,
        r#"{"a":0x1}"#,
        r#"{"a":'b'}"#,
        r#"{a:1}"#,
        r#"{"a":1,}"#,
        r#"{"a":[1,]}"#,
        r#"{"a":1 /* b */}"#,
        "{\"a\":1 // b\n}",
        "{\"a\":\"b\nc\"}",
        r#"{"a":"\x41"}"#,
        r#"{"a":True}"#,
        r#"{"a"}"#,
    ] {
        app.rejects(tool_with("search", arguments), 400, PARSE_ERROR).await;
    }
    for end in ["{}", "x", "\0", ",", "[]", "//", "\u{a0}", "\u{feff}", "\x0c"] {
        app.rejects(format!("{request}{end}"), 400, PARSE_ERROR).await;
    }
    let (cut, _) = request.split_at(request.len() - 1);
    app.rejects(cut.to_owned(), 400, PARSE_ERROR).await;
    app.rejects("name=search&method=tools/call", 400, PARSE_ERROR).await;
}

/// Cases 67 to 69.
#[tokio::test]
async fn deep_arguments_and_great_numbers_pass() {
    let app = app();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    app.passes(tool_with("search", &format!(r#"{{"a":{deep}}}"#))).await;
    let objects = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    app.passes(tool_with("search", &objects)).await;
    app.refuses(tool_with("delete", &objects), INVALID_PARAMS, &may_not_call("delete")).await;
    let digits = "9".repeat(400);
    app.passes(tool_with("search", &format!(r#"{{"a":{digits},"b":-{digits}.5e-7}}"#))).await;
    app.passes(tool("search").replace("7", "1e999")).await;
}

#[tokio::test]
async fn deep_text_where_it_decides_is_rejected() {
    let app = app();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    app.rejects(tool("search").replace(r#""search""#, &deep), 400, INVALID_REQUEST).await;
    app.rejects(deep, 400, INVALID_REQUEST).await;
}
