//! Tests of revocations without a layer.

mod credentials;
mod outages;
mod reader;
mod store;

use std::time::{Duration, SystemTime};

use self::store::FaultyStore;
use super::{Credential, Revocations, TokenIds};
use crate::auth::{Principal, Revocation};
use crate::stores::{RevocationStore, StoreKey};

const KEY: [u8; 32] = [7; 32];
const ISSUER: &str = "https://id.example.com";

async fn start(store: impl RevocationStore) -> Revocations {
    Revocations::start(store, StoreKey::from(KEY)).await.expect("the log is read")
}

/// What ends the streams of a credential without claims.
fn watch(revocations: &Revocations, principal: &Principal, token: Option<&str>) -> Revocation {
    let token = token.map(str::as_bytes);
    revocations.watch(&Credential { principal, token, claims: None }, || None)
}

/// What ends the streams of a principal that has no token.
fn watch_name(revocations: &Revocations, name: &str) -> Revocation {
    watch(revocations, &Principal::new(name), None)
}

/// An access token of the issuer.
#[derive(Clone, Copy)]
struct AccessToken {
    token: &'static str,
    claims: &'static str,
    subject: &'static str,
    id: Option<&'static str>,
    issued_at: Option<SystemTime>,
}

impl AccessToken {
    const fn new(claims: &'static str) -> Self {
        Self {
            token: "header.payload.signature",
            claims,
            subject: "alice",
            id: None,
            issued_at: None,
        }
    }

    fn watch(self, revocations: &Revocations) -> Revocation {
        let principal = Principal::new(self.subject).issued_by(ISSUER);
        let (token, claims) = (Some(self.token.as_bytes()), Some(self.claims.as_bytes()));
        let credential = Credential { principal: &principal, token, claims };
        let Self { subject, id, issued_at, .. } = self;
        revocations.watch(&credential, || Some(TokenIds { issuer: ISSUER, subject, id, issued_at }))
    }
}

/// Waits until a revocation has happened.
async fn happens(revocation: &Revocation) {
    until(|| revocation.is_revoked()).await;
}

/// Repeats a check until it is true.
async fn until(mut is_true: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while !is_true() {
        assert!(tokio::time::Instant::now() < deadline, "it does not become true");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
