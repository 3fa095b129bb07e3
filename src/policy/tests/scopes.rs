//! Which scopes would help.

use super::*;
use crate::auth::Scope;

fn helpful(policy: &Policy, who: &Principal, call: &Call<'_>) -> Vec<String> {
    let refusal = decide(policy, who, call).into_refusal().expect("the call is refused");
    refusal.scopes().iter().map(Scope::to_string).collect()
}

/// Cases 13 to 16.
#[test]
fn scopes_grant_and_are_named_where_they_are_missing() {
    assert!(allows(&policy(), &ci().with_scopes(["w"]), &tool("write_x")));
    assert_eq!(helpful(&policy(), &ci(), &tool("write_x")), ["w"]);
    assert!(helpful(&policy(), &ci(), &tool("delete")).is_empty(), "no scope would help");
}

/// Case 17.
#[test]
fn no_scopes_help_against_a_deny_rule() {
    let policy = policy().allow(scope("w"), tools(["x_internal"]));
    assert!(helpful(&policy, &ci(), &tool("x_internal")).is_empty());
}

/// Case 18.
#[test]
fn each_call_is_decided_by_the_scopes_of_its_own_credential() {
    let policy = policy();
    let (with, without) = (ci().with_scopes(["w"]), ci().with_scopes(["r"]));
    assert_eq!(with, without, "they are the same principal");
    assert!(allows(&policy, &with, &tool("write_x")));
    assert!(!allows(&policy, &without, &tool("write_x")));
}

#[test]
fn the_smallest_set_that_would_allow_the_call_helps() {
    let policy = Policy::new()
        .allow(scopes(["c", "b", "a"]), tools(["*"]))
        .allow(scopes(["z", "y"]), tools(["deploy"]))
        .allow(principal("alice").and(scope("x")), tools(["deploy"]))
        .allow(role("ops").and(scope("o")), tools(["deploy"]));
    assert_eq!(helpful(&policy, &ci(), &tool("deploy")), ["y", "z"]);
    assert_eq!(helpful(&policy, &ci(), &tool("other")), ["a", "b", "c"]);
    assert_eq!(helpful(&policy, &alice(), &tool("deploy")), ["x"], "with her name");
    assert_eq!(helpful(&policy, &ci().with_roles(["ops"]), &tool("deploy")), ["o"]);
    let has_one = ci().with_scopes(["y"]);
    assert_eq!(helpful(&policy, &has_one, &tool("deploy")), ["y", "z"], "the whole set");
}

#[test]
fn scopes_of_a_call_with_several_targets_allow_all_of_it() {
    let policy = Policy::new()
        .allow(scope("a"), resources(["a:*"]))
        .allow(scope("b"), resources(["b:*"]))
        .allow(principal("alice"), resources(["c:*"]));
    let listen = |uris: &[&'static str]| {
        let call = Call::new("subscriptions/listen");
        uris.iter().fold(call, |call, uri| call.with_target(Target::resource(*uri)))
    };
    let has_a = ci().with_scopes(["a"]);
    assert_eq!(helpful(&policy, &has_a, &listen(&["a:1", "b:1"])), ["a", "b"]);
    assert!(helpful(&policy, &has_a, &listen(&["a:1", "b:1", "c:1"])).is_empty());
    assert!(allows(&policy, &ci().with_scopes(["b", "a"]), &listen(&["a:1", "b:1"])));
}

#[test]
fn scopes_do_not_help_where_the_condition_fails() {
    let policy = Policy::new()
        .allow(scope("w"), tools(["exec"]).when(|call| call.argument::<u8>("n") == Some(1)));
    let call = |json| tool("exec").with_arguments(json);
    assert_eq!(helpful(&policy, &ci(), &call(r#"{"n":1}"#)), ["w"]);
    assert!(helpful(&policy, &ci(), &call(r#"{"n":2}"#)).is_empty());
}
