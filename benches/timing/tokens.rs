//! Tokens and passwords that are compared by a digest.

use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::request::Parts;
use mcp_auth_layer::auth::{AuthScheme, Authenticated, Challenge};
use mcp_auth_layer::{Authenticator, Basic, Bearer, Principal, Rejection};
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempPath};

use super::case::Case;
use super::measure::{Random, half_right};
use super::request::request;
use super::statistics::Class;

const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7XwZb9tQ0sJw2";
pub const PASSWORD: &str = "correct-horse-battery-staple-1234";
/// How many other credentials a larger table has.
const OTHERS: usize = 1000;

pub fn cases() -> Vec<Case> {
    let one = Bearer::new([("ci", TOKEN)]).expect("well-formed");
    let others = (0..OTHERS).map(|_| Random::new().text(TOKEN.len()));
    let tokens: Vec<_> = others.chain([TOKEN.to_owned()]).collect();
    let many = Bearer::new(tokens.iter().map(|token| ("ci", &**token))).expect("well-formed");
    let (from_file, path) = self::from_file(&tokens);
    let one_of = |tokens: Vec<String>| {
        move |class, random: &mut Random| {
            let right = &tokens[random.below(tokens.len())];
            format!("Bearer {}", half_of(right, class, random))
        }
    };
    let any = one_of(tokens.clone());
    let of_file = move |class, random: &mut Random| {
        assert!(path.exists(), "otherwise its tokens end after a minute");
        any(class, random)
    };
    let others: Vec<String> = (0..1001).map(|_| Random::new().text(TOKEN.len())).collect();
    let (lacking, lacking_path) = self::from_file(&others);
    let (having, having_path) = self::from_file(&tokens);
    let control = move |class, random: &mut Random| {
        assert!(lacking_path.exists());
        wrong_half(class, random)
    };
    let again = move |class, random: &mut Random| {
        assert!(having_path.exists());
        wrong_half(class, random)
    };
    vec![
        Case::of_authorization("control, table lacks the bearer token", lacking, control),
        Case::of_authorization("again, the fixed bearer token of a file", having, again),
        Case::of_authorization(
            "bearer token, one",
            found_before(one, &[TOKEN.to_owned()]),
            wrong_half,
        ),
        Case::of_authorization(
            "bearer token, one of 1,001",
            found_before(many, &tokens),
            one_of(tokens),
        ),
        Case::of_authorization("bearer token of a file", from_file, of_file),
        Case::of_authorization("password in code", users(), wrong_password),
        Case::of_authorization("user in code: known, unknown", users(), unknown_user),
    ]
}

/// What the others must not be: it compares byte by byte, and stops at the first that differs.
pub fn leak() -> Case {
    Case::of_authorization("seeded leak: a token, byte by byte", ByteByByte, wrong_half)
}

struct ByteByByte;

impl ByteByByte {
    fn decide(head: &Parts) -> Result<Authenticated, Rejection> {
        let field = head.headers.get(AUTHORIZATION).map(|field| field.as_bytes());
        let token = field.and_then(|field| field.strip_prefix(b"Bearer ")).unwrap_or_default();
        let is_equal = |(one, other): (&u8, &u8)| black_box(*one) == *other;
        if token.len() == TOKEN.len() && token.iter().zip(TOKEN.as_bytes()).all(is_equal) {
            Ok(Principal::new("ci").into())
        } else {
            Err(Rejection::invalid(Challenge::new(AuthScheme::BEARER)))
        }
    }
}

impl Authenticator for ByteByByte {
    async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
        Self::decide(head)
    }

    fn authenticate_now(&self, head: &Parts) -> Option<Result<Authenticated, Rejection>> {
        Some(Self::decide(head))
    }
}

fn wrong_half(class: Class, random: &mut Random) -> String {
    format!("Bearer {}", half_of(TOKEN, class, random))
}

pub fn half_of(right: &str, class: Class, random: &mut Random) -> String {
    let wrong = random.text(right.len());
    String::from_utf8(half_right(class, right.as_bytes(), wrong.as_bytes())).expect("it is ASCII")
}

/// The right tokens were presented before, which opens the shortcut to them.
fn found_before(bearer: Bearer, tokens: &[String]) -> Bearer {
    for token in tokens {
        let head = request(Some(&format!("Bearer {token}")));
        assert!(bearer.authenticate_now(&head).is_some_and(|decision| decision.is_ok()));
    }
    bearer
}

fn from_file(tokens: &[String]) -> (Bearer, TempPath) {
    let line = |token: &String| {
        let digest = Sha256::digest(token);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("ci sha256:{hex}\n")
    };
    let path = NamedTempFile::new().expect("a file").into_temp_path();
    std::fs::write(&path, tokens.iter().map(line).collect::<String>()).expect("it is written");
    let bearer = Bearer::from_file(&path).expect("well-formed");
    (found_before(bearer, tokens), path)
}

pub const USERS: [&str; 8] =
    ["alice", "bobby", "carol", "david", "erika", "frank", "grace", "heidi"];

fn users() -> Basic {
    Basic::new(USERS.map(|name| (name, PASSWORD))).expect("well-formed")
}

pub fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

/// The password of a user, wrong in one half.
pub fn wrong_password(class: Class, random: &mut Random) -> String {
    basic(USERS[0], &half_of(PASSWORD, class, random))
}

/// A wrong password of a known user, or of an unknown one.
pub fn unknown_user(class: Class, random: &mut Random) -> String {
    let (known, unknown) = (USERS[random.below(USERS.len())], random.name(USERS[0].len()));
    let name = if class == Class::First { known } else { &unknown };
    basic(name, &random.text(PASSWORD.len()))
}
