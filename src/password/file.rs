//! Password files: a line `user:hash` for each user, as `htpasswd -B` writes them.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::CredentialFileError;
use crate::credential_file::parse_lines;
use crate::password::hash::Hash;

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
        let (user, text) =
            line.split_once(':').ok_or("there is no colon behind the user's name")?;
        match user {
            "" => return Err("the name is empty".into()),
            _ if user.contains(char::is_control) => {
                return Err("the name has a control character".into());
            }
            _ if user.len() > MAX_NAME => return Err("the name has more than 255 bytes".into()),
            _ => {}
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

#[cfg(test)]
mod tests;
