//! Whatever the header and the payload of an access token are, nothing panics. A token without the signature of
//! the authorization server authenticates nobody, and one with it only whom a plain reading of its claims allows.

#![no_main]

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use http::{HeaderValue, Request};
use libfuzzer_sys::fuzz_target;
use mcp_auth_layer::{Authenticator, Jwt};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

const ISSUER: &str = "https://id.example.com";
const AUDIENCE: &str = "https://mcp.example.com/mcp";

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

static KEY: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap());

static FOREIGN_KEY: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap());

static JWT: LazyLock<Jwt> = LazyLock::new(|| {
    let x = BASE64.encode(KEY.public_key());
    let keys = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"k1","x":"{x}"}}]}}"#);
    let jwt = Jwt::with_keys(ISSUER, AUDIENCE, &keys).unwrap();
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
    let header = object(HEADER, left_out_of_header, header);
    let payload = object(CLAIMS, left_out_of_claims, payload);
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

/// Returns an object of these members, perhaps but for one, and of what the data stands for. The greatest value
/// of `left_out` leaves out all of it but the data.
fn object(members: &[&str], left_out: u8, data: &[u8]) -> Vec<u8> {
    let more = data.iter().take(256).flat_map(|byte| match byte.checked_sub(0x80) {
        Some(which) => FRAGMENTS[usize::from(which) % FRAGMENTS.len()].to_vec(),
        None => vec![*byte],
    });
    let left_out = usize::from(left_out) % (members.len() + 2);
    if left_out > members.len() {
        return more.collect();
    }
    let kept = members.iter().enumerate().filter(|(index, _)| index + 1 != left_out);
    let kept = kept.map(|(_, member)| format!(",{member}")).collect::<String>();
    br#"{"first":0"#.iter().copied().chain(kept.into_bytes()).chain(more).chain(*b"}").collect()
}

fn signed(key: &Ed25519KeyPair, header: &[u8], payload: &[u8]) -> String {
    let input = format!("{}.{}", BASE64.encode(header), BASE64.encode(payload));
    let signature = BASE64.encode(key.sign(input.as_bytes()));
    format!("{input}.{signature}")
}

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
    let (Ok(header), Ok(claims)) =
        (serde_json::from_slice::<Members>(header), serde_json::from_slice::<Members>(payload))
    else {
        return false;
    };
    let value = |members: &Members, name: &str| {
        members.0.get(name).and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok())
    };
    let text = |members, name| value(members, name)?.as_str().map(str::to_owned);
    let algorithm = text(&header, "alg").unwrap_or_default();
    let is_key = !header.has("kid") || text(&header, "kid").as_deref() == Some("k1");
    let is_audience = match value(&claims, "aud") {
        Some(Value::Array(all)) => {
            all.iter().all(Value::is_string) && all.iter().any(|one| one == AUDIENCE)
        }
        one => one.is_some_and(|one| one == AUDIENCE),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let number = |name| value(&claims, name).and_then(|value| value.as_f64());
    let has_started =
        |name| !claims.has(name) || number(name).is_some_and(|time| time <= now + 61.0);

    ["EdDSA", "Ed25519"].contains(&&*algorithm)
        && is_key
        && !["crit", "b64", "zip", "enc"].iter().any(|name| header.has(name))
        && text(&claims, "iss").as_deref() == Some(ISSUER)
        && is_audience
        && number("exp").is_some_and(|time| time > now - 61.0 && time.is_finite())
        && has_started("nbf")
        && has_started("iat")
        && text(&claims, "sub").as_deref() == Some(name)
        && !name.is_empty()
        && text(&claims, "token_use").is_none_or(|used| ["access", "access_token"].contains(&&*used))
        && !["cnf", "at_hash", "c_hash"].iter().any(|name| claims.has(name))
}

/// The members of a JSON object, of which none is duplicate.
struct Members(HashMap<String, Box<RawValue>>);

impl Members {
    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unique;
        impl<'de> Visitor<'de> for Unique {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = HashMap::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if members.insert(name, value).is_some() {
                        return Err(serde::de::Error::custom("duplicate"));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Unique)
    }
}
