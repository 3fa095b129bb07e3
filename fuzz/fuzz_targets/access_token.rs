//! Whatever the header and the payload of an access token are, nothing panics. A token without the signature of
//! the authorization server authenticates nobody, and one with it only whom a plain reading of its claims allows.

#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use http::{HeaderValue, Request};
use libfuzzer_sys::fuzz_target;
use mcp_auth_layer::{Authenticator, Jwt};
use mcp_auth_layer_fuzz::fragments;
use mcp_auth_layer_fuzz::tokens::{
    AUDIENCE, FOREIGN_KEY, ISSUER, KEY, Members, key_set, now, object, signed,
};

/// Members of a valid header and of valid claims.
const HEADER: &[&str] = &[r#""alg":"EdDSA""#, r#""kid":"k1""#, r#""typ":"at+jwt""#];
const CLAIMS: &[&str] = &[
    r#""iss":"https://id.example.com""#,
    r#""aud":"https://mcp.example.com/mcp""#,
    r#""sub":"alice""#,
    r#""exp":4102444800"#,
    r#""iat":1700000000"#,
    r#""scope":"tools:read""#,
];

/// The fragments of header and payload: each byte from 0x80 on stands for one of these, and each other byte for
/// itself.
const FRAGMENTS: &[&[u8]] = &[
    br#","alg":"EdDSA""#,
    br#","alg":"none""#,
    br#","alg":"Ed25519""#,
    br#","\u0061lg":"EdDSA""#,
    br#","kid":"k1""#,
    br#","kid":"k2""#,
    br#","kid":"#,
    br#","typ":"JWT""#,
    br#","typ":"dpop+jwt""#,
    br#","typ":"Bearer""#,
    br#","crit":["exp"]"#,
    br#","b64":false"#,
    br#","jwk":{"kty":"OKP"}"#,
    br#","iss":"https://id.example.com""#,
    br#","iss":"https://id.example.com/""#,
    br#","iss":"#,
    br#","aud":"https://mcp.example.com/mcp""#,
    br#","aud":"https://mcp.example.com/""#,
    br#","aud":["https://mcp.example.com/mcp""#,
    br#","aud":"#,
    br#","\u0061ud":"https://mcp.example.com/mcp""#,
    br#","sub":"alice""#,
    br#","sub":""#,
    br#","sub":"#,
    br#","exp":4102444800"#,
    br#","exp":1700000000"#,
    br#","exp":"#,
    br#","nbf":4102444800"#,
    br#","nbf":"#,
    br#","iat":4102444800"#,
    br#","iat":"#,
    br#","scope":"#,
    br#","scp":["#,
    br#","client_id":"cli""#,
    br#","cnf":{}"#,
    br#","token_use":"id""#,
    br#","at_hash":"x""#,
    br#","x":"#,
    br#","x""#,
    br#",7"#,
    b"\\u0000",
    b"\\ud800",
    b"1e300",
    b"18446744073709551615",
    b"null",
    b"true",
    b"\"",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\xEF\xBB\xBF",
    b"\xFF",
    b"\xC3\xA4",
    &[b'['; 100],
    &[b']'; 100],
    &[b'x'; 300],
];

static JWT: LazyLock<Jwt> = LazyLock::new(|| {
    let jwt = Jwt::with_keys(ISSUER, AUDIENCE, key_set()).unwrap();
    let (header, payload) = (object(HEADER, 0, b""), object(CLAIMS, 0, b""));
    assert_eq!(
        name(&jwt, &signed(&KEY, &header, &payload)).as_deref(),
        Some("alice"),
        "tokens can be valid"
    );
    jwt
});

fuzz_target!(|data: (u8, u8, &[u8], &[u8], &[u8])| {
    let (left_out_of_header, left_out_of_claims, header, payload, forged) = data;
    let text = |data| fragments::text(data, 256, FRAGMENTS);
    let header = object(HEADER, left_out_of_header, &text(header));
    let payload = object(CLAIMS, left_out_of_claims, &text(payload));
    let token = signed(&KEY, &header, &payload);
    let (input, signature) = token.rsplit_once('.').unwrap();

    if let Some(name) = name(&JWT, &token) {
        assert!(
            may_be_accepted(&header, &payload, &name),
            "{} {}",
            header.escape_ascii(),
            payload.escape_ascii()
        );
    }
    // The same without this signature.
    let encoded = BASE64.encode(forged);
    assert!(encoded == signature || name(&JWT, &format!("{input}.{encoded}")).is_none());
    assert_eq!(name(&JWT, &signed(&FOREIGN_KEY, &header, &payload)), None);
    // The same with parts that are not encoded.
    let raw = [&header[..], b".", &payload, b".", forged].concat();
    let field = HeaderValue::from_bytes(&[b"Bearer ", &raw[..]].concat());
    assert_eq!(field.ok().and_then(|field| of_field(&JWT, field)), None);
});

/// Returns the name of the principal that the token authenticates.
fn name(jwt: &Jwt, token: &str) -> Option<String> {
    of_field(jwt, HeaderValue::from_str(&format!("Bearer {token}")).unwrap())
}

fn of_field(jwt: &Jwt, field: HeaderValue) -> Option<String> {
    let request = Request::post("/mcp").header("authorization", field).body(()).unwrap();
    let decided = jwt.authenticate_now(&request.into_parts().0);
    let authenticated = decided.expect("keys in hand need no waiting").ok()?;
    Some(authenticated.principal().name().to_owned())
}

/// Returns whether a token with these parts may authenticate this principal, by a plain reading of them.
fn may_be_accepted(header: &[u8], payload: &[u8], name: &str) -> bool {
    let (Some(header), Some(claims)) = (Members::read(header), Members::read(payload)) else {
        return false;
    };
    let now = now();
    let has_started =
        |name| !claims.has(name) || claims.number(name).is_some_and(|time| time <= now + 61.0);
    let token_use = claims.text("token_use");

    header.names_key()
        && claims.text("iss").as_deref() == Some(ISSUER)
        && claims.is_for(AUDIENCE)
        && claims.number("exp").is_some_and(|time| time > now - 61.0 && time.is_finite())
        && has_started("nbf")
        && has_started("iat")
        && claims.text("sub").as_deref() == Some(name)
        && !name.is_empty()
        && token_use.is_none_or(|used| ["access", "access_token"].contains(&&*used))
        && !["cnf", "at_hash", "c_hash"].iter().any(|name| claims.has(name))
}
