//! A token is accepted with the keys of a JWK set if a plain reading of the set finds the key that signed the token, and
//! refused if it finds none.

#![no_main]

use std::sync::LazyLock;

use http::{HeaderValue, Request};
use libfuzzer_sys::fuzz_target;
use mcp_auth_layer::{Authenticator, Jwt};
use mcp_auth_layer_fuzz::fragments;
use mcp_auth_layer_fuzz::plain_keys::{P256, RSA, Usable, keys};
use mcp_auth_layer_fuzz::tokens::{AUDIENCE, ISSUER, KEY, public_key, signed};

const CLAIMS: &[u8] = br#"{"iss":"https://id.example.com","aud":"https://mcp.example.com/mcp","sub":"alice","exp":4102444800,"iat":1700000000}"#;

/// Each byte from 0x80 on stands for one of these.
static FRAGMENTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let own = format!(r#""kty":"OKP","crv":"Ed25519","x":"{}""#, public_key());
    let whole = format!(r#"{{"keys":[{{{own},"kid":"k1"}}]}}"#);
    let text = [
        &*whole,
        &own,
        RSA,
        P256,
        r#"{"keys":["#,
        "]}",
        "{",
        "}",
        "},{",
        ",",
        r#""kid":"k1""#,
        r#""kid":"k2""#,
        r#""kid":7"#,
        r#""use":"sig""#,
        r#""use":"enc""#,
        r#""key_ops":["verify"]"#,
        r#""key_ops":["sign"]"#,
        r#""alg":"EdDSA""#,
        r#""alg":"Ed25519""#,
        r#""alg":"ES256""#,
        r#""alg":"none""#,
        r#""d":"AA""#,
        r#""k":"AA""#,
        r#""oth":[]"#,
        r#""x":"AA""#,
        r#""crv":"Ed448""#,
        r#""kty":"oct""#,
        r#""keys":null"#,
        "\\u006b",
        "null",
        "\"",
    ];
    text.map(|text| text.into()).to_vec()
});

fuzz_target!(|data: &[u8]| {
    let set = fragments::text(data, 128, &FRAGMENTS);
    let shown = set.escape_ascii();
    let keys = keys(&set);
    let has = |usable| keys.iter().any(|key| key.usable == usable);
    let Ok(jwt) = Jwt::with_keys(ISSUER, AUDIENCE, &set) else {
        assert!(!has(Usable::Own) && !has(Usable::Yes), "{shown}");
        return;
    };
    assert!(keys.iter().any(|key| key.usable != Usable::No), "{shown}");
    for id in [Some("k1"), None] {
        let named = keys.iter().filter(|key| id.is_none() || key.id.as_deref() == id);
        let fitting = named.filter(|key| key.is_ed25519 && key.usable != Usable::No);
        let fitting: Vec<_> = fitting.map(|key| key.usable).collect();
        let has_own = fitting.contains(&Usable::Own);
        let is_accepted = is_accepted(&jwt, id);
        if fitting.contains(&Usable::Perhaps) {
            assert!(has_own || !is_accepted, "{id:?} {shown}");
        } else {
            assert_eq!(is_accepted, has_own && fitting.len() <= 4, "{id:?} {shown}");
        }
    }
});

/// Returns whether a token with this key ID is accepted.
fn is_accepted(jwt: &Jwt, id: Option<&str>) -> bool {
    static TOKENS: LazyLock<[HeaderValue; 2]> = LazyLock::new(|| {
        let headers = [&br#"{"alg":"EdDSA"}"#[..], br#"{"alg":"EdDSA","kid":"k1"}"#];
        headers.map(|header| format!("Bearer {}", signed(&KEY, header, CLAIMS)).parse().unwrap())
    });
    let token = TOKENS[usize::from(id.is_some())].clone();
    let request = Request::post("/mcp").header("authorization", token).body(()).unwrap();
    jwt.authenticate_now(&request.into_parts().0).expect("keys in code need no waiting").is_ok()
}
