//! Key files: a line `key_id base64:SECRET` for each secret.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::authenticator::HttpSignature;
use super::errors::KeyError;
use super::handle::HttpSignatureHandle;
use super::keys::Keys;
use crate::credentials::{
    Access, CredentialFile, CredentialFileError, CredentialFileErrorKind, LineError, Snapshot,
    parse_lines,
};

impl HttpSignature {
    /// Creates an authenticator with the keys of a file: a line `key_id base64:SECRET` for each, such
    /// as `ci base64:…` with the output of `openssl rand -base64 32`. Lines that begin with `#` and
    /// blank ones are skipped. A key ID may appear twice, for rotation; it has no white space in it.
    ///
    /// The file is reloaded within about a second of a change, and when a
    /// [handle](HttpSignature::handle) requests it. Removing or changing a secret ends the streams that
    /// were opened with it, within about a second; so does removing the last one. If the file is
    /// rejected, the previous keys stay active; if it is missing, for a minute. Both are logged.
    /// Replace it by rename: where it is written in place, a part of it may be loaded.
    ///
    /// The file contains the secrets themselves, as verifying a signature takes the same secret as
    /// making it.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new), with the number of the line; if the file cannot be read, has more
    /// than 16 MiB or, on Unix, has other permissions than these:
    ///
    /// | owner | others may write | others may read | |
    /// | --- | --- | --- | --- |
    /// | the user of this process | no | no | 0600 or less |
    /// | root | no | yes | 0644 or less, as Kubernetes (`fsGroup`), systemd (`LoadCredential=`) and Docker provide secrets |
    /// | another user | | | rejected |
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, CredentialFileError> {
        let mut authenticator = Self::from_keys(Keys::empty());
        let keys = authenticator.keys.clone();
        let file =
            CredentialFile::watch(path.as_ref(), Access::Private, move |text| apply(&keys, text));
        authenticator.file = Some(file?);
        Ok(authenticator)
    }
}

/// Replaces the keys by those of a text, or removes them if the file is missing. Returns how many there are.
fn apply(keys: &Snapshot<Keys>, text: Option<&str>) -> Result<usize, CredentialFileError> {
    let Some(text) = text else {
        keys.change(Keys::remove_all).cancel();
        return Ok(0);
    };
    let next = parse_keys(text)?;
    let credentials = next.len();
    keys.change(|keys| keys.replace(next)).cancel();
    Ok(credentials)
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
        let (position, error): (_, LineError) = match error {
            KeyError::KeyId { position } => {
                (position, "the key ID must be at most 256 characters of printable ASCII".into())
            }
            KeyError::ShortSecret { position, length } => (
                position,
                format!("the secret has {length} bytes, and must have 32 or more").into(),
            ),
            KeyError::Rotation { position } => {
                let message = "a key ID may have two secrets for rotation, and they must differ";
                (position, LineError::new(CredentialFileErrorKind::Duplicate, message))
            }
            // There is at least one key.
            error => (1, error.to_string().into()),
        };
        error.at_line(keys[position - 1].0)
    })
}

fn parse_key(line: &str) -> Result<(String, Zeroizing<Vec<u8>>), LineError> {
    let fields: Vec<_> = line.split([' ', '\t']).filter(|field| !field.is_empty()).collect();
    let expected = "expected a key ID, white space, `base64:` and a secret in base64; \
                    make the line by `cargo run --example credentials -- key ID`";
    let [key_id, secret] = fields[..] else { return Err(expected.into()) };
    let encoded = secret.strip_prefix("base64:").ok_or(expected)?;
    // Also wiped if a part can be decoded and the rest cannot.
    let mut secret = Zeroizing::new(Vec::new());
    STANDARD.decode_vec(encoded, &mut secret).map_err(|_| expected)?;
    Ok((key_id.to_owned(), secret))
}

impl HttpSignatureHandle {
    /// Reloads the file of [`HttpSignature::from_file`](crate::HttpSignature::from_file) now, and
    /// returns whether its content is new; without a file, it returns false. It blocks while it reads,
    /// for ten seconds at most.
    ///
    /// If the content is new, keys that were added through a handle are gone, and those that were
    /// revoked through one stay revoked. A file without a key revokes all of them.
    ///
    /// # Errors
    ///
    /// As for `from_file`. The previous keys stay active then.
    pub fn reload(&self) -> Result<bool, CredentialFileError> {
        self.file.as_ref().map_or(Ok(false), CredentialFile::reload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Mac;

    /// Secrets of 32 bytes, 32 others, 33 and 31.
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
    fn keys_of_a_missing_file_are_revoked_until_it_is_back() {
        let keys = Snapshot::new(Keys::empty());
        let text = format!("ci base64:{A}");
        let signature = Mac::new(&[0; 32]).with("base").finish();
        let signer = || {
            let keys = keys.load();
            let signer = keys.verify(keys.candidates("ci"), "base", &signature);
            signer.map(|key| key.grant.clone())
        };
        assert_eq!(apply(&keys, Some(&text)).unwrap(), 1);
        let grant = signer().unwrap();
        assert_eq!(apply(&keys, Some(&text)).unwrap(), 1);
        assert!(grant.is_active(), "the file has it still");
        assert_eq!(apply(&keys, None).unwrap(), 0);
        assert!(!grant.is_active() && signer().is_none());
        assert_eq!(apply(&keys, Some(&text)).unwrap(), 1);
        assert!(signer().is_some());
    }

    #[test]
    fn comments_blank_lines_and_white_space_are_skipped() {
        let text =
            format!("# keys\r\nci base64:{A}\r\n\r\n alice \t base64:{LONG} \nci base64:{B}");
        let keys = format!("{:?}", parse_keys(&text).unwrap());
        assert!(keys == r#"{"ci", "alice"}"# || keys == r#"{"alice", "ci"}"#, "{keys}");
    }

    #[test]
    fn malformed_lines_are_rejected_with_their_number() {
        let good = format!("# keys\nci base64:{A}\n\nci base64:{B}\nalice base64:{A}\n");
        assert!(parse_keys(&good).is_ok());
        let rotation = "a key ID may have two secrets for rotation, and they must differ";
        for (from, to, line, reason) in [
            ("alice", "ci", 5, rotation),
            (B, A, 4, rotation),
            (B, SHORT, 4, "the secret has 31 bytes, and must have 32 or more"),
            ("alice", "älice", 5, "the key ID must be at most 256 characters of printable ASCII"),
            ("alice", &"a".repeat(257), 5, "the key ID must be at most 256 characters"),
            ("alice ", "", 5, "expected a key ID"),
            ("alice", "al ice", 5, "expected a key ID"),
            ("alice base64:", "alice ", 5, "expected a key ID"),
            ("alice base64:", "alice hex:", 5, "expected a key ID"),
            ("alice base64:", "alice base64: ", 5, "expected a key ID"),
            ("alice base64:A", "alice base64:-", 5, "expected a key ID"),
            ("AA=\nalice", "AA\nalice", 4, "expected a key ID"),
            ("AA=\nalice", "AB=\nalice", 4, "expected a key ID"),
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
