//! `Content-Digest` is read as a plain reading of its dictionary does, and a body has the digests in it if their bytes
//! are those of the body.

#![no_main]

use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use mcp_auth_layer_fuzz::structured_fields::{Value, dictionary};
use sha2::{Digest, Sha256, Sha512};
use wire::digest::ContentDigest;

#[path = "../parts/wire.rs"]
mod wire;

/// Bodies whose digests the dictionary of this target has.
const BODIES: [&[u8]; 2] = [b"", br#"{"hello": "world"}"#];

fuzz_target!(|data: &[u8]| {
    let mut headers = HeaderMap::new();
    let mut lines = Vec::new();
    for line in data.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append("content-digest", value);
            lines.push(line);
        }
    }
    let read = ContentDigest::parse(&headers).ok().map(Option::unwrap_or_default);
    let expected = dictionary(&lines);
    let shown = data.escape_ascii();
    assert_eq!(read.is_some(), expected.is_some(), "{shown}");
    let (Some(read), Some(expected)) = (read, expected) else { return };
    for body in BODIES {
        assert_eq!(read.matches(body), has_digests(body, &expected), "{shown}");
    }
});

/// Returns whether there is a digest of a known algorithm, and all of these are of the body.
fn has_digests(body: &[u8], members: &[(String, Value)]) -> bool {
    let results: Vec<_> = members
        .iter()
        .filter_map(|(algorithm, value)| {
            let digest = match &**algorithm {
                "sha-256" => Sha256::digest(body).to_vec(),
                "sha-512" => Sha512::digest(body).to_vec(),
                _ => return None,
            };
            Some(*value == Value::Bytes(digest))
        })
        .collect();
    !results.is_empty() && results.into_iter().all(|is_right| is_right)
}
