//! Key files: a line `key_id base64:SECRET` for each secret of a signer.

use std::borrow::Cow;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::authenticator::HttpSignature;
use super::errors::KeyError;
use super::keys::Keys;
use crate::credentials::{Access, CredentialFileError, Reloading, parse_lines};

impl HttpSignature {
    /// The keys of a file: a line `key_id base64:SECRET` for each, such as
    /// `ci base64:…` with what `openssl rand -base64 32` prints. Lines that begin with `#` and
    /// blank ones are skipped. A key id may stand twice, for rotation; it has no white space in it.
    ///
    /// The file is read again when it changes, and on a [handle](HttpSignature::handle)'s request. Removing or
    /// changing a secret ends what was opened with it, within a second; so does removing the last one.
    /// A file that is refused leaves the keys of before in force, one that vanishes leaves them for a
    /// minute, and both are logged. Replace it by rename: where it is written in place, half of it may
    /// look like a whole.
    ///
    /// The secrets stand in the file as they are, since whoever verifies can also sign.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), by the number of the line; if the file cannot be read, has more than
    /// 16 MiB or, on Unix, has other permissions than these:
    ///
    /// | the file belongs to | others may write it | others may read it | |
    /// | --- | --- | --- | --- |
    /// | the user of this process | no | no | 0600 or less |
    /// | root | no | yes | 0644 or less, as Kubernetes (`fsGroup`), systemd (`LoadCredential=`) and Docker provide secrets |
    /// | somebody else | | | refused |
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, CredentialFileError> {
        let path = path.as_ref();
        let mut hmac = Self::from_keys(Keys::empty());
        let live = hmac.keys.clone();
        let file = Reloading::start(path, Access::Private, move |text| {
            let Some(text) = text else {
                live.change(Keys::remove_all).end();
                return Ok(0);
            };
            let next = parse_keys(text)?;
            let credentials = next.len();
            live.change(|keys| keys.replace(next)).end();
            Ok(credentials)
        });
        hmac.file = Some(file?);
        Ok(hmac)
    }
}

fn parse_keys(text: &str) -> Result<Keys, CredentialFileError> {
    let keys = parse_lines(text, |number, line| {
        let (key_id, secret) = parse_key(line)?;
        Ok((number, key_id, secret))
    })?;
    if keys.is_empty() {
        return Ok(Keys::empty());
    }
    Keys::new(keys.iter().map(|(_, key_id, secret)| (&**key_id, secret))).map_err(|error| {
        let (position, reason): (_, Cow<_>) = match error {
            KeyError::KeyId { position } => {
                (position, "the key id must have 256 characters of printable ASCII at most".into())
            }
            KeyError::ShortSecret { position, length } => (
                position,
                format!("the secret has {length} bytes, and must have 32 or more").into(),
            ),
            KeyError::Rotation { position } => (
                position,
                "a key id may have two secrets for rotation, and they must differ".into(),
            ),
            error => return CredentialFileError::file(error.to_string()),
        };
        CredentialFileError::file(reason).in_line(keys[position - 1].0)
    })
}

fn parse_key(line: &str) -> Result<(String, Vec<u8>), Cow<'static, str>> {
    let fields: Vec<_> = line.split([' ', '\t']).filter(|field| !field.is_empty()).collect();
    let expected = "a line is a key id, white space, `base64:` and a secret in base64; \
                    make it by `cargo run --example credentials -- key ID`";
    let [key_id, secret] = fields[..] else { return Err(expected.into()) };
    let secret = secret.strip_prefix("base64:").and_then(|text| STANDARD.decode(text).ok());
    Ok((key_id.to_owned(), secret.ok_or(expected)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 32 bytes, 32 others, 33 and 31.
    const A: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const B: &str = "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const LONG: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const SHORT: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";

    fn error(text: &str) -> String {
        let error = parse_keys(text).unwrap_err().to_string();
        assert!(!error.contains("AAAA"), "{error}");
        error
    }

    #[test]
    fn keys_and_what_is_between_them() {
        let text =
            format!("# keys\r\nci base64:{A}\r\n\r\n alice \t base64:{LONG} \nci base64:{B}");
        let keys = format!("{:?}", parse_keys(&text).unwrap());
        assert!(keys == r#"{"ci", "alice"}"# || keys == r#"{"alice", "ci"}"#, "{keys}");
    }

    #[test]
    fn everything_else_is_refused_by_its_line() {
        let good = format!("# keys\nci base64:{A}\n\nci base64:{B}\nalice base64:{A}\n");
        assert!(parse_keys(&good).is_ok());
        let rotation = "a key id may have two secrets for rotation, and they must differ";
        for (from, to, line, reason) in [
            ("alice", "ci", 5, rotation),
            (B, A, 4, rotation),
            (B, SHORT, 4, "the secret has 31 bytes, and must have 32 or more"),
            ("alice", "älice", 5, "the key id must have 256 characters of printable ASCII at most"),
            ("alice", &"a".repeat(257), 5, "the key id must have 256 characters"),
            ("alice ", "", 5, "a line is a key id"),
            ("alice", "al ice", 5, "a line is a key id"),
            ("alice base64:", "alice ", 5, "a line is a key id"),
            ("alice base64:", "alice hex:", 5, "a line is a key id"),
            ("alice base64:", "alice base64: ", 5, "a line is a key id"),
            ("alice base64:A", "alice base64:-", 5, "a line is a key id"),
            ("AA=\nalice", "AA\nalice", 4, "a line is a key id"),
            ("AA=\nalice", "AB=\nalice", 4, "a line is a key id"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good);
            let error = error(&bad);
            assert!(error.starts_with(&format!("line {line}: {reason}")), "{bad}: {error}");
        }
        assert_eq!(parse_keys("# keys").unwrap().len(), 0);
        let longest = format!("{} base64:{A}", "a".repeat(256));
        assert!(parse_keys(&longest).is_ok());
    }
}
