//! The lines of credential files: whose they are, and what is left without them.

/// What the lines of a file are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `name sha256:HEX …`
    Tokens,
    /// `key_id base64:SECRET`
    Keys,
    /// `user:hash`
    Passwords,
}

/// Which lines.
pub enum Target {
    /// Those of this user, owner or key ID.
    Name(String),
    /// That of the token with this SHA-256.
    Token([u8; 32]),
}

/// A text without the lines of a target.
pub struct Remaining {
    pub text: String,
    /// How many lines were removed.
    pub removed: usize,
    /// The SHA-256 of the tokens of these lines.
    pub tokens: Vec<[u8; 32]>,
    /// Whether there is no credential left.
    pub is_empty: bool,
}

impl Format {
    /// Returns the text without the lines of the target. The others are the same, byte for byte.
    pub fn without(self, target: &Target, text: &str) -> Remaining {
        let mut remaining =
            Remaining { text: String::new(), removed: 0, tokens: Vec::new(), is_empty: true };
        for line in text.split_inclusive('\n') {
            let content = line.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']);
            let is_ignored = content.trim_ascii_start().is_empty() || is_comment(content);
            if !is_ignored && self.is_of(target, content) {
                remaining.removed += 1;
                remaining.tokens.extend(self.token(content));
                continue;
            }
            remaining.is_empty &= is_ignored;
            remaining.text.push_str(line);
        }
        remaining
    }

    fn is_of(self, target: &Target, line: &str) -> bool {
        match target {
            Target::Name(name) => self.name(line) == Some(name),
            Target::Token(digest) => self.token(line).as_ref() == Some(digest),
        }
    }

    fn name(self, line: &str) -> Option<&str> {
        match self {
            Self::Tokens | Self::Keys => fields(line).next(),
            Self::Passwords => Some(line.trim_matches([' ', '\t']).split_once(':')?.0),
        }
    }

    fn token(self, line: &str) -> Option<[u8; 32]> {
        let digest = fields(line).nth(1).filter(|_| self == Self::Tokens)?;
        decode_hex(digest.strip_prefix("sha256:")?)
    }
}

fn is_comment(line: &str) -> bool {
    line.trim_ascii_start().starts_with('#')
}

fn fields(line: &str) -> impl Iterator<Item = &str> {
    line.split([' ', '\t']).filter(|field| !field.is_empty())
}

fn decode_hex(hex: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| Some(char::from(byte).to_digit(16)? as u8);
    let (pairs, []) = hex.as_bytes().as_chunks() else { return None };
    let bytes = pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?));
    bytes.collect::<Option<Vec<_>>>()?.try_into().ok()
}
