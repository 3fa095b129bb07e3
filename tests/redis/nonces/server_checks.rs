//! Servers that cannot be relied on are refused, with a line that says what to change.

use mcp_auth_layer::stores::{
    NonceClaim, NonceStatus, RedisError, RedisStore, ReplayStore, StoreKey,
};
use tracing_subscriber::filter::LevelFilter;

use crate::process::{Answer, KEY, Process, SKEW, Signature};
use crate::support::{Log, PATIENCE, Proxy, RedisServer, eventually};

const EVICTING: [&str; 7] = [
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
];

#[tokio::test]
async fn servers_that_evict_keys_are_refused() {
    let server = RedisServer::start(&[("maxmemory", "100mb")]).await;
    assert!(Process::try_start(&server.url()).await.is_ok());
    for policy in EVICTING {
        server.set_config("maxmemory-policy", policy).await;
        let error = Process::try_start(&server.url()).await.unwrap_err();
        assert!(
            matches!(&error, RedisError::Evicts { policy: named, .. } if named == policy),
            "{error}"
        );
        assert!(error.to_string().contains("Set maxmemory-policy noeviction"), "{error}");
    }
    // Nothing is evicted without a limit.
    server.set_config("maxmemory", "0").await;
    assert!(Process::try_start(&server.url()).await.is_ok());
}

#[tokio::test]
async fn eviction_that_begins_later_is_noticed_within_ten_seconds() {
    let server = RedisServer::start(&[("maxmemory", "100mb")]).await;
    let process = Process::start(&server.url()).await;
    process.until_served().await;
    server.set_config("maxmemory-policy", "allkeys-lru").await;
    eventually("claims fail", async || {
        matches!(process.take(&Signature::new(0)).await, Answer::Failed(error) if error.contains("evicts"))
    })
    .await;
    server.set_config("maxmemory-policy", "noeviction").await;
    process.until_served().await;
}

/// A server that evicted nonces, and is too full for a new epoch: what it lost must not be served once it has room.
#[tokio::test]
async fn after_an_eviction_nothing_is_served_before_a_new_epoch() {
    let (log, _guard) = Log::start(LevelFilter::WARN);
    let server = RedisServer::start(&[]).await;
    let process = Process::start(&server.url()).await;
    process.until_served().await;
    let used: u64 = server.info_field("memory", "used_memory").await.parse().unwrap();
    server.set_config("maxmemory-policy", "volatile-ttl").await;
    server.set_config("maxmemory", &(used + 50_000).to_string()).await;
    while server.info_field("stats", "evicted_keys").await == "0" {
        let _ = process.take(&Signature::new(0)).await;
    }
    server.set_config("maxmemory-policy", "noeviction").await;
    server.set_config("maxmemory", "1").await;
    let has_failed = |line: &String| line.contains("cannot begin a new epoch");
    eventually("a new epoch fails", async || log.lines().iter().any(has_failed)).await;
    server.set_config("maxmemory", "0").await;
    let mut refused = 0;
    eventually("an epoch begins", async || {
        let answer = process.take(&Signature::new(0)).await;
        assert_ne!(answer, Answer::Served);
        refused += 1;
        matches!(answer, Answer::NotYet(_))
    })
    .await;
    assert!(refused > 1);
    process.until_served().await;
}

#[tokio::test]
async fn a_replica_is_refused_as_a_server() {
    let (master, replica) = tokio::join!(RedisServer::start(&[]), RedisServer::start(&[]));
    let process = Process::start(&replica.url()).await;
    process.until_served().await;
    replica.replica_of(&master).await;
    let error = Process::try_start(&replica.url()).await.unwrap_err();
    assert!(matches!(error, RedisError::Replica { .. }), "{error}");
    assert!(Process::try_start(&master.url()).await.is_ok());
    // One that becomes a replica while it is used serves nothing.
    eventually("the replica refuses claims", async || {
        match process.take(&Signature::new(0)).await {
            Answer::Served => panic!("a replica serves"),
            answer => {
                matches!(answer, Answer::Failed(error) if error.contains("read only replica"))
            }
        }
    })
    .await;
}

/// A server without `HELLO`, with which version 3 of the protocol begins, quotes what it was sent.
#[tokio::test]
async fn errors_of_another_protocol_have_no_password() {
    let server = RedisServer::start(&[("rename-command", r#"HELLO """#)]).await;
    for options in ["", "?protocol=resp3"] {
        let url = format!("redis://:hunter2@127.0.0.1:{}/{options}", server.port());
        let error = Process::try_start(&url).await.unwrap_err().to_string();
        assert!(error.contains("authentication failed") && !error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn an_old_server_is_refused() {
    let server = RedisServer::start(&[]).await;
    let version = server.info_field("server", "redis_version").await;
    let (mut old, mut oldest) = (version.clone(), version.clone());
    old.replace_range(..3, "6.0");
    oldest.replace_range(..3, "6.2");
    let as_if = async |shown: &str| {
        let proxy = Proxy::rewriting(
            server.port(),
            &format!("_version:{version}"),
            &format!("_version:{shown}"),
        )
        .await;
        Process::try_start(&proxy.url()).await
    };
    let error = as_if(&old).await.unwrap_err();
    assert!(matches!(&error, RedisError::TooOld { version, .. } if *version == old), "{error}");
    assert!(as_if(&oldest).await.is_ok());
}

/// A program that only revokes claims no nonce, by which it would see that its clock is wrong.
#[tokio::test]
async fn clocks_that_differ_are_logged_at_the_start() {
    let server = RedisServer::start(&[]).await;
    let (time, much_later) = ("server_time_usec:1", "server_time_usec:9");
    let wrong = Proxy::rewriting(server.port(), time, much_later).await;
    for (url, is_logged) in [(server.url(), false), (wrong.url(), true)] {
        let (log, _guard) = Log::start(LevelFilter::WARN);
        Process::options(&url, KEY, SKEW).without_nonces().await.unwrap();
        let lines = log.lines();
        let warned = lines.iter().any(|line| line.contains("of this process and of Redis differ"));
        assert_eq!(warned, is_logged, "{lines:?}");
    }
}

#[tokio::test]
async fn a_server_that_hides_its_history_is_refused() {
    let server = RedisServer::start(&[]).await;
    let id = server.info_field("replication", "master_replid").await;
    let proxy = Proxy::rewriting(server.port(), &id, &"0".repeat(40)).await;
    let error = Process::try_start(&proxy.url()).await.unwrap_err();
    assert!(matches!(error, RedisError::NoHistory { .. }), "{error}");
}

#[tokio::test]
async fn the_error_of_a_right_that_lacks_names_those_that_suffice() {
    let server = RedisServer::start(&[]).await;
    let create = ["ACL", "SETUSER", "app", "on", ">secret"];
    server.command::<()>(&[&create[..], &["~*", "+@all", "-info"]].concat()).await;
    let url = server.url().replace("redis://", "redis://app:secret@");
    let error = Process::try_start(&url).await.unwrap_err().to_string();
    assert!(error.contains("+info") && !error.contains("secret"), "{error}");
    let (_, rules) = error.split_once("ACL SETUSER … ").expect("the rules are named");
    let rules = rules.trim_end_matches(')').replace("PREFIX", "tests");
    let rules: Vec<_> = ["reset", "-@all"].into_iter().chain(rules.split(' ')).collect();
    server
        .command::<()>(&[&["ACL", "SETUSER", "app"], &rules[..], &["on", ">secret"]].concat())
        .await;
    let process = Process::start(&url).await;
    let signature = process.until_served().await;
    assert_eq!(Process::start(&url).await.take(&signature).await, Answer::Replayed);
    // The same user in another database.
    assert!(Process::try_start(&format!("{url}/1")).await.is_ok());
}

#[tokio::test]
async fn a_server_that_takes_no_writes_says_why() {
    let server = RedisServer::start(&[("min-replicas-to-write", "1")]).await;
    let error = Process::try_start(&server.url()).await.unwrap_err();
    assert!(matches!(error, RedisError::Unusable { .. }), "{error}");
    assert!(error.to_string().contains("Not enough good replicas"), "{error}");
}

#[tokio::test]
async fn a_user_without_a_right_that_the_script_needs_is_refused() {
    let server = RedisServer::start(&[]).await;
    let create = ["ACL", "SETUSER", "app", "on", ">secret", "~{tests*", "+@all"];
    for lacking in ["-time", "-get", "-set", "-eval", "-evalsha", "-info"] {
        server.command::<()>(&[&create[..], &[lacking]].concat()).await;
        let url = server.url().replace("redis://", "redis://app:secret@");
        // The epoch of the last round would hide that the script sets it.
        server.command::<()>(&["FLUSHALL"]).await;
        server.command::<()>(&["SCRIPT", "FLUSH"]).await;
        let error = Process::try_start(&url).await.unwrap_err();
        assert!(matches!(error, RedisError::Refused { .. }), "{lacking}: {error}");
    }
}

/// Services with different prefixes share a server, and not their clients.
#[tokio::test]
async fn prefixes_are_apart() {
    let server = RedisServer::start(&[]).await;
    let process = Process::start(&server.url()).await;
    let other = RedisStore::connect(server.url(), StoreKey::from(KEY))
        .key_prefix("other")
        .skew(SKEW)
        .timeout(PATIENCE)
        .await
        .unwrap();
    let signature = process.until_served().await;
    let Signature { nonce, created, expires } = &signature;
    let claim = NonceClaim::new("ci", nonce, *created, *expires, SKEW);
    assert_eq!(other.claim(&claim).await.unwrap(), NonceStatus::Fresh);
    assert!(
        RedisStore::connect(server.url(), StoreKey::from(KEY)).key_prefix("a}b").await.is_err()
    );
}
