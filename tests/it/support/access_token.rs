//! Access tokens for the tests, signed as RFC 7515 says: JSON by hand, base64url, and `aws-lc-rs`. Nothing of
//! the library is used.

use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING,
    ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaKeyPair,
    RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub const ISSUER: &str = "https://id.example.com";
pub const RESOURCE: &str = "https://mcp.example.com/mcp";

pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A private key.
pub enum SigningKey {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl SigningKey {
    pub fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub fn p256() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub fn p384() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap())
    }

    pub fn ed25519() -> Self {
        Self::Ed(Ed25519KeyPair::generate().unwrap())
    }

    /// The signature of these bytes with an algorithm that fits the key.
    pub fn sign(&self, alg: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let encoding: &'static dyn aws_lc_rs::signature::RsaEncoding = match alg {
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(encoding, &random, message, &mut signature).unwrap();
                signature
            }
            Self::Ec(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed(key) => key.sign(message).as_ref().to_vec(),
        }
    }

    /// The same key, whose signatures are in the DER form, which JWS does not have.
    pub fn in_der(&self) -> Self {
        let Self::Ec(key) = self else { panic!("a key of P-256") };
        let document = key.to_pkcs8v1().unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref());
        Self::Ec(key.unwrap())
    }

    /// The public key as a JWK with this key ID.
    pub fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Rsa(key) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
                json!({"kty": "RSA", "kid": kid, "n": base64url(public.n), "e": base64url(public.e)})
            }
            Self::Ec(key) => {
                let (x, y) =
                    key.public_key().as_ref()[1..].split_at(key.public_key().as_ref().len() / 2);
                let crv = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": crv, "kid": kid, "x": base64url(x), "y": base64url(y)})
            }
            Self::Ed(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": base64url(key.public_key())})
            }
        }
    }

    /// A token of these parts, exactly as they are.
    pub fn token(&self, alg: &str, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", base64url(header), base64url(payload));
        format!("{signed}.{}", base64url(self.sign(alg, signed.as_bytes())))
    }
}

/// The key `k1` of the issuer, and a key that it does not have.
pub static K1: LazyLock<SigningKey> = LazyLock::new(SigningKey::rsa);
pub static OTHER: LazyLock<SigningKey> = LazyLock::new(SigningKey::rsa);
pub static EC: LazyLock<SigningKey> = LazyLock::new(SigningKey::p256);
pub static EC384: LazyLock<SigningKey> = LazyLock::new(SigningKey::p384);
pub static ED: LazyLock<SigningKey> = LazyLock::new(SigningKey::ed25519);

/// A JWK set of these keys.
pub fn jwks(keys: impl IntoIterator<Item = Value>) -> String {
    json!({"keys": keys.into_iter().collect::<Vec<_>>()}).to_string()
}

/// The keys `k1` (RSA), `ec`, `ec384` and `ed` of the issuer.
pub fn issuer_keys() -> String {
    jwks([K1.jwk("k1"), EC.jwk("ec"), EC384.jwk("ec384"), ED.jwk("ed")])
}

pub fn header() -> Value {
    json!({"alg": "RS256", "kid": "k1", "typ": "at+jwt"})
}

pub fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": RESOURCE, "sub": "alice", "client_id": "cli",
        "scope": "tools:read", "iat": now(), "exp": now() + 300, "jti": "t-1",
    })
}

/// A token of `k1` with this header and these claims.
pub fn signed(header: &Value, claims: &Value) -> String {
    let alg = header["alg"].as_str().unwrap_or("RS256");
    K1.token(alg, &header.to_string(), &claims.to_string())
}

/// A good token.
pub fn good() -> String {
    signed(&header(), &claims())
}

/// A good token, but for the claims that `edit` changes.
pub fn with_claims(edit: impl FnOnce(&mut Value)) -> String {
    let mut claims = claims();
    edit(&mut claims);
    signed(&header(), &claims)
}

/// A good token, but for what `edit` changes in its header.
pub fn with_header(edit: impl FnOnce(&mut Value)) -> String {
    let mut header = header();
    edit(&mut header);
    signed(&header, &claims())
}
