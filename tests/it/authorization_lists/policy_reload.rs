//! A policy file that changes while a stream is open: the next event is filtered by the new policy.

use mcp_auth_layer::policy::PolicyFile;

use super::{LegacyServer, TOOLS_LIST, call, layer, open, post, tools_answer};
use crate::support::credential_file::CredentialFile;
use crate::support::send;

fn policy(tools: &str) -> String {
    format!(
        "[[allow]]\nprincipals = ['ci']\ntools = [{tools}]\n\n[[allow]]\nprincipals = ['alice']\neverything = true\n"
    )
}

fn event(tools: &[&str]) -> String {
    format!("data: {}\n\n", tools_answer(tools))
}

struct Fixture {
    text: CredentialFile,
    file: PolicyFile,
    server: LegacyServer,
    app: axum::Router,
}

impl Fixture {
    fn new(text: &str) -> Self {
        let text = CredentialFile::new(text);
        let file = PolicyFile::open(&text.path).unwrap();
        let server = LegacyServer::new("/messages/?session_id=6f1c");
        let app = server.behind(layer(file.clone()));
        Self { text, file, server, app }
    }

    /// Replaces the file. Its watch may be faster than this.
    fn replace(&self, text: &str) {
        self.text.replace(text);
        self.file.reload().unwrap();
    }
}

#[tokio::test]
async fn the_next_event_is_filtered_by_the_new_policy() {
    let fixture = Fixture::new(&policy("'search'"));
    let Fixture { server, app, .. } = &fixture;
    let (mut client, target) = open(app, "ci").await;
    let all = event(&["search", "delete", "read_a"]);
    server.send(&*all);
    assert_eq!(client.text().await, event(&["search"]));
    fixture.replace(&policy("'delete', 'read_*'"));
    server.send(&*all);
    assert_eq!(client.text().await, event(&["delete", "read_a"]));
    // Calls are decided by the same policy.
    for (tool, posted) in [("delete", 1), ("search", 0)] {
        send(app.clone(), post("ci", &target, call(tool, 1))).await;
        assert_eq!(server.posted().len(), posted, "{tool}");
    }
    assert!(client.text().await.contains("ci may not call the tool `search`"));
}

/// A list is filtered by the policy that is active at its end.
#[tokio::test]
async fn a_list_that_is_held_is_filtered_by_the_new_policy() {
    let fixture = Fixture::new(&policy("'search', 'delete'"));
    let Fixture { server, app, .. } = &fixture;
    let (mut client, _) = open(app, "ci").await;
    let all = event(&["search", "delete"]);
    server.send(&all[..all.len() - 1]);
    assert_eq!(client.text().await, "");
    fixture.replace(&policy("'search'"));
    server.send("\n");
    assert_eq!(client.text().await, event(&["search"]));
}

#[tokio::test]
async fn streams_are_filtered_once_their_principal_is_restricted() {
    let fixture = Fixture::new(&policy("'search'"));
    let Fixture { server, app, .. } = &fixture;
    let (mut client, target) = open(app, "alice").await;
    let all = event(&["search", "delete"]);
    server.send(&*all);
    assert_eq!(client.text().await, all);
    fixture.replace("[[allow]]\nanyone = true\ntools = ['search']\n");
    server.send(&*all);
    assert_eq!(client.text().await, event(&["search"]));
    // Refusals find the stream too.
    send(app.clone(), post("alice", &target, call("delete", 1))).await;
    assert!(client.text().await.contains("alice may not call the tool `delete`"));
    assert!(server.posted().is_empty());
    // And back again.
    fixture.replace(&policy("'search'"));
    server.send(&*all);
    assert_eq!(client.text().await, all);
}

/// It began while it need not be read.
#[tokio::test]
async fn an_event_that_is_half_sent_passes_to_its_end() {
    let fixture = Fixture::new(&policy("'search'"));
    let Fixture { server, app, .. } = &fixture;
    let (mut client, _) = open(app, "alice").await;
    let all = event(&["search", "delete"]);
    server.send(format!("{all}{}", &all[..all.len() - 1]));
    assert_eq!(client.text().await.len(), 2 * all.len() - 1);
    fixture.replace("[[allow]]\nanyone = true\ntools = ['search']\n");
    server.send(format!("\n{all}"));
    assert_eq!(client.text().await, format!("\n{}", event(&["search"])));
}

#[tokio::test]
async fn a_mistake_in_the_file_leaves_the_policy_in_force() {
    let fixture = Fixture::new(&policy("'search'"));
    let Fixture { text, file, server, app } = &fixture;
    let (mut client, _) = open(app, "ci").await;
    for (mistake, line) in [
        (policy("'search', 'delete'").replace("tools", "tool"), Some(3)),
        (policy("'delete'").replace("[[allow]]", "[[forbid]]"), Some(1)),
        (policy("'delete'") + "methods = ['*']\n", None),
        (policy("'delete'").replace("[[allow]]\nprincipals = ['ci']", "[[allow]]"), None),
        (String::new(), None),
    ] {
        text.replace(&mistake);
        let error = file.reload().unwrap_err();
        assert!(line.is_none() || error.line() == line, "{error}");
        server.send(event(&["search", "delete"]));
        assert_eq!(client.text().await, event(&["search"]), "{mistake}");
    }
    fixture.replace(&policy("'delete'"));
    server.send(event(&["search", "delete"]));
    assert_eq!(client.text().await, event(&["delete"]));
}

#[tokio::test]
async fn the_answer_to_a_list_request_is_filtered_by_the_new_policy() {
    let fixture = Fixture::new(&policy("'search'"));
    let server = super::answering(layer(fixture.file.clone()), || {
        ([super::JSON], tools_answer(&["search", "delete"]))
    });
    for (tools, shown) in [("'search'", &["search"]), ("'delete'", &["delete"])] {
        fixture.replace(&policy(tools));
        let response = send(server.clone(), post("ci", "/mcp", TOOLS_LIST)).await;
        assert_eq!(response.body, tools_answer(shown));
    }
}
