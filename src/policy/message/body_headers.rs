//! Header fields that say how the body is to be read.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};

use super::error::Unreadable;

/// Checks that the body is said to be what it is read as: JSON in UTF-8, not compressed.
///
/// A server that decodes a body as its charset says reads another text than one that does not: `na+AG0-e` is `name`
/// in UTF-7.
pub(super) fn check_body_headers(headers: &HeaderMap) -> Result<(), Unreadable> {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    if !encodings.all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Unreadable::ContentEncoding);
    }
    if is_json(headers) { Ok(()) } else { Err(Unreadable::MediaType) }
}

/// Returns whether a body is said to be JSON in UTF-8, once.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    match (types.next(), types.next()) {
        (Some(only), None) => is_json_type(only).is_some(),
        _ => false,
    }
}

/// Returns something if a media type is JSON in UTF-8, by a strict reading of RFC 9110 §8.3.1.
fn is_json_type(value: &HeaderValue) -> Option<()> {
    let value = value.to_str().ok()?;
    let (essence, mut parameters) = value.split_at(value.find(';').unwrap_or(value.len()));
    let mut has_charset = false;
    while !parameters.is_empty() {
        parameters = trim_start(parameters.strip_prefix(';')?);
        if parameters.is_empty() || parameters.starts_with(';') {
            continue;
        }
        let (name, rest) = token(parameters)?;
        let (value, rest) = token_or_quoted(rest.strip_prefix('=')?)?;
        if name.eq_ignore_ascii_case("charset") {
            if has_charset || !value.eq_ignore_ascii_case("utf-8") {
                return None;
            }
            has_charset = true;
        }
        parameters = trim_start(rest);
    }
    trim_end(essence).eq_ignore_ascii_case("application/json").then_some(())
}

/// The asterisk is left out: `charset*` is another form of `charset` (RFC 2231).
fn token(text: &str) -> Option<(&str, &str)> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&byte);
    let end = text.bytes().position(|byte| !is_token(byte)).unwrap_or(text.len());
    if end == 0 { None } else { Some(text.split_at(end)) }
}

/// A quoted text must not have escapes: no parameter of JSON needs them.
fn token_or_quoted(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').filter(|(value, _)| !value.contains('\\')),
        None => token(text),
    }
}

fn trim_start(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

fn trim_end(text: &str) -> &str {
    text.trim_end_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fields: &[(&'static str, &'static str)]) -> Result<(), Unreadable> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        check_body_headers(&headers)
    }

    #[test]
    fn json_in_utf8_is_read_in_every_legal_spelling() {
        for value in [
            "application/json",
            "Application/JSON; Charset=UTF-8",
            "application/json;charset=utf-8",
            "application/json ;\t charset=\"UTF-8\" ; x=\"a;charset=b\"",
            "application/json;",
            "application/json; ; profile=mcp",
        ] {
            assert_eq!(check(&[("content-type", value)]), Ok(()), "{value}");
        }
    }

    #[test]
    fn other_media_types_and_charsets_are_refused() {
        for value in [
            "",
            "text/plain",
            "application/json-rpc",
            "application/json, text/plain",
            "multipart/form-data; boundary=x",
            "application/json; charset=utf-7",
            "application/json; charset=utf-16le",
            "application/json; charset=\"utf-7\"",
            "application/json; charset=utf-8; charset=utf-7",
            "application/json; charset=utf-8; charset=utf-8",
            "application/json; charset*=utf-7",
            "application/json; charset*=utf-8''utf-7",
            "application/json; charset = utf-8",
            "application/json; charset=\"utf\\-8\"",
            "application/json; charset=",
            "application/json; charset",
            "application/json; charset=\"utf-8",
            "application/json; charset=\"utf-8\" x",
            "application/json charset=utf-7",
        ] {
            assert_eq!(check(&[("content-type", value)]), Err(Unreadable::MediaType), "{value}");
        }
    }

    #[test]
    fn the_media_type_must_be_there_once() {
        let json = ("content-type", "application/json");
        assert_eq!(check(&[]), Err(Unreadable::MediaType));
        assert_eq!(check(&[json]), Ok(()));
        assert_eq!(check(&[json, json]), Err(Unreadable::MediaType));
    }

    #[test]
    fn only_bodies_that_are_not_compressed_are_read() {
        let json = ("content-type", "application/json");
        assert_eq!(check(&[json, ("content-encoding", "Identity")]), Ok(()));
        for value in ["gzip", "", "identity, gzip", "br"] {
            let fields = [json, ("content-encoding", "identity"), ("content-encoding", value)];
            assert_eq!(check(&fields), Err(Unreadable::ContentEncoding), "{value}");
        }
    }
}
