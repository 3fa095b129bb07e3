//! URIs of resources, which servers normalize in different ways.

use super::*;

/// Cases 30 to 36.
#[test]
fn patterns_with_a_star_allow_plain_uris_only() {
    assert!(allows(&policy(), &ci(), &resource("docs://a")));
    for uri in [
        "file:///etc/passwd",
        "docs://a/../b",
        "docs://%2e%2e/b",
        "docs://a%2Fb",
        "docs://a\\b",
        "DOCS://a",
    ] {
        assert!(!allows(&policy(), &ci(), &resource(uri)), "{uri}");
    }
}

#[test]
fn a_star_stands_for_whole_characters_of_a_uri() {
    let patterns = ["docs://team*a/f", "docs://*5", "docs://a%20*"];
    let policy = Policy::new().allow(principal("ci"), resources(patterns));
    for uri in ["docs://team-a/f", "docs://team%20a/f", "docs://%35", "docs://a%20%41"] {
        assert!(allows(&policy, &ci(), &resource(uri)), "{uri}");
    }
    // The letter j, `%` and the letter e.
    for uri in ["docs://team%6a/f", "docs://x%25", "docs://x%65"] {
        assert!(!allows(&policy, &ci(), &resource(uri)), "{uri}");
    }
}

/// Case 37.
#[test]
fn exact_patterns_allow_exactly_their_uri() {
    let policy = Policy::new().allow(principal("ci"), resources(["docs://a/../b"]));
    assert!(allows(&policy, &ci(), &resource("docs://a/../b")));
    assert!(!allows(&policy, &ci(), &resource("docs://a/../B")));
}

#[test]
fn deny_rules_match_what_servers_may_ignore() {
    let denied = ["file:///root/key", "docs://a%20b/", "docs://q?x=*", "file:/etc/*", "docs://*/"];
    let policy = Policy::new().allow(anyone(), everything()).deny(anyone(), resources(denied));
    for uri in [
        "file:///root/keys",
        "file:///root",
        "file:///root/a;key",
        "docs://a%20bc",
        "docs://q",
        "docs://q?y=1",
        "file://host/etc/passwd",
    ] {
        assert!(allows(&policy, &ci(), &resource(uri)), "{uri}");
    }
    for uri in [
        "file:/root/key",
        "file:////root/key",
        "file://localhost/root/key",
        "file:///root//key",
        "file:///root/key/",
        "file:///root/key?a",
        "file:///root/key#a",
        "file:///root/key%23a",
        "file:///root;a/key;b",
        "file:///root/key.",
        "file:///root/ke%79;a",
        "docs://a%20b",
        "docs://%61%20b#c",
        "docs://q?x=1",
        "docs://q?x=1#c",
        "docs://b/?c",
        "file:///etc/passwd",
        "file:/etc/passwd#a",
    ] {
        assert!(!allows(&policy, &ci(), &resource(uri)), "{uri}");
    }
}

#[test]
fn deny_rules_match_every_spelling_of_a_uri() {
    let policy = Policy::new()
        .allow(anyone(), everything())
        .deny(anyone(), resources(["file:///etc/*", "file:///root/key", "file:///100%25"]));
    for uri in
        ["file:///srv/a", "docs://a/../b", "docs://a%2Fb", "file:///srv/%20a", "file:///9%25"]
    {
        assert!(allows(&policy, &ci(), &resource(uri)), "{uri}");
    }
    for uri in [
        "file:///etc/passwd",
        "file:///%65tc/passwd",
        "file:///srv/../etc/passwd",
        "file:///srv/%2e%2e/etc/passwd",
        "FILE:///etc/passwd",
        "file:///root/key",
        "file:///root/ke%79",
        "file:///root/./key",
        "file:../root/key",
        "file:///100%25",
        "file:///100%2525",
        "file:///%31%30%30%25",
        "/etc/passwd",
        "..",
    ] {
        assert!(!allows(&policy, &ci(), &resource(uri)), "{uri}");
    }
}
