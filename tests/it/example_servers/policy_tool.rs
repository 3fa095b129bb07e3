//! The `policy` example: it says what a policy file decides.

use std::path::Path;

use mcp_auth_layer::policy::Policy;

use crate::support::credential_file::CredentialFile;
use crate::support::example_server::run;

const POLICY: &str = "\
[[allow]]
principals = [\"ci\"]
tools = [\"search\", \"read_*\"]
resources = [\"docs://*\"]

[[allow]]
roles = [\"ops\"]
scopes = [\"tools:write\"]
tools = [\"deploy\"]

[[allow]]
principals = [\"alice\"]
issuer = \"https://id.example.com\"
everything = true

[roles]
ops = [\"bob\"]
";

/// The exit status, and the line that was printed to stdout or to stderr.
async fn explain(policy: &str, args: &[&str]) -> (i32, String) {
    let file = CredentialFile::new(policy);
    let output = run("policy", [&[file.path.to_str().unwrap()], args].concat()).await;
    let line = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    let line = String::from_utf8(line).unwrap();
    assert_eq!(line.lines().count(), 1, "{line}");
    (output.status.code().unwrap(), line.trim_end().to_owned())
}

#[tokio::test]
async fn policy_tool_says_which_rule_decides() {
    let alice = ["--as", "alice", "--issuer", "https://id.example.com"];
    for (args, status, expected) in [
        (&["--as", "ci", "tools/call", "search"][..], 0, "allowed by line 1"),
        (&["--as", "ci", "ping"], 0, "allowed, as always"),
        (&["--as", "ci", "resources/read", "docs://a"], 0, "allowed by line 1"),
        (&["--as", "ci", "completion/complete", "docs://{x}"], 0, "allowed by line 1"),
        (&["--as", "ci", "subscriptions/listen", "docs://a", "docs://b"], 0, "allowed by line 1"),
        (
            &["--as", "ci", "tools/call", "delete"],
            1,
            "refused: ci may not call the tool `delete`: no rule allows it",
        ),
        (
            &["--as", "bob", "tools/call", "deploy"],
            1,
            "refused: bob may not call the tool `deploy`: no rule allows it; scopes that would \
             help: tools:write",
        ),
        (
            &["--as", "bob", "--scope", "tools:write", "tools/call", "deploy"],
            0,
            "allowed by line 6",
        ),
        (
            &["--as", "x", "--role", "ops", "--scope", "tools:write", "tools/call", "deploy"],
            0,
            "allowed by line 6",
        ),
        (
            &["--as", "alice", "tasks/get"],
            1,
            "refused: alice may not call the method `tasks/get`: no rule allows it",
        ),
        (&[&alice[..], &["tasks/get", "1"]].concat(), 0, "allowed by line 11"),
    ] {
        assert_eq!(explain(POLICY, args).await, (status, expected.to_owned()), "{args:?}");
    }
}

#[tokio::test]
async fn policy_tool_exits_with_2_if_it_cannot_decide() {
    let bad = POLICY.replace("tools = [\"deploy\"]", "tool = [\"deploy\"]");
    let (status, line) = explain(&bad, &["--as", "ci", "tools/call", "search"]).await;
    assert!(status == 2 && line.contains(":9: unknown key \"tool\""), "{line}");
    for args in [
        &["--as", "ci"][..],
        &["tools/call", "search"],
        &["--as", "ci", "tools/call"],
        &["--as", "ci", "tools/call", "a", "b"],
        &["--as", "ci", "ping", "a"],
    ] {
        let (status, line) = explain(POLICY, args).await;
        assert!(status == 2 && line.starts_with("error: "), "{args:?}: {line}");
    }
}

#[test]
fn policies_in_the_documentation_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (page, count) in
        [("README.md", 1), ("src/guide/authorization.md", 2), ("src/guide/recipes.md", 1)]
    {
        let text = std::fs::read_to_string(folder.join(page)).unwrap();
        let blocks = text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        let policies: Vec<_> = blocks.filter(|block| block.starts_with("[[allow]]")).collect();
        assert_eq!(policies.len(), count, "{page}");
        for policy in policies {
            let (_, warnings) = Policy::from_toml(policy).unwrap();
            assert!(warnings.is_empty(), "{page}: {warnings:?}");
        }
    }
}
