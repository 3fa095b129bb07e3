//! Token files: a line `name sha256:HEX [expires=RFC3339] [scopes=a,b]` for each bearer token.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::auth::Principal;
use crate::credentials::{CredentialFileError, parse_lines};

/// A token of a file, of which the file knows the digest alone.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) struct Token {
    name: String,
    /// The SHA-256 of the token.
    pub(crate) sha256: [u8; 32],
    expires: Option<SystemTime>,
    scopes: Vec<String>,
}

/// The SHA-256 of nothing and of a line break: what comes out where a variable is unset.
const NOTHING: [&str; 2] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b",
];

/// The tokens of a file, each of which stands there once.
pub(crate) fn parse_tokens(text: &str) -> Result<Vec<Token>, CredentialFileError> {
    let mut numbers = HashMap::new();
    parse_lines(text, |number, line| {
        let token = Token::parse(line)?;
        match numbers.insert(token.sha256, number) {
            None => Ok(token),
            Some(first) => Err(format!("the token stands in line {first} already").into()),
        }
    })
}

impl Token {
    fn parse(line: &str) -> Result<Self, Cow<'static, str>> {
        let mut fields = line.split([' ', '\t']).filter(|field| !field.is_empty());
        let name = fields.next().unwrap_or_default();
        if name.contains(char::is_control) {
            return Err("the name has a control character".into());
        }
        if name.trim() != name {
            return Err("the name begins or ends with white space that is no space or tab".into());
        }
        let sha256 = fields.next().and_then(|field| digest(field.strip_prefix("sha256:")?));
        let sha256 = sha256.ok_or(
            "behind the name there must be `sha256:` and the 64 hexadecimal digits of the token's \
             SHA-256; make the line by `cargo run --example credentials -- token NAME`",
        )?;
        if NOTHING.into_iter().any(|nothing| digest(nothing) == Some(sha256)) {
            return Err("it is the SHA-256 of nothing: was a variable unset?".into());
        }
        let mut token = Self { name: name.to_owned(), sha256, expires: None, scopes: Vec::new() };
        for field in fields {
            match field.split_once('=') {
                Some(("expires", time)) if token.expires.is_none() => {
                    token.expires = Some(parse_time(time)?);
                }
                Some(("scopes", scopes)) if token.scopes.is_empty() => {
                    token.scopes = parse_scopes(scopes)?;
                }
                Some(("expires" | "scopes", _)) => {
                    return Err("`expires=` and `scopes=` may stand once each".into());
                }
                _ => {
                    return Err(
                        "behind the digest, only `expires=` and `scopes=` mean something; \
                                 they have no white space in them"
                            .into(),
                    );
                }
            }
        }
        Ok(token)
    }

    /// Whose it is, as far as it goes.
    pub(crate) fn principal(&self) -> Principal {
        let principal = Principal::new(&self.name).with_scopes(&self.scopes);
        match self.expires {
            Some(time) => principal.expires_at(time),
            None => principal,
        }
    }
}

fn digest(hex: &str) -> Option<[u8; 32]> {
    let digit = |byte: &u8| Some(char::from(*byte).to_digit(16)? as u8);
    let digits: Vec<u8> = hex.as_bytes().iter().map(digit).collect::<Option<_>>()?;
    let (pairs, []) = digits.as_chunks() else { return None };
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    bytes.try_into().ok()
}

/// In whole seconds: a token is not good for longer than it says.
fn parse_time(text: &str) -> Result<SystemTime, Cow<'static, str>> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok().and_then(|time| {
        // What ended before 1970 has ended.
        let seconds = u64::try_from(time.unix_timestamp()).unwrap_or(0);
        UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    });
    time.ok_or("`expires=` must be a time as in RFC 3339, such as 2030-01-31T12:00:00Z".into())
}

/// Scope tokens of RFC 6749 §3.3, but for the comma between them.
fn parse_scopes(text: &str) -> Result<Vec<String>, Cow<'static, str>> {
    let allowed = |c: char| c.is_ascii_graphic() && !"\"\\".contains(c);
    let scopes: Vec<String> = text.split(',').map(str::to_owned).collect();
    match scopes.iter().all(|scope| !scope.is_empty() && scope.chars().all(allowed)) {
        true => Ok(scopes),
        false => Err("`scopes=` must be scopes of printable ASCII with commas between them, \
                      and without quotes and backslashes"
            .into()),
    }
}

#[cfg(test)]
mod tests;
