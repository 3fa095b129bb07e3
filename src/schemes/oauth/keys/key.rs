//! One key of an issuer (RFC 7517 §4).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::auth::Revocation;
use crate::crypto::sha256;
use crate::schemes::oauth::algorithm::{Algorithm, algorithm};

/// A public key that signs tokens.
pub(in crate::schemes::oauth) struct Key {
    pub(super) id: Option<String>,
    /// Parsed once for each algorithm, which takes as long as an eighth of the verification.
    verifiers: Vec<(Algorithm, ParsedPublicKey)>,
    /// Of everything that decides about a signature.
    pub(super) fingerprint: [u8; 32],
    /// Happens when the issuer withdraws the key.
    pub(in crate::schemes::oauth) revocation: Revocation,
}

impl Key {
    /// Reads a key. Members that do not decide about signatures are not read.
    ///
    /// # Errors
    ///
    /// Why the key cannot be used.
    pub(super) fn parse(jwk: &Map<String, Value>) -> Result<Self, &'static str> {
        if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|name| jwk.contains_key(*name))
        {
            return Err("a private or symmetric key");
        }
        match jwk.get("use") {
            None => {}
            Some(Value::String(usage)) if usage == "sig" => {}
            Some(_) => return Err("`use` is not `sig`"),
        }
        match jwk.get("key_ops") {
            None => {}
            Some(Value::Array(operations)) if operations.iter().any(|op| op == "verify") => {}
            Some(_) => return Err("`key_ops` has no `verify`"),
        }
        let id = match jwk.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err("`kid` is not a string"),
        };
        let named = match jwk.get("alg") {
            None => None,
            Some(Value::String(name)) => Some(algorithm(name).ok_or("`alg` is not supported")?),
            Some(_) => return Err("`alg` is not a string"),
        };
        let mut verifiers = verifiers(jwk)?;
        verifiers.retain(|(fitting, _)| named.is_none_or(|named| named == *fitting));
        if verifiers.is_empty() {
            return Err("`alg` does not fit the type of the key");
        }
        let fingerprint = sha256(format!(
            "{:?}",
            (
                &id,
                named,
                jwk.get("kty"),
                jwk.get("crv"),
                jwk.get("n"),
                jwk.get("e"),
                jwk.get("x"),
                jwk.get("y")
            )
        ));
        Ok(Self { id, verifiers, fingerprint, revocation: Revocation::by_removal() })
    }

    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        self.verifiers.iter().any(|(fitting, _)| *fitting == algorithm)
    }

    /// Returns whether a signature of this algorithm is right.
    pub(in crate::schemes::oauth) fn verifies(
        &self,
        algorithm: Algorithm,
        signed: &[u8],
        signature: &[u8],
    ) -> bool {
        let mut fitting = self.verifiers.iter().filter(|(fitting, _)| *fitting == algorithm);
        fitting.any(|(_, key)| key.verify_sig(signed, signature).is_ok())
    }
}

/// Returns the key for each algorithm for which its type is made.
fn verifiers(jwk: &Map<String, Value>) -> Result<Vec<(Algorithm, ParsedPublicKey)>, &'static str> {
    const INVALID: &str = "the key is not valid";
    let text =
        |name: &str| jwk.get(name).and_then(Value::as_str).ok_or("a part of the key is missing");
    let part = |name| text(name).and_then(decode);
    let one = |algorithm, verification, key: &[u8]| {
        let key = ParsedPublicKey::new(verification, key).map_err(|_| INVALID)?;
        Ok(vec![(algorithm, key)])
    };
    match (text("kty")?, jwk.get("crv").and_then(Value::as_str)) {
        ("RSA", _) => {
            let key = RsaPublicKeyComponents { n: part("n")?, e: part("e")? };
            check_modulus(&key.n)?;
            let parsed = |(algorithm, parameters)| {
                let key = key.to_parsed_public_key(parameters).map_err(|_| INVALID)?;
                Ok((algorithm, key))
            };
            RSA.into_iter().map(parsed).collect()
        }
        ("EC", Some("P-256")) => {
            let key = point(&part("x")?, &part("y")?, 32)?;
            one(Algorithm::ES256, &ECDSA_P256_SHA256_FIXED, &key)
        }
        ("EC", Some("P-384")) => {
            let key = point(&part("x")?, &part("y")?, 48)?;
            one(Algorithm::ES384, &ECDSA_P384_SHA384_FIXED, &key)
        }
        ("OKP", Some("Ed25519")) => one(Algorithm::EdDSA, &ED25519, &part("x")?),
        _ => Err("the type or the curve of the key is not supported"),
    }
}

/// The algorithms of RSA keys.
const RSA: [(Algorithm, &RsaParameters); 6] = [
    (Algorithm::RS256, &RSA_PKCS1_2048_8192_SHA256),
    (Algorithm::RS384, &RSA_PKCS1_2048_8192_SHA384),
    (Algorithm::RS512, &RSA_PKCS1_2048_8192_SHA512),
    (Algorithm::PS256, &RSA_PSS_2048_8192_SHA256),
    (Algorithm::PS384, &RSA_PSS_2048_8192_SHA384),
    (Algorithm::PS512, &RSA_PSS_2048_8192_SHA512),
];

/// Returns a point that is not compressed (SEC 1 §2.3.3).
fn point(x: &[u8], y: &[u8], length: usize) -> Result<Vec<u8>, &'static str> {
    if x.len() == length && y.len() == length {
        Ok([&[4], x, y].concat())
    } else {
        Err("a part of the key has the wrong length")
    }
}

fn decode(part: &str) -> Result<Vec<u8>, &'static str> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| "a part of the key is not base64url")
}

/// RSA keys have 2048 to 8192 bits (RFC 7518 §3.3).
fn check_modulus(bytes: &[u8]) -> Result<(), &'static str> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let first = bytes.get(zeros).map_or(8, |byte| byte.leading_zeros() as usize);
    let bits = (bytes.len() - zeros) * 8 - if zeros < bytes.len() { first } else { 0 };
    if (2048..=8192).contains(&bits) { Ok(()) } else { Err("an RSA key has 2048 to 8192 bits") }
}
