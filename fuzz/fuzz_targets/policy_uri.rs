//! A URI that a pattern with `*` allows is still one of the pattern's after a server has normalized it, and a URI that
//! becomes one of a deny rule is denied.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use mcp_auth_layer::Principal;
use mcp_auth_layer::policy::{
    Authorizer, Call, Pattern, Policy, Target, anyone, everything, resources,
};
use mcp_auth_layer_fuzz::fragments;
use mcp_auth_layer_fuzz::glob::matches;
use percent_encoding::percent_decode;

/// Each byte from 0x80 on stands for one of these.
const FRAGMENTS: &[&str] = &[
    "docs://a/*\ndocs://a/",
    "file:///srv/*\nfile:///srv/",
    "docs://",
    "/",
    "//",
    "/../",
    "/./",
    "..",
    ".",
    "%2e",
    "%2E%2e",
    "%2f",
    "%5c",
    "\\",
    "%252e",
    "%252f",
    "%25",
    "%",
    "25",
    "%00",
    "%09",
    "%20",
    "?",
    "#",
    ";",
    "..;x/",
    "DOCS",
    "%3b",
    "%c0%af",
    "%c3%a9",
    "\u{e9}",
    "*",
    "*/b",
    "%61",
    "...",
    "\u{a0}",
    "%e2%80%ae",
];

fuzz_target!(|data: &[u8]| {
    let text = fragments::text(data, 64, FRAGMENTS);
    let Ok(text) = str::from_utf8(&text) else { return };
    let (line, uri) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(pattern) = line.parse::<Pattern>() else { return };
    let is_allowed = |policy: &Policy, uri: &str| {
        let call = Call::new("resources/read").with_target(Target::resource(uri));
        policy.authorize_now(&Principal::new("alice"), &call).unwrap().is_allowed()
    };
    let allowed = is_allowed(&Policy::new().allow(anyone(), resources([pattern.clone()])), uri);
    let deny = Policy::new().allow(anyone(), everything()).deny(anyone(), resources([pattern]));
    let denied = !is_allowed(&deny, uri);

    if !line.contains('*') {
        assert_eq!(allowed, uri == line, "{text:?}");
    }
    // The pattern is not one of half an escape.
    if !uri.contains('%') && matches(line.as_bytes(), uri.as_bytes()) {
        for tail in ignored_tails(uri) {
            assert!(!is_allowed(&deny, &format!("{uri}{tail}")), "{text:?} and {tail}");
        }
    }
    // A deny rule may be encoded in another way.
    let [pattern, decoded] =
        [line, uri].map(|text| percent_decode(text.as_bytes()).collect::<Vec<_>>());
    assert!(denied || !uri.contains('%') || !matches(&pattern, &decoded), "{text:?}");
    for reading in readings(uri) {
        let is_matched = matches(line.as_bytes(), &reading);
        let shown = reading.escape_ascii();
        // A pattern with percent-encoding means URIs that are encoded in this way.
        let is_exact = !line.contains('*') || line.contains('%');
        assert!(!allowed || is_exact || is_matched, "{text:?} becomes {shown}");
        assert!(denied || !is_matched, "{text:?} becomes {shown}");
    }
});

/// Returns what some servers ignore at the end of this URI.
fn ignored_tails(uri: &str) -> Vec<&'static str> {
    let mut tails = Vec::new();
    if uri.contains('#') {
        return tails;
    }
    tails.push("#f");
    if uri.contains('?') {
        return tails;
    }
    tails.push("?q");
    // One that has something of the kind already is another name with more of it.
    let Some((_, rest)) = uri.split_once(':') else { return tails };
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let has_more = rest.contains(';') || rest.contains("//");
    if !has_more && !uri.ends_with(|c: char| "./:".contains(c) || c.is_whitespace()) {
        tails.extend(["/", "//", ";v=1", "."]);
    }
    tails
}

/// Returns what servers may make of a URI: without percent-encoding, once or more often, and without the dot segments
/// of its path.
fn readings(uri: &str) -> BTreeSet<Vec<u8>> {
    let mut readings = BTreeSet::new();
    let mut decoded = uri.as_bytes().to_vec();
    for _ in 0..4 {
        decoded = percent_decode(&decoded).collect();
        readings.insert(decoded.clone());
        let slashes =
            decoded.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect();
        for path in [decoded.clone(), slashes] {
            readings.extend([false, true].map(|keeps_host| without_dots(&path, keeps_host)));
        }
    }
    readings
}

/// Removes `.` and `..` segments (RFC 3986 §5.2.4), of the path or of all that follows the scheme.
fn without_dots(uri: &[u8], keeps_host: bool) -> Vec<u8> {
    let Some(colon) = uri.iter().position(|byte| *byte == b':') else { return uri.to_vec() };
    let (mut head, mut path) = uri.split_at(colon + 1);
    if let Some(rest) = path.strip_prefix(b"//") {
        let host = if keeps_host {
            rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len())
        } else {
            0
        };
        (head, path) = uri.split_at(colon + 3 + host);
    }
    let end = path.iter().position(|byte| b"?#".contains(byte)).unwrap_or(path.len());
    let (path, query) = path.split_at(end);
    let mut kept: Vec<&[u8]> = Vec::new();
    for segment in path.split(|byte| *byte == b'/') {
        match segment {
            b"." => {}
            b".." if kept.len() > 1 || kept.first().is_some_and(|first| !first.is_empty()) => {
                _ = kept.pop()
            }
            b".." => {}
            other => kept.push(other),
        }
    }
    [head, &kept.join(&b'/'), query].concat()
}
