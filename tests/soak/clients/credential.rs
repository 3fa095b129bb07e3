//! Clients, and their credentials: made as RFC 7617, 6750, 9421 and 7519 say, without the library.

use std::net::Ipv4Addr;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use soak_rules::Scheme;

use super::access_token::{ISSUER, RESOURCE, SigningKey, base64url, now};

/// A cost that is quick: the soak is about many requests, not about hashing.
const BCRYPT_COST: u32 = 4;
/// How long access tokens are valid, in seconds: longer than any run.
const LIFETIME: u64 = 12 * 3600;

/// The ID of the issuer's key that stays.
pub const STEADY: &str = "steady";

/// A client: its address, and what it presents.
#[derive(Clone)]
pub struct Client {
    pub address: Ipv4Addr,
    /// The name of the principal.
    pub name: String,
    pub credential: Credential,
}

#[derive(Clone)]
pub enum Credential {
    Password(String),
    Token(String),
    /// The secret of the key whose ID is the name.
    Key([u8; 32]),
    Jwt {
        token: String,
        id: String,
    },
}

impl Client {
    /// Makes a client of this scheme. Access tokens are signed with the issuer's key of this ID.
    pub fn new(scheme: Scheme, name: String, address: Ipv4Addr, issuer: &IssuerKey) -> Self {
        let random = random();
        let credential = match scheme {
            Scheme::Password => Credential::Password(base64url(random)),
            Scheme::Token => Credential::Token(base64url(random)),
            Scheme::Signature => Credential::Key(random),
            Scheme::None => unreachable!("every client has a credential"),
            Scheme::Jwt => {
                let id = base64url(random);
                Credential::Jwt { token: issuer.token(claims(&name, &id)), id }
            }
        };
        Self { address, name, credential }
    }

    pub fn scheme(&self) -> Scheme {
        match self.credential {
            Credential::Password(_) => Scheme::Password,
            Credential::Token(_) => Scheme::Token,
            Credential::Key(_) => Scheme::Signature,
            Credential::Jwt { .. } => Scheme::Jwt,
        }
    }

    /// Returns the line of the credential file; access tokens have none.
    pub fn line(&self) -> Option<String> {
        let name = &self.name;
        match &self.credential {
            Credential::Password(password) => {
                let hash = bcrypt::hash(password, BCRYPT_COST).expect("the cost is allowed");
                Some(format!("{name}:{hash}\n"))
            }
            Credential::Token(token) => {
                let digest: String =
                    Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect();
                Some(format!("{name} sha256:{digest}\n"))
            }
            Credential::Key(secret) => Some(format!("{name} base64:{}\n", STANDARD.encode(secret))),
            Credential::Jwt { .. } => None,
        }
    }

    /// Returns the value of `Authorization`; signed requests have none.
    pub fn authorization(&self) -> Option<String> {
        match &self.credential {
            Credential::Password(password) => Some(basic(&self.name, password)),
            Credential::Token(token) | Credential::Jwt { token, .. } => {
                Some(format!("Bearer {token}"))
            }
            Credential::Key(_) => None,
        }
    }
}

/// Returns `Basic` credentials.
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// Returns the claims of a good access token.
pub fn claims(subject: &str, id: &str) -> Value {
    json!({
        "iss": ISSUER, "aud": RESOURCE, "sub": subject, "client_id": "soak",
        "iat": now(), "exp": now() + LIFETIME, "jti": id,
    })
}

/// A key of the issuer.
pub struct IssuerKey {
    id: String,
    key: SigningKey,
}

impl IssuerKey {
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), key: SigningKey::ed25519() }
    }

    /// Returns an access token with these claims.
    pub fn token(&self, claims: Value) -> String {
        let header = json!({ "alg": "EdDSA", "kid": self.id, "typ": "at+jwt" });
        self.key.token("EdDSA", &header.to_string(), &claims.to_string())
    }

    pub fn jwk(&self) -> Value {
        self.key.jwk(&self.id)
    }
}

/// Returns 32 random bytes.
pub fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).expect("there are random bytes");
    bytes
}

/// Addresses of loopback, one after the other.
pub struct Addresses {
    network: u8,
    next: AtomicU32,
}

impl Addresses {
    /// Those in 127.`network`.0.0/16. They begin again after 62,500.
    pub const fn of(network: u8) -> Self {
        Self { network, next: AtomicU32::new(0) }
    }

    pub fn next(&self) -> Ipv4Addr {
        let number = self.next.fetch_add(1, Relaxed) % 62_500;
        let byte = |number| u8::try_from(number).expect("below 251");
        Ipv4Addr::new(127, self.network, byte(number / 250), byte(1 + number % 250))
    }
}
