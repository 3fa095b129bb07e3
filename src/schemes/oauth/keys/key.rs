//! One key of an issuer (RFC 7517 §4).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use crate::auth::Revocation;
use crate::crypto::sha256;
use crate::schemes::oauth::algorithm::{RSA, algorithm};

/// A public key that signs tokens.
pub(in crate::schemes::oauth) struct Key {
    pub(super) id: Option<String>,
    material: DecodingKey,
    algorithms: Vec<Algorithm>,
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
        let (material, fitting) = material(jwk)?;
        let algorithms: Vec<_> = match jwk.get("alg") {
            None => fitting,
            Some(Value::String(name)) => {
                let named = algorithm(name).ok_or("`alg` is not supported")?;
                fitting.into_iter().filter(|fitting| *fitting == named).collect()
            }
            Some(_) => return Err("`alg` is not a string"),
        };
        if algorithms.is_empty() {
            return Err("`alg` does not fit the type of the key");
        }
        let fingerprint = sha256(format!(
            "{:?}",
            (
                &id,
                &algorithms,
                jwk.get("kty"),
                jwk.get("crv"),
                jwk.get("n"),
                jwk.get("e"),
                jwk.get("x"),
                jwk.get("y")
            )
        ));
        Ok(Self { id, material, algorithms, fingerprint, revocation: Revocation::by_removal() })
    }

    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// Returns whether a signature of this algorithm is right.
    pub(in crate::schemes::oauth) fn verifies(
        &self,
        algorithm: Algorithm,
        signed: &[u8],
        signature: &Vec<u8>,
    ) -> bool {
        // A verifier cannot be kept: it is not `Sync`. Making one copies the key.
        self.fits(algorithm)
            && (DEFAULT_PROVIDER.verifier_factory)(&algorithm, &self.material)
                .is_ok_and(|verifier| verifier.verify(signed, signature).is_ok())
    }
}

/// Returns the key itself, and the algorithms for which its type is made.
fn material(jwk: &Map<String, Value>) -> Result<(DecodingKey, Vec<Algorithm>), &'static str> {
    const INVALID: &str = "the key is not valid";
    let text =
        |name: &str| jwk.get(name).and_then(Value::as_str).ok_or("a part of the key is missing");
    let key = match (text("kty")?, jwk.get("crv").and_then(Value::as_str)) {
        ("RSA", _) => {
            check_modulus(text("n")?)?;
            (DecodingKey::from_rsa_components(text("n")?, text("e")?), RSA.to_vec())
        }
        ("EC", Some("P-256")) => {
            check_length(text("x")?, 32).and(check_length(text("y")?, 32))?;
            (DecodingKey::from_ec_components(text("x")?, text("y")?), vec![Algorithm::ES256])
        }
        ("EC", Some("P-384")) => {
            check_length(text("x")?, 48).and(check_length(text("y")?, 48))?;
            (DecodingKey::from_ec_components(text("x")?, text("y")?), vec![Algorithm::ES384])
        }
        ("OKP", Some("Ed25519")) => {
            check_length(text("x")?, 32)?;
            (DecodingKey::from_ed_components(text("x")?), vec![Algorithm::EdDSA])
        }
        _ => return Err("the type or the curve of the key is not supported"),
    };
    Ok((key.0.map_err(|_| INVALID)?, key.1))
}

fn decode(part: &str) -> Result<Vec<u8>, &'static str> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| "a part of the key is not base64url")
}

/// RSA keys have 2048 to 8192 bits (RFC 7518 §3.3).
fn check_modulus(modulus: &str) -> Result<(), &'static str> {
    let bytes = decode(modulus)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let first = bytes.get(zeros).map_or(8, |byte| byte.leading_zeros() as usize);
    let bits = (bytes.len() - zeros) * 8 - if zeros < bytes.len() { first } else { 0 };
    if (2048..=8192).contains(&bits) { Ok(()) } else { Err("an RSA key has 2048 to 8192 bits") }
}

fn check_length(part: &str, length: usize) -> Result<(), &'static str> {
    if decode(part)?.len() == length {
        Ok(())
    } else {
        Err("a part of the key has the wrong length")
    }
}
