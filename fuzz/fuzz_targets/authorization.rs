//! Basic and Bearer credentials in `Authorization` are read as a plain reading of the field does: they authenticate the
//! same user, or are rejected for the same reason.

#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderValue, Request};
use libfuzzer_sys::fuzz_target;
use mcp_auth_layer::auth::{Authenticated, RejectionKind};
use mcp_auth_layer::schemes::HtpasswdFile;
use mcp_auth_layer::{Authenticator, Basic, Bearer, Rejection};
use mcp_auth_layer_fuzz::structured_fields::base64;

const USERS: [(&str, &str); 3] = [("alice", "secret"), ("bob", "a:b "), ("Zo\u{eb}", "p\u{e4}ss")];
const TOKENS: [(&str, &str); 3] = [("ci", "dG9rZW4="), ("nightly", "a-._~+/b"), ("alice", "Basic")];
/// Hashes are not computed here.
const HTPASSWD: &str = "alice:$2y$04$LvvsnvRpmrwNkcIEOLmOGOaTLcgqv4zIHAR1/65GL8r6wk75ZHg7K";

static BASIC: LazyLock<Basic> = LazyLock::new(|| Basic::new(USERS).unwrap());
static BEARER: LazyLock<Bearer> = LazyLock::new(|| Bearer::new(TOKENS).unwrap());
static PASSWORDS: LazyLock<HtpasswdFile> =
    LazyLock::new(|| HtpasswdFile::from_text(HTPASSWD).unwrap());

#[derive(Debug, PartialEq)]
enum Outcome {
    User(&'static str),
    Rejected(RejectionKind),
    /// It takes a hash to tell.
    Hash,
}

fuzz_target!(|data: &[u8]| {
    // After a `=`, the data is a pair of name and password.
    let field = match data.strip_prefix(b"=") {
        Some(pair) => format!("Basic {}", BASE64_STANDARD.encode(pair)).into_bytes(),
        None => data.to_vec(),
    };
    let Ok(value) = HeaderValue::from_bytes(&field) else { return };
    let request = Request::get("/mcp").header("authorization", value).body(()).unwrap();
    let (head, ()) = request.into_parts();
    let shown = field.escape_ascii();

    let basic = credential(&field, "Basic");
    assert_eq!(outcome(BASIC.authenticate_now(&head)), of_basic(basic), "{shown}");
    let bearer = credential(&field, "Bearer");
    assert_eq!(outcome(BEARER.authenticate_now(&head)), of_bearer(bearer), "{shown}");
    let passwords = outcome(PASSWORDS.authenticate_now(&head));
    // Whether a pair of nearly 1,024 bytes is too long depends on its padding.
    if basic.is_none_or(|credential| !(1360..1372).contains(&credential.len())) {
        assert_eq!(passwords, of_password(basic), "{shown}");
    }
});

fn outcome(decided: Option<Result<Authenticated, Rejection>>) -> Outcome {
    match decided {
        None => Outcome::Hash,
        Some(Err(rejection)) => Outcome::Rejected(rejection.kind()),
        Some(Ok(authenticated)) => {
            let name = authenticated.principal().name();
            let known = USERS.iter().chain(&TOKENS).find(|(known, _)| *known == name);
            Outcome::User(known.expect("it is one of the users").0)
        }
    }
}

/// Returns what follows a scheme and spaces.
fn credential<'f>(field: &'f [u8], scheme: &str) -> Option<&'f [u8]> {
    let end = field.iter().position(|byte| *byte == b' ').unwrap_or(field.len());
    let (name, rest) = field.split_at(end);
    let start = rest.iter().position(|byte| *byte != b' ').unwrap_or(rest.len());
    name.eq_ignore_ascii_case(scheme.as_bytes()).then_some(&rest[start..])
}

/// Returns the text that the only base64 of it stands for (RFC 4648 §3.5).
fn decoded(credential: &[u8]) -> Option<String> {
    let bytes = base64(credential)?;
    let is_canonical = BASE64_STANDARD.encode(&bytes).as_bytes() == credential;
    is_canonical.then(|| String::from_utf8(bytes).ok())?
}

fn is_pair(text: &str) -> bool {
    text.contains(':') && !text.contains(|c: char| c.is_control())
}

fn of_basic(credential: Option<&[u8]>) -> Outcome {
    let Some(credential) = credential else { return Outcome::Rejected(RejectionKind::Missing) };
    let pair = decoded(credential).filter(|pair| is_pair(pair));
    let Some(pair) = pair else { return Outcome::Rejected(RejectionKind::Malformed) };
    match USERS.iter().find(|(name, password)| pair == format!("{name}:{password}")) {
        Some((name, _)) => Outcome::User(name),
        None => Outcome::Rejected(RejectionKind::Invalid),
    }
}

fn of_bearer(credential: Option<&[u8]>) -> Outcome {
    let Some(credential) = credential else { return Outcome::Rejected(RejectionKind::Missing) };
    if let Some((owner, _)) = TOKENS.iter().find(|(_, token)| token.as_bytes() == credential) {
        return Outcome::User(owner);
    }
    let end = credential.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let is_b64token = end > 0
        && credential[..end]
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(byte));
    let kind = if is_b64token { RejectionKind::Invalid } else { RejectionKind::Malformed };
    Outcome::Rejected(kind)
}

fn of_password(credential: Option<&[u8]>) -> Outcome {
    let pair = credential.and_then(decoded).filter(|pair| is_pair(pair));
    match pair.as_deref().and_then(|pair| pair.split_once(':')) {
        Some((name, password)) if !password.is_empty() && name.len() + password.len() < 1024 => {
            Outcome::Hash
        }
        _ => match of_basic(credential) {
            // The users of the other list are not in the file.
            Outcome::User(_) => Outcome::Rejected(RejectionKind::Invalid),
            rejected => rejected,
        },
    }
}
