//! Password files: a line `user:hash` for each user, as `htpasswd -B` writes them.

use std::borrow::Cow;
use std::collections::HashMap;

use super::hash::Hash;
use crate::credentials::{CredentialFileError, parse_lines};

/// The longest name, in bytes. Name and password come in one header field.
const MAX_NAME: usize = 255;

/// The users of a password file, each of whom stands there once.
pub(crate) struct PasswordFile {
    pub(super) lines: Vec<Line>,
}

pub(super) struct Line {
    pub(super) user: Box<str>,
    /// As it stands in the file.
    pub(super) text: Box<str>,
    pub(super) hash: Hash,
}

impl PasswordFile {
    pub(crate) fn parse(text: &str) -> Result<Self, CredentialFileError> {
        let mut numbers = HashMap::new();
        let lines = parse_lines(text, |number, line| {
            let parsed = Line::parse(line)?;
            match numbers.insert(parsed.user.clone(), number) {
                None => Ok(parsed),
                Some(first) => Err(format!("the user stands in line {first} already").into()),
            }
        })?;
        Ok(Self { lines })
    }
}

impl Line {
    fn parse(line: &str) -> Result<Self, Cow<'static, str>> {
        // Nothing else can be meant by white space around a line.
        let (user, text) = (line.trim_matches([' ', '\t']).split_once(':'))
            .ok_or("there is no colon behind the user's name")?;
        match user {
            "" => return Err("the name is empty".into()),
            _ if user.trim() != user => {
                return Err("there is white space between the name and the colon".into());
            }
            _ if user.contains(char::is_control) => {
                return Err("the name has a control character".into());
            }
            _ if user.len() > MAX_NAME => return Err("the name has more than 255 bytes".into()),
            _ => {}
        }
        if let Some(problem) = around_hash(text) {
            return Err(problem.into());
        }
        match Hash::parse(text) {
            Ok(hash) => Ok(Self { user: user.into(), text: text.into(), hash }),
            Err(problem) => Err(format!(
                "{problem}; make the line by `htpasswd -nB USER` \
                 or `cargo run --example credentials -- password USER`"
            )
            .into()),
        }
    }
}

/// What stands around the hash, where it looks like that of a server with another format.
fn around_hash(text: &str) -> Option<&'static str> {
    if text.starts_with([' ', '\t']) {
        return Some("there is white space between the colon and the hash: remove it");
    }
    let behind_braces = text.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    if behind_braces.is_some_and(|(_, hash)| hash.starts_with('$')) {
        return Some("there is a `{…}` in front of the hash: remove it");
    }
    let (hash, behind) = text.split_at(text.find([':', ' ', '\t'])?);
    if !hash.starts_with('$') {
        return None;
    }
    Some(match behind.starts_with(':') {
        true => "there is a third field behind the hash: remove the colon and what follows",
        false => "there is white space in the hash or behind it: remove it",
    })
}

#[cfg(test)]
mod tests;
