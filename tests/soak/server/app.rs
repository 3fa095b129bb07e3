//! The app and its layer.

use std::convert::Infallible;
use std::error::Error;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::response::Sse;
use axum::response::sse::Event;
use axum::routing::{get, post};
use futures::{Stream, stream};
use mcp_auth_layer::layer::Resource;
use mcp_auth_layer::rate_limit::RateLimit;
use mcp_auth_layer::revocation::Revocations;
use mcp_auth_layer::schemes::HtpasswdFile;
use mcp_auth_layer::stores::{Connect, RedisStore, StoreKey};
use mcp_auth_layer::{Bearer, HttpSignature, Jwt, McpAuthLayer, Principal, any_of};

use super::admin::Handles;

pub const ISSUER: &str = "https://id.example.com";
const RESOURCE: &str = "https://mcp.example.com/mcp";
const KEY: [u8; 32] = *b"the key that all replicas share.";
/// How far clocks may differ; clients are on this machine.
const SKEW: Duration = Duration::from_secs(5);
/// How long Redis may take. It is on this machine, too, which may be busy.
const REDIS_TIMEOUT: Duration = Duration::from_secs(2);
/// The time between two events of a stream.
const PAUSE: Duration = Duration::from_secs(15);

/// Returns the app, and what changes its credentials.
pub async fn start(directory: &Path, redis: &str) -> Result<(Router, Handles), Box<dyn Error>> {
    let connect = || RedisStore::connect(redis, key()).skew(SKEW).timeout(REDIS_TIMEOUT);
    let store = connect().await?;
    let revocations = Revocations::start(store.clone(), key()).await?;
    let replica = replica(connect()).await?;

    let signatures = HttpSignature::from_file(directory.join("keys"))?.skew(SKEW);
    let tokens = Bearer::from_file(directory.join("tokens"))?;
    let resource = Resource::new(RESOURCE, ISSUER)?;
    let jwts = Jwt::with_key_file(ISSUER, &resource, directory.join("jwks"))?;
    let users = HtpasswdFile::open(directory.join("users"))?;
    let handles = Handles {
        signatures: signatures.handle(),
        tokens: tokens.handle(),
        jwts: jwts.handle(),
        users: users.handle(),
        own: revocations.clone(),
        replica,
    };

    let signatures = signatures.replay_store(store.clone());
    let layer = McpAuthLayer::new(any_of((signatures, tokens, jwts, users)))
        .rate_limit(RateLimit::default().shared_store(store, key()))
        .revocations(revocations);
    let app = Router::new().route("/mcp", post(whoami)).route("/events", get(events));
    Ok((layer.protect(app), handles))
}

fn key() -> StoreKey {
    StoreKey::from(KEY)
}

/// Returns the revocations of another replica, of which this one hears through Redis alone.
async fn replica(connect: Connect) -> Result<Revocations, Box<dyn Error>> {
    Ok(Revocations::start(connect.without_nonces().await?, key()).await?)
}

/// Returns the name of the principal.
async fn whoami(principal: Principal, _body: Bytes) -> String {
    principal.name().to_owned()
}

/// Sends an event at once, and more of them without end. Streams do not send theirs at the same time.
async fn events(principal: Principal) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    static STREAMS: AtomicU64 = AtomicU64::new(0);
    let millis = STREAMS.fetch_add(1, Relaxed).wrapping_mul(7919) % 15_000;
    let name = principal.name().to_owned();
    Sse::new(stream::unfold(0_u64, move |number| {
        let event = Event::default().id(number.to_string()).data(&name);
        async move {
            match number {
                0 => {}
                1 => tokio::time::sleep(Duration::from_millis(millis)).await,
                _ => tokio::time::sleep(PAUSE).await,
            }
            Some((Ok(event), number + 1))
        }
    }))
}
