//! Parsing and canonical serialization of `Signature` and `Signature-Input`.

use super::{hmac, shared, status, verify};
use crate::support::forged_request::{Forged, now};

#[tokio::test]
async fn malformed_signature_fields_are_400() {
    let valid = Forged::get();
    for (name, value) in [
        ("signature", "sig"),
        ("signature", "sig=\"text\""),
        ("signature", "sig=:not base64:"),
        ("signature", "other=:AAAA:"),
        ("signature", ""),
        ("signature-input", "sig=:AAAA:"),
        ("signature-input", "sig=("),
        ("signature-input", "sig=(@method)"),
        ("signature-input", ""),
        ("signature-input", "sig=(\"a\" 1)"),
        ("signature-input", "Sig=()"),
    ] {
        let mut request = valid.request();
        request.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(verify(hmac(), request).await.status, 400, "{name}: {value}");
    }
    for missing in ["signature", "signature-input"] {
        let mut request = valid.request();
        request.headers_mut().remove(missing);
        assert_eq!(verify(hmac(), request).await.status, 400, "no {missing}");
    }
    let odd = http::HeaderValue::from_bytes(b"x=\"\xe9\"").unwrap();
    let mut request = valid.request();
    request.headers_mut().append("signature-input", odd);
    assert_eq!(verify(hmac(), request).await.status, 400, "not ASCII");
    let mut request = Forged::get().with_header("mcp-name", "x").covering(&["mcp-name"]).request();
    let odd = http::HeaderValue::from_bytes(b"\xe9").unwrap();
    request.headers_mut().insert("mcp-name", odd);
    assert_eq!(verify(hmac(), request).await.status, 400, "not ASCII in a covered field");
    assert_eq!(status(Forged::get()).await, 200);
}

#[tokio::test]
async fn duplicate_labels_and_parameters_are_400() {
    let forged = Forged::get().with_current_time();
    let (input, signature) = (forged.input(), forged.signature());
    for (inputs, signatures) in [
        (vec![format!("sig={input}, sig={input}")], vec![format!("sig={signature}")]),
        (vec![format!("sig={input}"), format!("sig={input}")], vec![format!("sig={signature}")]),
        (vec![format!("sig={input}")], vec![format!("sig={signature}, sig={signature}")]),
        (
            vec![format!("sig={input}")],
            vec![format!("sig={signature}"), format!("sig={signature}")],
        ),
        (vec![format!("sig={input};created=1")], vec![format!("sig={signature}")]),
    ] {
        let mut request = forged.unsigned();
        for input in &inputs {
            request.headers_mut().append("signature-input", input.parse().unwrap());
        }
        for signature in &signatures {
            request.headers_mut().append("signature", signature.parse().unwrap());
        }
        assert_eq!(verify(hmac(), request).await.status, 400, "{inputs:?} {signatures:?}");
    }
}

#[tokio::test]
async fn order_and_optional_white_space_do_not_matter() {
    let mut reordered = Forged::post("{}");
    reordered.parameters.reverse();
    reordered.components.reverse();
    assert_eq!(status(reordered).await, 200);

    let forged = Forged::get().with("created", now() + 5).with("expires", now() + 60);
    let loose = forged.input().replace("(", "(  ").replace(")", " )").replace(" \"", "   \"");
    let loose = loose.replace(";", ";  ");
    assert_ne!(loose, forged.input());
    assert_eq!(status(Forged { sent_input: Some(loose), ..forged }).await, 200);

    let unknown = Forged::get().with("created", now() + 5).with("expires", now() + 60);
    let unknown = unknown.with("x", "?1").with("y", "1.50").with("z", "tok");
    let strict = unknown.input().replace("x=?1", "x").replace("1.50", "1.5");
    // Signed in canonical form, sent in another spelling.
    let mut signed = unknown.clone().with("x", "").with("y", "1.5");
    assert_eq!(signed.input(), strict);
    signed.sent_input = Some(unknown.input());
    assert_eq!(status(signed.clone()).await, 200);
    signed.sent_input = Some(strict.replace("tok", "tik"));
    assert_eq!(status(signed).await, 401, "unknown parameters are covered too");
}

/// The canonical form is signed (RFC 9421 §2.3), whatever spelling is sent.
#[tokio::test]
async fn every_value_type_is_signed_in_canonical_form() {
    for (sent, strict) in [
        ("007", "7"),
        ("-0", "0"),
        ("-05", "-5"),
        ("1.50", "1.5"),
        ("-0.0", "0.0"),
        ("@01", "@1"),
        ("%\"%61%c3%a9\"", "%\"a%c3%a9\""),
        ("?1", ""),
    ] {
        let signed = |spelling: &str| Forged::get().with("x", spelling).with_current_time();
        let sends = |signed: Forged| {
            let sent_input = Some(signed.clone().with("x", sent).input());
            verify(shared(), Forged { sent_input, ..signed }.request())
        };
        assert_eq!(sends(signed(strict)).await.status, 200, "{sent}");
        assert_eq!(sends(signed(sent)).await.status, 401, "{sent} is not strict");
    }
    // These values have one spelling only; another spelling is another value.
    for (value, other) in [
        ("999999999999999", "999999999999998"),
        ("-999999999999999", "999999999999999"),
        ("999999999999.999", "999999999999.998"),
        (":aGk=:", "\"aGk=\""),
        ("tok", "\"tok\""),
        ("tok", "Tok"),
        ("*t/o:k", "*t/o"),
        (r#""a\"b\\""#, r#""a\"b""#),
        (r#""\"""#, r#""\\""#),
        ("\"a  b\"", "\"a b\""),
        ("%\"a\"", "\"a\""),
        ("@1", "1"),
        ("1.0", "1"),
        ("?0", "0"),
        ("?0", "?1"),
    ] {
        let signed = Forged::get().with("x", value).with_current_time();
        assert_eq!(verify(shared(), signed.request()).await.status, 200, "{value}");
        let sent_input = Some(signed.clone().with("x", other).input());
        let changed = Forged { sent_input, ..signed };
        assert_eq!(verify(shared(), changed.request()).await.status, 401, "{value} as {other}");
    }
}

#[tokio::test]
async fn string_contents_are_not_parsed_as_parameters() {
    // Sent as a string, and as the parameters that the string would be without its escapes.
    let hides = r#""0123456789abcdef\";keyid=\"other""#;
    let shows = r#""0123456789abcdef";keyid="other""#;
    let signed = Forged::get().without("keyid").with("nonce", hides).with("keyid", "\"ci\"");
    assert_eq!(verify(shared(), signed.request()).await.status, 200);
    let unescaped = signed.clone().with_current_time().with("nonce", shows);
    let sent_input = Some(unescaped.input());
    let sent = Forged { sent_input, ..signed.clone().with_current_time() };
    assert_eq!(verify(shared(), sent.request()).await.status, 400, "duplicate keyid");
    let unescaped =
        signed.with_current_time().without("keyid").with("nonce", shows).with("x", "\"ci\"");
    let other = Forged { secret: vec![7; 32], ..unescaped.clone() };
    assert_eq!(verify(shared(), other.request()).await.status, 200, "signed with the other key");
    assert_eq!(verify(shared(), unescaped.request()).await.status, 401);
}
