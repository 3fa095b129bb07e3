//! Policy files: what is read, and what is rejected with its line.

use super::*;
use crate::auth::Principal;
use crate::policy::{Authorizer, Call, Policy, Target};

/// The file of the design, shortened.
const GOOD: &str = r#"# who may do what
[[allow]]
principals = ["ci", "nightly"]
tools = ["search", "read_*"]
prompts = ["review"]
resources = ["docs://*"]

[[allow]]
roles = ["ops"]
scopes = ["tools:write"]
tools = ["deploy"]

[[allow]]
principals = ["alice"]
issuer = "https://id.example.com"
everything = true

[[allow]]
anyone = true
tools = ["whoami"]
methods = ["tasks/get"]

[[deny]]
anyone = true
tools = ["*_internal"]

[roles]
ops = ["alice", "bob"]
"#;

fn explain(text: &str, who: &Principal, method: &str, target: Target<'_>) -> String {
    let (policy, _) = Policy::from_toml(text).unwrap();
    policy.explain(who, &Call::new(method).with_target(target)).to_string()
}

fn error(text: &str) -> String {
    Policy::from_toml(text).unwrap_err().to_string()
}

#[test]
fn rules_of_a_file_mean_what_they_mean_in_code() {
    let ci = Principal::new("ci");
    let alice = Principal::new("alice");
    let issued = alice.clone().issued_by("https://id.example.com");
    let bob = Principal::new("bob").with_scopes(["tools:write"]);
    for text in [GOOD.to_owned(), GOOD.replace('\n', "\r\n"), format!("\u{feff}{GOOD}")] {
        let tool = |who: &Principal, name| explain(&text, who, "tools/call", Target::tool(name));
        assert_eq!(tool(&ci, "read_a"), "allowed by line 2");
        assert_eq!(tool(&Principal::new("nightly"), "search"), "allowed by line 2");
        assert_eq!(tool(&ci, "whoami"), "allowed by line 18");
        assert_eq!(tool(&issued, "delete"), "allowed by line 13");
        assert_eq!(tool(&bob, "deploy"), "allowed by line 8");
        assert!(tool(&alice, "deploy").ends_with("scopes that would help: tools:write"));
        assert!(tool(&issued, "x_internal").ends_with("line 23 denies it"));
        assert!(tool(&ci, "deploy").ends_with("no rule allows it"));
        let docs = Target::resource("docs://a");
        assert_eq!(explain(&text, &ci, "resources/read", docs), "allowed by line 2");
        let prompt = Target::prompt("review");
        assert_eq!(explain(&text, &ci, "prompts/get", prompt), "allowed by line 2");
    }
}

/// Cases 134 and 135.
#[test]
fn mistakes_are_errors_with_their_line() {
    assert!(Policy::from_toml(GOOD).is_ok());
    for (from, to, expected) in [
        (
            "tools = [\"search\"",
            "tool = [\"search\"",
            "line 4: unknown key \"tool\": known are `princ",
        ),
        ("[[deny]]", "[[forbid]]", "line 23: unknown key \"forbid\": known are `allow`"),
        ("[[deny]]", "[deny]", "line 23: `deny` must be a list of rules"),
        ("anyone = true\ntools = [\"*_", "tools = [\"*_", "line 23: the rule has no subject: add"),
        ("principals = [\"alice\"]\n", "", "line 13: the rule has no subject: add"),
        ("everything = true", "", "line 13: the rule is about nothing: add"),
        ("everything = true", "everything = false", "line 16: `everything` must be true"),
        ("everything = true", "everything = 'yes'", "line 16: `everything` must be true"),
        (
            "everything = true",
            "everything = true\ntools = ['x']",
            "line 16: `everything` includes `tools`",
        ),
        ("anyone = true\nt", "anyone = false\nt", "line 19: `anyone` must be true"),
        (
            "anyone = true\nt",
            "anyone = true\nscopes = ['w']\nt",
            "line 19: `anyone` and `scopes` in one",
        ),
        ("[\"ci\", \"nightly\"]", "\"ci\"", "line 3: `principals` must be an array of strings"),
        (
            "[\"ci\", \"nightly\"]",
            "[\"ci\", 1]",
            "line 3: `principals` must be an array of strings",
        ),
        ("[\"ci\", \"nightly\"]", "[]", "line 3: `principals` is empty"),
        ("\"nightly\"]", "\"\"]", "line 3: a name in `principals` is empty"),
        (
            "\"nightly\"]",
            "\" nightly\"]",
            "line 3: a name in `principals` begins or ends with white",
        ),
        ("\"nightly\"]", "\"a\\u0007\"]", "line 3: a name in `principals` has a control character"),
        ("\"nightly\"]", "\n\"\"]", "line 4: a name in `principals` is empty"),
        ("\"read_*\"]", "\"\"]", "line 4: \"\" is not a pattern"),
        ("\"tools:write\"", "\"tools write\"", "line 10: \"tools write\" is not a scope"),
        ("[\"tasks/get\"]", "[\"*\"]", "line 21: `*` would include every method"),
        ("[\"tasks/get\"]", "[\"ping\"]", "line 21: `ping` is always allowed"),
        ("[\"tasks/get\"]", "[\"tools/call\"]", "line 21: `tools/call` is decided by what it uses"),
        ("issuer = \"https://id.example.com\"", "issuer = 1", "line 15: `issuer` must be a string"),
        (
            "issuer = \"https://id.example.com\"",
            "issuer = ''",
            "line 15: a name in `issuer` is empty",
        ),
        (
            "ops = [\"alice\", \"bob\"]",
            "ops = \"alice\"",
            "line 28: `ops` must be an array of strings",
        ),
        ("tools = [\"deploy\"]", "tools = [\"deploy\"", "line 13: not TOML: "),
        (
            "tools = [\"deploy\"]",
            "tools = [\"deploy\"]\ntools = []",
            "line 12: not TOML: duplicate key",
        ),
    ] {
        let bad = GOOD.replacen(from, to, 1);
        assert_ne!(bad, GOOD, "{from}");
        let error = error(&bad);
        assert!(error.starts_with(expected) && error.lines().count() == 1, "{to}: {error}");
    }
    let no_table = format!("roles = 1\n{}", GOOD.split("[roles]").next().unwrap_or_default());
    assert!(error(&no_table).starts_with("line 1: `roles` must be a table"));
    for nothing in ["", "# nothing\n", "[roles]\nops = ['alice']"] {
        assert!(error(nothing).starts_with("the file has no rules: to refuse everything, write"));
    }
    let denied = "[[deny]]\nanyone = true\nmethods = ['ping']";
    assert!(Policy::from_toml(denied).is_ok(), "a deny rule may name every method");
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let warnings = |text: &str| {
        let (_, warnings) = Policy::from_toml(text).unwrap();
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(warnings(GOOD).is_empty());
    let unused = format!("{GOOD}staff = ['carol']\n");
    assert_eq!(warnings(&unused), ["line 29: no rule is for the role \"staff\""]);
    let two = format!("{GOOD}[[deny]]\nprincipals = ['alice']\nissuer = 'x'\ntools = ['y']\n");
    assert!(warnings(&two).is_empty(), "both have an issuer");
    let two = "[[allow]]\nprincipals = ['a']\ntools = ['x']\n[[allow]]\nprincipals = ['a']\nissuer = 'i'\ntools = ['x']\n";
    assert_eq!(
        warnings(two),
        ["line 1: \"a\" has no issuer here, and one in line 4: they are two principals"]
    );
}

#[test]
fn principals_of_a_file_can_be_compared_with_known_ones() {
    let (policy, _) = Policy::from_toml(GOOD).unwrap();
    let mut names: Vec<_> =
        policy.principals().map(|principal| principal.name().to_owned()).collect();
    names.sort_unstable();
    assert_eq!(names, ["alice", "ci", "nightly"]);
}

/// Case 136, but for streams.
#[test]
fn changed_files_are_reloaded_and_bad_ones_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy.toml");
    let replace = |text: &str| {
        let next = dir.path().join("next");
        std::fs::write(&next, text).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&next, std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .unwrap();
        std::fs::rename(next, &path).unwrap();
    };
    let with = |tool: &str| format!("[[allow]]\nprincipals = ['ci']\ntools = ['{tool}']\n");
    replace(&with("a"));
    let file = PolicyFile::open(&path).unwrap();
    let may = |tool: &str| {
        let call = Call::new("tools/call").with_target(Target::tool(tool));
        file.authorize_now(&Principal::new("ci"), &call).unwrap().is_allowed()
    };
    assert!(may("a") && !may("b"));
    let before = file.policy();

    replace(&with("b"));
    assert!(file.reload().is_ok());
    assert!(may("b") && !may("a"));
    assert!(format!("{before:?}").contains("rules: 1"));
    assert!(!file.reload().unwrap(), "it has not changed");

    for bad in ["[[allow]]\nprincipals = ['ci']\ntools = ['']\n", "", "[["] {
        replace(bad);
        let error = file.reload().unwrap_err();
        assert!(error.to_string().contains("policy.toml"), "{error}");
        assert!(may("b"), "the previous policy stays active");
    }
    std::fs::remove_file(&path).unwrap();
    assert!(file.reload().is_err() && may("b"), "also while the file is missing");
    replace(&with("c"));
    assert!(file.reload().is_ok());
    assert!(may("c") && !may("b"));
}

#[test]
fn files_that_cannot_be_used_are_errors_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy.toml");
    let error = PolicyFile::open(&path).unwrap_err();
    assert_eq!((error.path(), error.line()), (Some(&*path), None));
    std::fs::write(&path, "[[allow]]\nanyone = 1\ntools = ['x']\n").unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let error = PolicyFile::open(&path).unwrap_err();
    assert_eq!(error.line(), Some(2));
    assert!(error.to_string().ends_with("policy.toml:2: `anyone` must be true, or be removed"));
}
