//! A replica with everything that replicas share, and requests to it.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, Response};
use mcp_auth_layer::auth::{AuthenticatorExt, BoxAuthenticator};
use mcp_auth_layer::layer::SessionKey;
use mcp_auth_layer::rate_limit::{ClientIp, RateLimit};
use mcp_auth_layer::revocation::{RevocationOptions, Revocations};
use mcp_auth_layer::schemes::Signer;
use mcp_auth_layer::stores::{RedisStore, StoreKey};
use mcp_auth_layer::{Basic, Bearer, HttpSignature, McpAuthLayer, Principal, any_of};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::eventually;

const SKEW: Duration = Duration::from_secs(1);
const KEY_ID: &str = "signer-of-builds";
const SIGNING_KEY: [u8; 32] = *b"a signer's 32 bytes, kept secret";
const STORE_KEY: [u8; 32] = *b"the key that all these replicas.";
const OWNER: &str = "owner-of-a-token";
const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7Xw";
const OTHER_TOKEN: &str = "Zb9tQ0sJw2uLx4hVn6pRaA";
const WRONG_TOKEN: &str = "Hk7yGd1oTf8eMi5zCs3jUQ";
const USER: &str = "alice-of-accounting";
const PASSWORD: &str = "correct-horse-battery";
const WRONG_PASSWORD: &str = "corect-hors-batery";
const UNKNOWN_USER: &str = "mallory-from-outside";
const ISSUER: &str = "https://id.example.com/tenant-7";
const SUBJECT: &str = "subject-4711-of-the-issuer";
const JTI: &str = "token-id-0815-of-the-issuer";
const ADDRESS: &str = "2001:db8:77:99::4711";

/// What must not be seen.
pub const SECRETS: [&str; 16] = [
    KEY_ID,
    "a signer's 32 bytes, kept secret",
    "the key that all these replicas.",
    OWNER,
    TOKEN,
    OTHER_TOKEN,
    WRONG_TOKEN,
    USER,
    PASSWORD,
    WRONG_PASSWORD,
    UNKNOWN_USER,
    ISSUER,
    SUBJECT,
    JTI,
    ADDRESS,
    // The network of the address, as bytes are shown.
    "20010db800770099",
];

/// One replica.
pub struct Replica {
    layer: McpAuthLayer<BoxAuthenticator>,
    revocations: Revocations,
}

/// Signs a request.
pub fn signed() -> Request<Vec<u8>> {
    let mut request = request("");
    request.headers_mut().remove("authorization");
    Signer::new(KEY_ID, SIGNING_KEY).unwrap().sign(&mut request).unwrap();
    request
}

fn request(authorization: &str) -> Request<Vec<u8>> {
    let request = Request::get("http://localhost/mcp").header("host", "localhost");
    request.header("authorization", authorization).body(Vec::new()).unwrap()
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

impl Replica {
    pub async fn start(url: &str) -> Self {
        let key = StoreKey::from(STORE_KEY);
        let connect = RedisStore::connect(url, key.clone()).key_prefix("scan").skew(SKEW);
        let redis = connect.timeout(Duration::from_secs(3)).await.unwrap();
        let revocations = RevocationOptions::new().start(redis.clone(), key.clone()).await.unwrap();
        let signatures = HttpSignature::new([(KEY_ID, SIGNING_KEY)])
            .unwrap()
            .skew(SKEW)
            .replay_store(redis.clone());
        let tokens = Bearer::new([(OWNER, TOKEN), ("another-owner", OTHER_TOKEN)]).unwrap();
        let users = Basic::new([(USER, PASSWORD)]).unwrap();
        let client = ClientIp::from_fn(|_| ADDRESS.parse().ok());
        let layer = McpAuthLayer::new(any_of((signatures, tokens, users)).boxed())
            .session_key(SessionKey::from(STORE_KEY))
            .rate_limit(RateLimit::by(client).shared_store(redis, key))
            .revocations(revocations.clone());
        Self { layer, revocations }
    }

    pub async fn send(&self, request: Request<Vec<u8>>) -> u16 {
        let served = service_fn(async |_| Ok::<_, Infallible>(Response::new(Body::empty())));
        let service = self.layer.layer(served);
        service.oneshot(request.map(Body::from)).await.unwrap().status().as_u16()
    }

    pub async fn is_used_with_right_and_wrong_credentials(&self) {
        for right in
            [format!("Bearer {TOKEN}"), format!("Bearer {OTHER_TOKEN}"), basic(USER, PASSWORD)]
        {
            assert_eq!(self.send(request(&right)).await, 200);
        }
        for wrong in [
            format!("Bearer {WRONG_TOKEN}"),
            basic(USER, WRONG_PASSWORD),
            basic(UNKNOWN_USER, WRONG_PASSWORD),
        ] {
            let status = self.send(request(&wrong)).await;
            assert!([401, 429].contains(&status), "{status}");
        }
    }

    pub async fn revokes_everything(&self) {
        self.revocations.revoke_token(TOKEN).await.unwrap();
        self.revocations.revoke_principal(&Principal::new(USER)).await.unwrap();
        self.revocations.revoke_subject(ISSUER, SUBJECT).await.unwrap();
        self.revocations.revoke_jti(ISSUER, JTI).await.unwrap();
    }

    pub async fn knows_the_revocations(&self) {
        for revoked in [format!("Bearer {TOKEN}"), basic(USER, PASSWORD)] {
            eventually("the credential is revoked", async || {
                self.send(request(&revoked)).await == 401
            })
            .await;
        }
        assert_eq!(self.send(request(&format!("Bearer {OTHER_TOKEN}"))).await, 200);
    }
}
