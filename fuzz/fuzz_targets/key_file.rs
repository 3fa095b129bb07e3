//! A key file is accepted if a plain reading of its lines is, and then the secrets that this reading finds sign for their
//! key ID, and others do not.

#![no_main]

use std::collections::HashMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Request;
use libfuzzer_sys::fuzz_target;
use mcp_auth_layer::credentials::CredentialFileErrorKind;
use mcp_auth_layer::schemes::Signer;
use mcp_auth_layer::{Authenticator, HttpSignature};
use mcp_auth_layer_fuzz::lines::{fields, lines};
use mcp_auth_layer_fuzz::runtime::block_on;
use mcp_auth_layer_fuzz::structured_fields::base64;
use mcp_auth_layer_fuzz::temporary_file::TemporaryFile;
use sha2::{Digest, Sha256};

thread_local! {
    static FILE: TemporaryFile = TemporaryFile::new();
}

fuzz_target!(|data: &[u8]| {
    let shown = data.escape_ascii();
    let keys = keys(data);
    let signatures = match FILE.with(|file| HttpSignature::from_file(file.write(data))) {
        Ok(signatures) => signatures,
        Err(error) => {
            assert_ne!(error.kind(), CredentialFileErrorKind::Internal, "{shown}");
            assert_ne!(error.kind(), CredentialFileErrorKind::Io, "{error}");
            assert!(keys.is_none_or(|keys| keys.is_empty()), "{error}: {shown}");
            return;
        }
    };
    let keys = keys.unwrap_or_else(|| panic!("it is accepted: {shown}"));
    assert!(!keys.is_empty());
    for (key_id, secrets) in keys.iter().take(4) {
        for secret in secrets {
            assert_eq!(signer(&signatures, key_id, secret).as_ref(), Some(key_id), "{shown}");
            let mut other = secret.clone();
            other[0] ^= 1;
            let is_other = secrets.iter().all(|secret| hmac_key(secret) != hmac_key(&other));
            assert!(!is_other || signer(&signatures, key_id, &other).is_none(), "{shown}");
        }
    }
});

/// Returns the principal of a request that is signed with this key.
fn signer(signatures: &HttpSignature, key_id: &str, secret: &[u8]) -> Option<String> {
    let mut request = Request::get("http://localhost/mcp").body("").unwrap();
    Signer::new(key_id, secret).unwrap().sign(&mut request).unwrap();
    let (head, _) = request.into_parts();
    let authenticated = block_on(signatures.authenticate(&head)).ok()?;
    Some(authenticated.principal().name().to_owned())
}

/// Returns the secrets of each key ID; `None` if a line is invalid.
fn keys(content: &[u8]) -> Option<HashMap<String, Vec<Vec<u8>>>> {
    let mut keys: HashMap<String, Vec<Vec<u8>>> = HashMap::new();
    for line in lines(content)? {
        let [key_id, secret] = fields(line)[..] else { return None };
        let encoded = secret.strip_prefix("base64:")?;
        let secret = base64(encoded.as_bytes())?;
        let is_valid = BASE64_STANDARD.encode(&secret) == encoded
            && secret.len() >= 32
            && key_id.len() <= 256
            && key_id.bytes().all(|byte| byte.is_ascii_graphic());
        let known = keys.entry(key_id.to_owned()).or_default();
        let is_known = known.iter().any(|known| hmac_key(known) == hmac_key(&secret));
        if !is_valid || known.len() == 2 || is_known {
            return None;
        }
        known.push(secret);
    }
    Some(keys)
}

/// Returns the key of HMAC-SHA-256 that a secret is (RFC 2104 §2): as long as a block, to which zeros are appended.
fn hmac_key(secret: &[u8]) -> [u8; 64] {
    let mut key = [0; 64];
    if secret.len() > 64 {
        key[..32].copy_from_slice(&Sha256::digest(secret));
    } else {
        key[..secret.len()].copy_from_slice(secret);
    }
    key
}
