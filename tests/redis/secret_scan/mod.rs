//! What Redis and the network see: no name, address, token, password, nonce or key. Three layers with everything that
//! replicas share are used; the traffic, the commands and the data of Redis are searched.

mod layers;
mod secrets;

use std::sync::{Arc, Mutex};

use redis::Client;
use tokio::task::JoinHandle;

use self::layers::{Replica, SECRETS, signed};
use self::secrets::Secrets;
use crate::support::{Proxy, RedisServer, eventually};
use futures::StreamExt;

/// Collects the commands that the server executes, as `MONITOR` shows them.
async fn monitor(server: &RedisServer) -> (Arc<Mutex<String>>, JoinHandle<()>) {
    let commands = Arc::new(Mutex::new(String::new()));
    let client = Client::open(server.url()).unwrap();
    let mut lines = client.get_async_monitor().await.unwrap().into_on_message::<String>();
    let collected = commands.clone();
    let task = tokio::spawn(async move {
        while let Some(line) = lines.next().await {
            let mut collected = collected.lock().unwrap();
            collected.push_str(&line);
            collected.push('\n');
        }
    });
    (commands, task)
}

#[tokio::test]
async fn redis_and_the_network_see_no_secret() {
    let server = RedisServer::start(&[("rdbcompression", "no")]).await;
    let proxy = Proxy::capturing(server.port()).await;
    let (commands, _task) = monitor(&server).await;
    let mut replicas = Vec::new();
    for _ in 0..3 {
        replicas.push(Replica::start(&proxy.url()).await);
    }
    let mut secrets = Secrets::default();
    SECRETS.iter().for_each(|secret| secrets.add(secret.as_bytes()));

    eventually("signed requests are served", async || replicas[0].send(signed()).await == 200)
        .await;
    for replica in &replicas {
        let request = signed();
        secrets.add_parameters_of(&request);
        assert_eq!(replica.send(request.clone()).await, 200);
        for other in &replicas {
            assert_eq!(other.send(request.clone()).await, 401);
        }
        replica.is_used_with_right_and_wrong_credentials().await;
    }
    replicas[1].revokes_everything().await;
    for replica in &replicas {
        replica.knows_the_revocations().await;
    }

    server.command::<()>(&["SAVE"]).await;
    let keys: Vec<Vec<u8>> = server.command(&["KEYS", "*"]).await;
    assert!(keys.len() > 10, "{}", keys.len());
    eventually("the last command was seen", async || commands.lock().unwrap().contains("KEYS"))
        .await;
    let commands = commands.lock().unwrap().clone().into_bytes();
    for (seen, text) in
        [("traffic", proxy.captured()), ("commands", commands), ("dump", server.dump())]
    {
        secrets.assert_none_in(seen, &text);
        // What is searched is what it should be.
        for part in ["{scan:0}", "{scan:t}", "{scan:r}"] {
            assert!(secrets::contains(&text, part.as_bytes()), "{part} is in the {seen}");
        }
    }
}
