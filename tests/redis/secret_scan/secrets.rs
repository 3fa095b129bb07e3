//! Secrets, and the forms in which they could appear.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use http::Request;
use sha2::{Digest, Sha256};

/// What must not be seen, in every form in which it could be sent or stored.
#[derive(Default)]
pub struct Secrets(Vec<(String, Vec<u8>)>);

impl Secrets {
    /// Adds a secret: as it is, in base64 and in hex; and its digest, as what is short can be found from a digest
    /// without a key.
    pub fn add(&mut self, secret: &[u8]) {
        assert!(secret.len() >= 6, "too short, would be found by chance");
        let shown = String::from_utf8_lossy(secret).into_owned();
        for bytes in [secret.to_vec(), Sha256::digest(secret).to_vec()] {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let escaped: String = bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect(); // by `MONITOR`
            let texts = [
                STANDARD_NO_PAD.encode(&bytes),
                URL_SAFE_NO_PAD.encode(&bytes),
                hex.to_uppercase(),
                hex,
                escaped,
            ];
            self.0.extend(texts.map(|text| (shown.clone(), text.into_bytes())));
            self.0.push((shown.clone(), bytes));
        }
    }

    /// Adds the nonce and the signature of a request.
    pub fn add_parameters_of(&mut self, request: &Request<Vec<u8>>) {
        let field = |name| request.headers()[name].to_str().unwrap();
        let (_, nonce) = field("signature-input").split_once("nonce=\"").expect("a nonce");
        self.add(nonce.split('"').next().unwrap().as_bytes());
        self.add(field("signature").split(':').nth(1).unwrap().trim_end_matches('=').as_bytes());
    }

    pub fn assert_none_in(&self, seen: &str, text: &[u8]) {
        for (secret, form) in &self.0 {
            assert!(
                !contains(text, form),
                "{secret} is in the {seen}, as {:?}",
                String::from_utf8_lossy(form)
            );
        }
    }
}

pub fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[test]
#[should_panic(expected = "alice-of-accounting is in the text")]
fn a_name_in_base64_is_found() {
    let mut secrets = Secrets::default();
    secrets.add(b"alice-of-accounting");
    secrets.assert_none_in("text", b"GET YWxpY2Utb2YtYWNjb3VudGluZw==");
}

#[test]
#[should_panic(expected = "alice-of-accounting is in the text")]
fn a_digest_without_a_key_is_found() {
    let mut secrets = Secrets::default();
    secrets.add(b"alice-of-accounting");
    secrets.assert_none_in("text", &Sha256::digest("alice-of-accounting"));
}

#[test]
fn other_text_is_not_found() {
    let mut secrets = Secrets::default();
    secrets.add(b"alice-of-accounting");
    secrets.assert_none_in("text", b"GET alice-of-sales");
}
