//! The name of the query parameter that carries session IDs over HTTP+SSE.

use std::ops::Range;
use std::str::FromStr;

use percent_encoding::percent_decode;

/// The name of the query parameter that carries session IDs over HTTP+SSE.
///
/// Only the ASCII letters and digits of the name count, whatever their case, because some servers
/// ignore the rest: `session_id` and `sessionId` are the same parameter, and the default.
///
/// ```
/// use mcp_auth_layer::layer::SessionParameter;
///
/// # fn main() -> Result<(), mcp_auth_layer::layer::SessionParameterError> {
/// let by_code = SessionParameter::from_static("session_id");
/// let by_configuration: SessionParameter = "sessionId".parse()?;
/// assert_eq!(by_code, by_configuration);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionParameter {
    /// The letters, in lower case, and digits of the name. There is at least one.
    letters: String,
}

/// The name of a query parameter has neither ASCII letters nor digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of the session parameter must have ASCII letters or digits")]
#[non_exhaustive]
pub struct SessionParameterError;

impl SessionParameter {
    /// Creates a parameter from a name that is part of the program.
    ///
    /// # Panics
    ///
    /// If the name has neither ASCII letters nor digits. Use [`FromStr`] for names from a
    /// configuration.
    pub fn from_static(name: &'static str) -> Self {
        match name.parse() {
            Ok(parameter) => parameter,
            Err(error) => panic!("SessionParameter::from_static: {error}"),
        }
    }

    /// Returns where the values of this parameter are in a query, in whatever way its name is
    /// spelled.
    ///
    /// Both `&` and `;` separate pairs, since servers differ in this.
    pub(super) fn values_in<'q>(
        &'q self,
        query: &'q [u8],
    ) -> impl Iterator<Item = Range<usize>> + 'q {
        let mut next = 0;
        query.split(|byte| matches!(byte, b'&' | b';')).filter_map(move |pair| {
            let (start, end) = (next, next + pair.len());
            next = end + 1;
            let name = name_of(pair);
            let value = (start + name.len() + 1).min(end)..end;
            self.is_named(name).then_some(value)
        })
    }

    /// Counts this parameter in the URL of an endpoint, wherever one part of the URL may be read as
    /// another: a server that repeats what a client wrote may repeat `?` and `#` as well, and then
    /// its own parameter is in another's value or in the fragment.
    pub(super) fn count_in_url(&self, url: &[u8]) -> usize {
        url.split(|byte| matches!(byte, b'?' | b'#' | b'&' | b';'))
            .skip(1)
            .filter(|pair| self.is_named(name_of(pair)))
            .count()
    }

    /// Returns a query without this parameter; `None` if there is nothing else in it.
    pub(super) fn without<'q>(&self, query: &'q str) -> Option<String> {
        let is_other = |pair: &&'q str| !self.is_named(name_of(pair.as_bytes()));
        let others: Vec<_> = query.split(['&', ';']).filter(is_other).collect();
        (!others.is_empty()).then(|| others.join("&"))
    }

    /// Returns whether some server takes this for the parameter's name. Some compare its letters
    /// and digits alone. PHP reads up to a NUL. Express makes a list of `name[0]`, and JavaScript
    /// uses the only element of a list as the key where it expects a key.
    fn is_named(&self, name: &[u8]) -> bool {
        let mut left = self.letters.as_bytes();
        for byte in percent_decode(name) {
            left = match (byte, left) {
                (b'[' | b']' | 0, []) => return true,
                (byte, [first, rest @ ..]) if byte.eq_ignore_ascii_case(first) => rest,
                (byte, _) if byte.is_ascii_alphanumeric() => return false,
                _ => left,
            };
        }
        left.is_empty()
    }
}

/// `session_id` and `sessionId`, which MCP's SDKs use.
impl Default for SessionParameter {
    fn default() -> Self {
        Self { letters: "sessionid".to_owned() }
    }
}

impl FromStr for SessionParameter {
    type Err = SessionParameterError;

    fn from_str(name: &str) -> Result<Self, SessionParameterError> {
        let letters = name.chars().filter(char::is_ascii_alphanumeric);
        let letters: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
        if letters.is_empty() {
            return Err(SessionParameterError);
        }
        Ok(Self { letters })
    }
}

fn name_of(pair: &[u8]) -> &[u8] {
    pair.split(|&byte| byte == b'=').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_letters_and_digits_of_a_parameter_name_count() {
        let default = SessionParameter::default();
        for name in ["session_id", "sessionId", "Session-ID", "session.id"] {
            assert_eq!(name.parse(), Ok(default.clone()), "{name}");
        }
        assert_ne!("sid".parse(), Ok(default));
        for name in ["", "_", "é", "[]"] {
            assert_eq!(name.parse::<SessionParameter>(), Err(SessionParameterError), "{name}");
        }
    }

    #[test]
    #[should_panic(expected = "must have ASCII letters or digits")]
    fn literal_parameter_name_without_letters_panics() {
        let _ = SessionParameter::from_static("_");
    }

    #[test]
    fn parameter_is_removed_in_every_spelling() {
        let parameter = SessionParameter::from_static("sid");
        for (query, expected) in [
            ("a=1&sid=2;S%49D=3&s_i_d[0]=4&b", Some("a=1&b")),
            ("side=1;sid2=2", Some("side=1&sid2=2")),
            ("sid=1&", Some("")),
            ("sid", None),
        ] {
            assert_eq!(parameter.without(query).as_deref(), expected, "{query}");
        }
    }
}
