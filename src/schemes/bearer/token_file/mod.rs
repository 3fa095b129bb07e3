//! Token files: a line `name sha256:HEX [expires=RFC3339] [scopes=a,b] [roles=c,d]` for each bearer token.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::authenticator::Bearer;
use super::handle::BearerHandle;
use crate::auth::{Principal, Scope};
use crate::credentials::{
    Access, CredentialFile, CredentialFileError, CredentialTable, Grant, LineError, Snapshot,
    TokenDigest, parse_lines,
};

/// A token of a file, which has only its digest.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) struct Token {
    name: String,
    pub(crate) digest: TokenDigest,
    expires: Option<SystemTime>,
    scopes: Vec<String>,
    roles: Vec<String>,
}

/// The SHA-256 of the empty text and of a line break: the result of an unset variable.
const DIGESTS_OF_NOTHING: [&str; 2] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b",
];

/// Parses the tokens of a file. Each may appear once.
pub(crate) fn parse_tokens(text: &str) -> Result<Vec<Token>, CredentialFileError> {
    let mut numbers = HashMap::new();
    parse_lines(text, |number, line| {
        let token = Token::parse(line)?;
        match numbers.insert(token.digest, number) {
            None => Ok(token),
            Some(first) => Err(LineError::duplicate("token", first)),
        }
    })
}

impl Token {
    fn parse(line: &str) -> Result<Self, LineError> {
        let mut fields = line.split([' ', '\t']).filter(|field| !field.is_empty());
        let name = fields.next().unwrap_or_default();
        if name.contains(char::is_control) {
            return Err("the name has a control character".into());
        }
        if name.trim() != name {
            return Err(
                "the name begins or ends with white space other than a space or a tab".into()
            );
        }
        let digest = fields.next().and_then(|field| parse_digest(field.strip_prefix("sha256:")?));
        let digest = digest.ok_or(
            "expected `sha256:` and 64 hexadecimal digits, the SHA-256 of the token, after the \
             name; make the line by `cargo run --example credentials -- token NAME`",
        )?;
        if DIGESTS_OF_NOTHING.into_iter().any(|nothing| parse_digest(nothing) == Some(digest)) {
            return Err("the digest is that of an empty token: was a variable unset?".into());
        }
        let mut token = Self {
            name: name.to_owned(),
            digest,
            expires: None,
            scopes: Vec::new(),
            roles: Vec::new(),
        };
        for field in fields {
            match field.split_once('=') {
                Some(("expires", time)) if token.expires.is_none() => {
                    token.expires = Some(parse_time(time)?);
                }
                Some(("scopes", scopes)) if token.scopes.is_empty() => {
                    token.scopes = parse_scopes(scopes)?;
                }
                Some(("roles", roles)) if token.roles.is_empty() => {
                    token.roles = parse_roles(roles)?;
                }
                Some(("expires" | "scopes" | "roles", _)) => {
                    return Err("`expires=`, `scopes=` and `roles=` may appear once each".into());
                }
                _ => {
                    return Err("only `expires=`, `scopes=` and `roles=`, without white space in \
                                them, may follow the digest"
                        .into());
                }
            }
        }
        Ok(token)
    }

    /// Returns what the token grants.
    pub(crate) fn grant(&self) -> Grant {
        let principal =
            Principal::new(&self.name).with_scopes(&self.scopes).with_roles(&self.roles);
        Grant::new(principal).expires_at(self.expires)
    }
}

fn parse_digest(hex: &str) -> Option<TokenDigest> {
    let digit = |byte: &u8| Some(char::from(*byte).to_digit(16)? as u8);
    let digits: Vec<u8> = hex.as_bytes().iter().map(digit).collect::<Option<_>>()?;
    let (pairs, []) = digits.as_chunks() else { return None };
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    bytes.try_into().ok().map(TokenDigest)
}

/// Parses a time, in whole seconds: rounded down, as a token must not be valid for too long.
fn parse_time(text: &str) -> Result<SystemTime, LineError> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok().and_then(|time| {
        // A time before 1970 has passed in any case.
        let seconds = u64::try_from(time.unix_timestamp()).unwrap_or(0);
        UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    });
    time.ok_or("`expires=` must be a time of RFC 3339, such as 2030-01-31T12:00:00Z".into())
}

/// Parses scope tokens (RFC 6749 §3.3), separated by commas and hence without commas in them.
fn parse_scopes(text: &str) -> Result<Vec<String>, LineError> {
    let scopes: Vec<String> = text.split(',').map(str::to_owned).collect();
    if scopes.iter().all(|scope| scope.parse::<Scope>().is_ok()) {
        return Ok(scopes);
    }
    Err("`scopes=` must be scopes of printable ASCII, separated by commas, without quotes and \
         backslashes"
        .into())
}

/// Parses roles, separated by commas and hence without commas in them.
fn parse_roles(text: &str) -> Result<Vec<String>, LineError> {
    let roles: Vec<String> = text.split(',').map(str::to_owned).collect();
    let is_role = |role: &String| {
        !role.is_empty() && !role.contains(|c: char| c.is_control() || c.is_whitespace())
    };
    if roles.iter().all(is_role) {
        return Ok(roles);
    }
    Err("`roles=` must be names without white space and control characters, separated by commas"
        .into())
}

impl Bearer {
    /// Opens a file of tokens, and watches it.
    ///
    /// The file has a line `name sha256:HEX [expires=RFC3339] [scopes=a,b] [roles=c,d]` for each token,
    /// with the SHA-256 of the token in hexadecimal: the token itself is not in the file. Blank lines and
    /// lines that begin with `#` are skipped. A name may have several tokens; it has no white space.
    ///
    /// ```text
    /// # printf %s "$TOKEN" | sha256sum
    /// ci sha256:0b5b…c2 expires=2030-01-31T12:00:00Z scopes=tools:read,tools:call
    /// ```
    ///
    /// The file is read again when it changes, and on request of a [handle](Self::handle). When a
    /// token is removed or changed, the responses to its requests end within about a second. That
    /// includes the last token. If the file is invalid, the previous tokens stay active; if it
    /// disappears, they do for a minute. Both are logged. Replace the file by a rename: while it is
    /// written in place, a part of it may look complete.
    ///
    /// On Unix, the file must belong to root or to the user of this process, and no other user may
    /// be able to write it.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not a regular file, has other permissions, has more than
    /// 16 MiB, no token, or an invalid line. An expired token is not an error.
    pub fn from_file(path: impl AsRef<std::path::Path>) -> Result<Self, CredentialFileError> {
        let mut tokens = Self::with_table(CredentialTable::with_sha256());
        let table = tokens.tokens.clone();
        let file =
            CredentialFile::watch(path.as_ref(), Access::Public, move |text| apply(&table, text));
        tokens.file = Some(file?);
        Ok(tokens)
    }
}

/// Replaces the tokens by those of a text, or removes them if the file is missing. Returns how many there are.
fn apply(
    table: &Snapshot<CredentialTable>,
    text: Option<&str>,
) -> Result<usize, CredentialFileError> {
    let Some(text) = text else {
        table.change(CredentialTable::remove_all).cancel();
        return Ok(0);
    };
    let next = parse_tokens(text)?;
    let count = next.len();
    let next = next.iter().map(|token| (token.digest, token.grant()));
    table.change(|table| table.replace(next)).cancel();
    Ok(count)
}

impl BearerHandle {
    /// Reads the file of [`Bearer::from_file`](super::Bearer::from_file) now. Returns whether it has
    /// changed: never, if there is no file.
    ///
    /// It blocks while it reads, for ten seconds at most. If the file has changed, tokens that were
    /// [added](Self::add) are removed, and tokens that were [revoked](Self::revoke) stay revoked. A
    /// file without tokens revokes all of them.
    ///
    /// # Errors
    ///
    /// Those of [`Bearer::from_file`](super::Bearer::from_file). The previous tokens then stay
    /// active.
    pub fn reload(&self) -> Result<bool, CredentialFileError> {
        self.file.as_ref().map_or(Ok(false), CredentialFile::reload)
    }
}

#[cfg(test)]
mod tests;
