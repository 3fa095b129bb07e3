//! Access tokens and the keys that verify them, for the benchmarks of OAuth.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;

pub const ISSUER: &str = "https://id.example.com";
pub const AUDIENCE: &str = "https://mcp.example.com/mcp";

/// A key of the authorization server.
pub enum SigningKey {
    Rs256(Box<RsaKeyPair>),
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl SigningKey {
    pub fn rs256() -> Self {
        Self::Rs256(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")))
    }

    pub fn es256() -> Self {
        Self::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    pub fn eddsa() -> Self {
        Self::EdDsa(Ed25519KeyPair::generate().expect("a key"))
    }

    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Rs256(_) => "RS256",
            Self::Es256(_) => "ES256",
            Self::EdDsa(_) => "EdDSA",
        }
    }

    /// Returns the members of the public key's JWK, as names and values.
    pub fn public(&self) -> Vec<(&'static str, String)> {
        let text = |part: &str| part.to_owned();
        match self {
            Self::Rs256(key) => {
                // A sequence of two integers in DER: the modulus has 257 bytes, of which the first is zero.
                let der = key.public_key().as_ref();
                let (modulus, exponent) = (&der[9..265], &der[267..]);
                let [n, e] = [modulus, exponent].map(|part| BASE64.encode(part));
                vec![("kty", text("RSA")), ("n", n), ("e", e)]
            }
            Self::Es256(key) => {
                let point = key.public_key().as_ref();
                let [x, y] = [&point[1..33], &point[33..]].map(|part| BASE64.encode(part));
                vec![("kty", text("EC")), ("crv", text("P-256")), ("x", x), ("y", y)]
            }
            Self::EdDsa(key) => {
                let x = BASE64.encode(key.public_key());
                vec![("kty", text("OKP")), ("crv", text("Ed25519")), ("x", x)]
            }
        }
    }

    /// Returns the set of this key.
    pub fn jwks(&self) -> String {
        let fixed = [("kid", "k1"), ("use", "sig"), ("alg", self.algorithm())];
        let fixed = fixed.map(|(name, value)| (name, value.to_owned()));
        let member = |(name, value): (&str, String)| format!(r#""{name}":"{value}""#);
        let members: Vec<_> = self.public().into_iter().chain(fixed).map(member).collect();
        format!(r#"{{"keys":[{{{}}}]}}"#, members.join(","))
    }

    /// Returns a token such as authorization servers issue it, valid for an hour.
    pub fn token(&self, subject: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let algorithm = self.algorithm();
        let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"k1"}}"#);
        let payload = format!(
            r#"{{"jti":"Yb0uGzYqO2HkZ3oJm4yqT","sub":"{subject}","iat":{now},"exp":{},"scope":"tools:read tools:write","client_id":"f3a1c9d2","iss":"{ISSUER}","aud":"{AUDIENCE}"}}"#,
            now + 3600
        );
        let input = format!("{}.{}", BASE64.encode(header), BASE64.encode(payload));
        let signature = BASE64.encode(self.sign(input.as_bytes()));
        format!("{input}.{signature}")
    }

    fn sign(&self, input: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, input, &mut signature).expect("it signs");
                signature
            }
            Self::Es256(key) => key.sign(&random, input).expect("it signs").as_ref().to_vec(),
            Self::EdDsa(key) => key.sign(input).as_ref().to_vec(),
        }
    }
}
