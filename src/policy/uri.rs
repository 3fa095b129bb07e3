//! URIs of resources, which servers normalize in different ways before they use them.
//!
//! URIs are not normalized here. An allow rule with `*` matches only [plain](Uri::Plain) URIs, which every
//! server reads alike, and a deny rule matches every URI that a server might read as one that it names.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::pattern::matches;

/// How a URI can be read.
#[derive(Debug, PartialEq)]
pub(super) enum Uri<'u> {
    /// It has a scheme in lower case, and nothing that a server may remove, resolve or split at, before or after it
    /// removes percent-encoding, of which there is one level.
    Plain {
        /// Without percent-encoding.
        decoded: Cow<'u, str>,
    },
    Ambiguous,
}

impl<'u> Uri<'u> {
    pub(super) fn new(uri: &'u str) -> Self {
        let is_plain = scheme(uri).is_some_and(|scheme| !scheme.contains(is_upper))
            && is_clean(uri)
            && has_valid_escapes(uri);
        if !is_plain {
            return Self::Ambiguous;
        }
        let Some(decoded) = decode(uri) else { return Self::Ambiguous };
        // Servers differ in how often they remove percent-encoding, and a deny rule may name what is in between.
        let is_decoded = decode(&decoded).is_some_and(|again| again == decoded);
        if is_decoded && !adds_separators(uri, &decoded) && is_clean(&decoded) {
            Self::Plain { decoded }
        } else {
            Self::Ambiguous
        }
    }
}

/// Returns whether a URI and a pattern are of different schemes for every server: both have one, and they
/// differ in more than case.
pub(super) fn differ_in_scheme(uri: &str, pattern: &str) -> bool {
    match (scheme(uri), scheme(pattern)) {
        (Some(uri), Some(pattern)) => !uri.eq_ignore_ascii_case(pattern),
        _ => false,
    }
}

/// Returns whether a pattern without its percent-encoding matches a decoded URI.
pub(super) fn matches_decoded(pattern: &str, decoded: &str) -> bool {
    decode(pattern).is_some_and(|pattern| matches(&pattern, decoded))
}

/// Returns the scheme (RFC 3986 §3.1).
fn scheme(uri: &str) -> Option<&str> {
    let (scheme, _) = uri.split_once(':')?;
    let mut bytes = scheme.bytes();
    let is_scheme = bytes.next()?.is_ascii_alphabetic()
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then_some(scheme)
}

fn is_upper(character: char) -> bool {
    character.is_ascii_uppercase()
}

/// Returns whether no part of the text is something that a server removes or resolves.
fn is_clean(text: &str) -> bool {
    let is_dots = |segment: &str| {
        // Some servers drop `;` and what follows it, and Windows drops dots and spaces at the end.
        let name = segment.split(';').next().unwrap_or_default();
        name.contains('.') && name.chars().all(|c| c == '.' || c.is_whitespace())
    };
    // A path may begin right after the scheme: `file:../a`.
    !text.contains(|c: char| c == '\\' || c.is_control())
        && !text.split([':', '/', '?', '#']).any(is_dots)
}

/// Returns whether every `%` begins an escape, and there is no white space, which a URI cannot have and
/// which servers strip.
fn has_valid_escapes(uri: &str) -> bool {
    let is_escape = |after: &str| {
        after.len() >= 2 && after.bytes().take(2).all(|byte| byte.is_ascii_hexdigit())
    };
    uri.split('%').skip(1).all(is_escape) && !uri.contains(char::is_whitespace)
}

/// Removes one level of percent-encoding; `None` if that is not UTF-8, as in overlong encodings of `/`.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(text).decode_utf8().ok()
}

/// Returns whether a separator was percent-encoded.
fn adds_separators(encoded: &str, decoded: &str) -> bool {
    let count = |text: &str| text.bytes().filter(|byte| b"/?#".contains(byte)).count();
    count(encoded) != count(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_uris_are_read_alike_by_every_server() {
        for (uri, decoded) in [
            ("docs://a", "docs://a"),
            ("docs://a/b.c/..d/e..", "docs://a/b.c/..d/e.."),
            ("docs://a%20b/%c3%a9", "docs://a b/é"),
            ("docs://100%25", "docs://100%"),
            ("docs://100%25zz", "docs://100%zz"),
            ("docs://%41", "docs://A"),
            ("file:///srv//a?x=1&y=../#z", "file:///srv//a?x=1&y=../#z"),
            ("urn:isbn:1", "urn:isbn:1"),
            ("docs:.a/b", "docs:.a/b"),
            ("docs://é", "docs://é"),
            ("docs://{name}", "docs://{name}"),
        ] {
            assert_eq!(Uri::new(uri), Uri::Plain { decoded: decoded.into() }, "{uri}");
        }
    }

    #[test]
    fn uris_that_servers_may_normalize_are_not_plain() {
        for uri in [
            "docs://a/../b",
            "docs://a/./b",
            "docs://a/..",
            "docs://%2e%2e/b",
            "docs://a/.%2E/b",
            "docs://a/%252e%252e/b",
            "docs://a/%25252e%25252e/b",
            "docs://a/..;x/b",
            "docs://a/..%3bx/b",
            "docs://a/... /b",
            "docs://a/..%20/b",
            "docs://a/..?b",
            "docs://a/..#b",
            "docs:./b",
            "docs:../b",
            "docs:%2e%2e/b",
            "docs://a%2Fb",
            "docs://a%252fb",
            "docs://a%3Fb",
            "docs://a%5cb",
            "docs://a\\b",
            "docs://a%00b",
            "docs://a\nb",
            "docs://a%0ab",
            "docs://a\u{85}b",
            "docs://a b",
            "docs://a%c0%aeb",
            "docs://a%ff",
            "docs://a%",
            "docs://a%2",
            "docs://a%zz",
            "DOCS://a",
            "Docs://a",
            "1docs://a",
            "://a",
            "/etc/passwd",
            "",
        ] {
            assert_eq!(Uri::new(uri), Uri::Ambiguous, "{uri:?}");
        }
        for levels in 1..4 {
            let deep = format!("docs://%{}41", "25".repeat(levels));
            assert_eq!(Uri::new(&deep), Uri::Ambiguous, "{deep}");
        }
    }

    #[test]
    fn schemes_differ_only_if_both_are_there() {
        assert!(differ_in_scheme("docs://a", "file:///*"));
        assert!(!differ_in_scheme("DOCS://a", "docs://*"));
        assert!(!differ_in_scheme("/etc", "file:///*") && !differ_in_scheme("docs://a", "*"));
    }
}
