//! Password files: a line `user:hash` for each user, as `htpasswd -B` writes them.

use std::collections::HashMap;

use super::hash::Hash;
use crate::credentials::{CredentialFileError, CredentialFileErrorKind, LineError, parse_lines};

/// The maximum length of a name, in bytes. Name and password arrive in one header field.
const MAX_NAME: usize = 255;

/// The users of a password file. Each appears once.
pub(super) struct PasswordFile {
    pub(super) lines: Vec<Line>,
}

pub(super) struct Line {
    pub(super) user: Box<str>,
    /// The text of the hash, as the file has it.
    pub(super) text: Box<str>,
    pub(super) hash: Hash,
}

impl PasswordFile {
    pub(super) fn parse(text: &str) -> Result<Self, CredentialFileError> {
        let mut numbers = HashMap::new();
        let lines = parse_lines(text, |number, line| {
            let parsed = Line::parse(line)?;
            match numbers.insert(parsed.user.clone(), number) {
                None => Ok(parsed),
                Some(first) => Err(LineError::duplicate("user", first)),
            }
        })?;
        Ok(Self { lines })
    }
}

impl Line {
    fn parse(line: &str) -> Result<Self, LineError> {
        // White space around a line has no other meaning.
        let (user, text) = (line.trim_matches([' ', '\t']).split_once(':'))
            .ok_or("there is no colon after the name of the user")?;
        if user.is_empty() {
            return Err("the name is empty".into());
        }
        if user.trim() != user {
            return Err("there is white space between the name and the colon: remove it".into());
        }
        if user.contains(char::is_control) {
            return Err("the name has a control character".into());
        }
        if user.len() > MAX_NAME {
            return Err("the name has more than 255 bytes".into());
        }
        if let Some(problem) = problem_around_hash(text) {
            return Err(problem.into());
        }
        let hash = Hash::parse(text).map_err(|problem| {
            let message = format!(
                "{problem}; make the line by `htpasswd -nB USER` \
                 or `cargo run --example credentials -- password USER`"
            );
            LineError::new(CredentialFileErrorKind::UnsupportedHash, message)
        })?;
        Ok(Self { user: user.into(), text: text.into(), hash })
    }
}

/// Returns what is wrong around the hash, if the line looks like that of a server with another format.
fn problem_around_hash(text: &str) -> Option<&'static str> {
    if text.starts_with([' ', '\t']) {
        return Some("there is white space between the colon and the hash: remove it");
    }
    let after_braces = text.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    if after_braces.is_some_and(|(_, hash)| hash.starts_with('$')) {
        return Some("there is a `{…}` before the hash: remove it");
    }
    let (hash, rest) = text.split_at(text.find([':', ' ', '\t'])?);
    if !hash.starts_with('$') {
        return None;
    }
    Some(if rest.starts_with(':') {
        "there is a third field after the hash: remove the colon and what follows"
    } else {
        "there is white space in the hash or after it: remove it"
    })
}

#[cfg(test)]
mod tests;
