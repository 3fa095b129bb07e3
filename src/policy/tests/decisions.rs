//! What is allowed and what is not.

use super::*;

/// Cases 1 to 6.
#[test]
fn tools_are_allowed_by_their_whole_names() {
    for (name, is_allowed) in [
        ("search", true),
        ("delete", false),
        ("read_a", true),
        ("Read_a", false),
        ("searchx", false),
        ("xsearch", false),
    ] {
        assert_eq!(allows(&policy(), &ci(), &tool(name)), is_allowed, "{name}");
    }
    let refused = decide(&policy(), &ci(), &tool("delete")).into_refusal().unwrap();
    assert_eq!(refused.kind(), RefusalKind::NotPermitted);
    assert_eq!(refused.code(&tool("delete")), -32602);
    assert_eq!(refused.message(&ci(), &tool("delete")), "ci may not call the tool `delete`");
}

/// Cases 7 and 8.
#[test]
fn deny_rules_win_wherever_they_stand() {
    let first =
        Policy::new().deny(anyone(), tools(["*_internal"])).allow(principal("alice"), everything());
    for policy in [policy(), first] {
        assert!(allows(&policy, &alice(), &tool("delete")));
        assert!(!allows(&policy, &alice(), &tool("x_internal")));
    }
}

/// Cases 9 and 10.
#[test]
fn unrestricted_is_who_may_do_everything_without_a_deny_rule() {
    assert!(without_deny().is_unrestricted(&alice()));
    assert!(!without_deny().is_unrestricted(&ci()));
    assert!(!policy().is_unrestricted(&alice()), "a deny rule is for her");
    let other = without_deny().deny(principal("ci"), tools(["x"]));
    assert!(other.is_unrestricted(&alice()), "the deny rule is for somebody else");
    let conditional = Policy::new().allow(principal("ci"), everything().when(|_| true));
    assert!(!conditional.is_unrestricted(&ci()));
}

/// Cases 11 and 12.
#[test]
fn unknown_names_and_other_issuers_may_do_nothing() {
    let others =
        [Principal::new("bob"), ci().issued_by("https://id.example.com"), Principal::new("")];
    for who in others {
        assert!(!allows(&policy(), &who, &tool("search")), "{who:?}");
        assert!(!allows(&policy(), &who, &resource("docs://a")), "{who:?}");
    }
    let issued =
        Policy::new().allow(principal("ci").issued_by("https://id.example.com"), tools(["search"]));
    assert!(allows(&issued, &ci().issued_by("https://id.example.com"), &tool("search")));
    assert!(!allows(&issued, &ci(), &tool("search")));
    assert!(!allows(&issued, &ci().issued_by("https://id.example.com/"), &tool("search")));
}

#[test]
fn empty_policy_allows_nothing_but_the_handshake() {
    let policy = Policy::new();
    assert!(allows(&policy, &ci(), &Call::new("initialize")));
    assert!(!allows(&policy, &ci(), &tool("search")));
    assert!(!allows(&policy, &ci(), &Call::new("tools/call")), "a call of nothing");
    assert!(!policy.is_unrestricted(&ci()));
}

/// Cases 19 and 20.
#[test]
fn methods_of_the_handshake_and_lists_need_no_rule() {
    for method in ["initialize", "ping", "server/discover", "tools/list", "logging/setLevel"] {
        assert!(allows(&policy(), &ci(), &Call::new(method)), "{method}");
    }
    for method in ["notifications/initialized", "notifications/cancelled", "notifications/progress"]
    {
        assert!(allows(&policy(), &ci(), &Call::new(method)), "{method}");
    }
    for method in ["vendor/x", "Ping", "notifications/x", "tasks/list", ""] {
        let call = Call::new(method);
        let refusal = decide(&policy(), &ci(), &call).into_refusal().unwrap();
        assert_eq!(refusal.code(&call), -32601, "{method}");
    }
}

#[test]
fn methods_that_need_no_rule_can_be_denied() {
    let policy = policy()
        .deny(principal("ci"), methods(["logging/*"]))
        .deny(principal("mallory"), everything());
    assert!(!allows(&policy, &ci(), &Call::new("logging/setLevel")));
    assert!(allows(&policy, &ci(), &Call::new("ping")));
    assert!(!allows(&policy, &Principal::new("mallory"), &Call::new("initialize")));
    let no_calls = policy.deny(principal("ci"), methods(["tools/call"]));
    assert!(!allows(&no_calls, &ci(), &tool("search")));
    assert_eq!(no_calls.visible_now(&ci(), &[Target::tool("search")]), Some(vec![false]));
}

/// Cases 21 and 22.
#[test]
fn other_methods_need_a_rule_for_the_method() {
    let policy = policy().allow(principal("ci"), methods(["vendor/*"]));
    assert!(allows(&policy, &ci(), &Call::new("vendor/x")));
    assert!(!allows(&policy, &ci(), &Call::new("vendors/x")));
    let task = Target::new(TargetKind::Task, "1");
    assert!(!allows(&policy, &ci(), &Call::new("tasks/get").with_target(task.clone())));
    let policy = policy.allow(principal("ci"), methods(["tasks/get"]));
    assert!(allows(&policy, &ci(), &Call::new("tasks/get").with_target(task.clone())));
    assert!(!allows(&policy, &ci(), &Call::new("tasks/cancel").with_target(task)));
}

/// Cases 23 to 28.
#[test]
fn prompts_and_completions_are_allowed_by_their_names() {
    for method in ["prompts/get", "completion/complete"] {
        for (name, is_allowed) in [("review", true), ("secret", false)] {
            let call = Call::new(method).with_target(Target::prompt(name));
            assert_eq!(allows(&policy(), &ci(), &call), is_allowed, "{method} {name}");
        }
    }
    for (template, is_allowed) in [("docs://{x}", true), ("file:///{x}", false)] {
        let target = Target::new(TargetKind::ResourceTemplate, template);
        let call = Call::new("completion/complete").with_target(target);
        assert_eq!(allows(&policy(), &ci(), &call), is_allowed, "{template}");
    }
}

/// Cases 38 to 41.
#[test]
fn subscriptions_are_allowed_if_each_resource_is() {
    for method in ["resources/subscribe", "resources/unsubscribe"] {
        let to = |uri| Call::new(method).with_target(Target::resource(uri));
        assert!(allows(&policy(), &ci(), &to("docs://a")), "{method}");
        assert!(!allows(&policy(), &ci(), &to("file:///a")), "{method}");
    }
    let listen = |uris: &[&'static str]| {
        let call = Call::new("subscriptions/listen");
        uris.iter().fold(call, |call, uri| call.with_target(Target::resource(*uri)))
    };
    assert!(allows(&policy(), &ci(), &listen(&[])), "to changes of lists");
    assert!(allows(&policy(), &ci(), &listen(&["docs://a", "docs://b"])));
    let call = listen(&["docs://a", "file:///b", "docs://c"]);
    let refusal = decide(&policy(), &ci(), &call).into_refusal().unwrap();
    let message = refusal.message(&ci(), &call);
    assert_eq!(message, "ci may not subscribe to the resource `file:///b`");
    let task = listen(&["docs://a"]).with_target(Target::new(TargetKind::Task, "1"));
    assert!(!allows(&policy(), &ci(), &task));
    let policy = policy().allow(principal("ci"), methods(["tasks/get"]));
    assert!(allows(&policy, &ci(), &task));
}

#[test]
fn all_kinds_of_subject_in_a_rule_must_match() {
    let policy = Policy::new()
        .allow(roles(["ops", "dev"]).and(scope("w")), tools(["deploy"]))
        .allow(role("ops").issued_by("https://id.example.com"), tools(["restart"]))
        .assign_role("ops", ["alice"]);
    let who = |role: &str, scope: &str| Principal::new("x").with_roles([role]).with_scopes([scope]);
    assert!(allows(&policy, &who("ops", "w"), &tool("deploy")));
    assert!(allows(&policy, &who("dev", "w"), &tool("deploy")));
    for other in [who("ops", "r"), who("qa", "w"), who("w", "ops")] {
        assert!(!allows(&policy, &other, &tool("deploy")), "{other:?}");
    }
    assert!(allows(&policy, &alice().with_scopes(["w"]), &tool("deploy")), "an assigned role");
    assert!(!allows(&policy, &alice().issued_by("x").with_scopes(["w"]), &tool("deploy")));
    let issued = |issuer: &str| who("ops", "").issued_by(issuer);
    assert!(allows(&policy, &issued("https://id.example.com"), &tool("restart")));
    assert!(!allows(&policy, &issued("https://evil.example"), &tool("restart")));
    assert!(!allows(&policy, &who("ops", ""), &tool("restart")));
}

/// Cases 102 and 103. The layer rejects a message with an ambiguous argument, whatever is decided.
#[test]
fn conditions_decide_by_arguments() {
    let policy = Policy::new().allow(
        principal("ci"),
        tools(["exec"]).when(|call| call.argument::<String>("command").as_deref() == Some("id")),
    );
    let call = |arguments| tool("exec").with_arguments(arguments);
    assert!(allows(&policy, &ci(), &call(r#"{"command":"id"}"#)));
    for arguments in [r#"{"command":"rm"}"#, "{}", r#"{"command":"id","command":"rm"}"#] {
        let call = call(arguments);
        let decision = decide(&policy, &ci(), &call);
        assert_eq!(decision.refusal().unwrap().kind(), RefusalKind::ArgumentsRefused);
        assert_eq!(call.has_ambiguous_argument(), arguments.matches("command").count() == 2);
    }
    let other = decide(&policy, &alice(), &call(r#"{"command":"id"}"#));
    assert_eq!(other.refusal().unwrap().kind(), RefusalKind::NotPermitted);
    assert_eq!(policy.visible_now(&ci(), &[Target::tool("exec")]), Some(vec![true]));
    let both = policy.allow(principal("ci"), tools(["exec"]));
    assert!(allows(&both, &ci(), &call("{}")), "another rule has no condition");
}

/// Cases 131 to 133.
#[test]
fn lists_show_what_may_be_used() {
    let targets = [
        (Target::tool("search"), true),
        (Target::tool("delete"), false),
        (Target::prompt("review"), true),
        (Target::prompt("search"), false),
        (Target::resource("docs://a"), true),
        (Target::resource("docs://a/../b"), false),
        (Target::new(TargetKind::ResourceTemplate, "docs://{x}"), true),
        (Target::new(TargetKind::ResourceTemplate, "file:///{x}"), false),
        (Target::new(TargetKind::Task, "1"), false),
    ];
    let (targets, expected): (Vec<_>, Vec<_>) = targets.into_iter().unzip();
    assert_eq!(policy().visible_now(&ci(), &targets), Some(expected));
    let internal = [Target::tool("x_internal"), Target::tool("x")];
    assert_eq!(policy().visible_now(&alice(), &internal), Some(vec![false, true]));
}

#[test]
fn explanations_name_the_rule_that_decides() {
    let explain = |who: &Principal, call: &Call<'_>| policy().explain(who, call).to_string();
    assert_eq!(explain(&ci(), &tool("search")), "allowed by rule 1");
    assert_eq!(explain(&ci(), &Call::new("ping")), "allowed, as always");
    assert_eq!(
        explain(&alice(), &tool("x_internal")),
        "refused: alice may not call the tool `x_internal`: rule 6 denies it"
    );
    assert_eq!(
        explain(&ci(), &tool("delete")),
        "refused: ci may not call the tool `delete`: no rule allows it"
    );
    assert_eq!(
        explain(&ci(), &tool("write_x")),
        "refused: ci may not call the tool `write_x`: no rule allows it; scopes that would help: w"
    );
    let conditional = Policy::new().allow(anyone(), tools(["x"]).when(|_| false));
    assert_eq!(
        conditional.explain(&ci(), &tool("x")).to_string(),
        "refused: ci may not call the tool `x` with these arguments: the condition of rule 1 does not hold"
    );
}

#[test]
#[should_panic(expected = "Policy::allow: `tools/call` is decided by what it uses")]
fn allowing_a_method_that_is_decided_by_its_target_panics() {
    let _ = Policy::new().allow(anyone(), methods(["tools/call"]));
}
