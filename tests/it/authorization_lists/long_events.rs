//! Long events: what is no list passes as it comes, whatever its length is, and what is held has a limit.

use tracing_subscriber::filter::LevelFilter;

use super::{Client, End, LegacyServer, element, layer, open, policy};
use crate::support::log::Log;

const MIB: usize = 1024 * 1024;

/// Returns what has come, without the text of a long result.
async fn come(client: &mut Client) -> usize {
    client.text().await.len()
}

#[tokio::test]
async fn a_result_of_30_mib_passes_as_it_comes() {
    let server = LegacyServer::new("/messages/?session_id=6f1c");
    let app = server.behind(layer(policy()));
    let (mut client, _) = open(&app, "ci").await;
    server.send("data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n");
    assert_ne!(come(&mut client).await, 0);
    let start =
        "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"content\":[{\"text\":\"";
    server.send(start);
    assert_eq!(client.text().await, start);
    let text = "tools\\\": [".repeat(MIB / 10);
    for _ in 0..30 {
        server.send(&*text);
        assert_eq!(come(&mut client).await, text.len(), "nothing is held");
    }
    server.send("\"}]}}\n\n");
    assert_eq!(client.text().await, "\"}]}}\n\n");
}

/// It is not known of a list whether the client is shown any of it before all of it was read.
#[tokio::test]
async fn a_list_is_held_until_its_end() {
    let server = LegacyServer::new("/messages/?session_id=6f1c");
    let app = server.behind(layer(policy()));
    let (mut client, _) = open(&app, "ci").await;
    let elements = |name: &str| vec![element("name", name); 10_000].join(",");
    server.send("data: {\"id\":1,\"result\":{\"tools\":[");
    for part in [elements("search"), elements("delete")] {
        server.send(part + ",");
        assert_eq!(come(&mut client).await, 0);
    }
    server.send("{\"name\":\"search\"}]}}\n");
    assert_eq!(come(&mut client).await, 0);
    server.send("\n");
    let text = client.text().await;
    assert_eq!(text.matches("search").count(), 10_001);
    assert!(!text.contains("delete"));
}

#[tokio::test]
async fn a_list_beyond_the_limit_ends_the_stream() {
    for (limit, is_within) in [(400_000, false), (500_000, true)] {
        let server = LegacyServer::new("/messages/?session_id=6f1c");
        let app = server.behind(layer(policy()).list_limit(limit));
        let (mut client, _) = open(&app, "ci").await;
        let list = format!("data: {{\"id\":1,\"result\":{{\"tools\":[{}", " ".repeat(410_000));
        server.send(list + "]}}\n\n");
        let (text, end) = client.read().await;
        assert_eq!(
            (text.is_empty(), end),
            if is_within { (false, End::Open) } else { (true, End::Failed) }
        );
    }
}

/// It could be a list after all.
#[tokio::test]
async fn an_event_that_stays_undecided_for_64_kib_is_held_like_a_list() {
    let event = |meta: usize, member: &str| {
        let meta = "x".repeat(meta);
        format!(
            "data: {{\"id\":1,\"result\":{{\"_meta\":\"{meta}\",\"{member}\":[{{\"name\":\"delete\"}}]}}}}\n\n"
        )
    };
    for (text, is_held) in [
        (event(70 * 1024, "content"), true),
        (event(70 * 1024, "tools"), true),
        (event(60 * 1024, "content"), false),
        (event(70 * 1024, "content").replace("\"id\":1", "\"method\":\"x\""), false),
    ] {
        let server = LegacyServer::new("/messages/?session_id=6f1c");
        let app = server.behind(layer(policy()));
        let (mut client, _) = open(&app, "ci").await;
        server.send(&*text);
        let filtered = text.replace("\"tools\":[{\"name\":\"delete\"}]", "\"tools\":[]");
        assert_eq!(client.text().await, filtered);

        let (log, _guard) = Log::start(LevelFilter::ERROR);
        let app = server.behind(layer(policy()).list_limit(65 * 1024));
        let (mut client, _) = open(&app, "ci").await;
        // What came before is sent.
        server.send(format!(": before\n{text}"));
        let (out, end) = client.read().await;
        let lines = log.lines();
        if is_held {
            assert_eq!((&*out, end), (": before\n", End::Failed));
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(lines[0].contains("longer than the limit of lists"), "{lines:?}");
        } else {
            assert_eq!((out, end), (format!(": before\n{filtered}"), End::Open));
            assert_eq!(lines, [""; 0]);
        }
    }
}
