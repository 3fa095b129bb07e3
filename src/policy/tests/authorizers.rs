//! Authorizers that are no policy, and combinations.

use super::*;
use crate::auth::Scope;

/// Decides by waiting, which a policy never does.
struct Slow(fn(&Call<'_>) -> Decision);

impl Authorizer for Slow {
    async fn authorize(&self, _: &Principal, call: &Call<'_>) -> Decision {
        tokio::task::yield_now().await;
        (self.0)(call)
    }
}

fn not_permitted(scopes: &[&'static str]) -> Decision {
    let scopes = scopes.iter().map(|scope| Scope::from_static(scope));
    Refusal::not_permitted().with_scopes(scopes).into()
}

/// Case 106.
#[tokio::test]
async fn lists_of_an_authorizer_are_asked_one_by_one() {
    let authorizer = Slow(|call| match call.targets()[0].name() {
        "yes" => Decision::allowed(),
        "arguments" => Refusal::arguments_refused().into(),
        "down" => Refusal::unavailable().into(),
        _ => Refusal::not_permitted().into(),
    });
    let targets = ["yes", "no", "arguments"].map(Target::tool);
    assert_eq!(authorizer.visible(&ci(), &targets).await.unwrap(), [true, false, true]);
    let targets = ["yes", "down"].map(Target::tool);
    let refusal = authorizer.visible(&ci(), &targets).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::Unavailable);
    assert_eq!(refusal.code(&tool("down")), -32603);
    assert!(authorizer.authorize_now(&ci(), &tool("yes")).is_none());
    assert!(
        authorizer.visible_now(&ci(), &targets).is_none() && !authorizer.is_unrestricted(&ci())
    );
}

#[tokio::test]
async fn erased_authorizers_decide_alike() {
    let policy = without_deny().boxed();
    assert!(allows(&policy, &ci(), &tool("search")) && !allows(&policy, &ci(), &tool("delete")));
    assert!(policy.authorize(&ci(), &tool("search")).await.is_allowed());
    let targets = ["search", "delete"].map(Target::tool);
    assert_eq!(policy.visible(&ci(), &targets).await.unwrap(), [true, false]);
    assert_eq!(policy.visible_now(&ci(), &targets).unwrap(), [true, false]);
    assert!(policy.is_unrestricted(&alice()) && !policy.is_unrestricted(&ci()));
}

#[tokio::test]
async fn functions_are_authorizers() {
    async fn only_search(_: &Principal, call: &Call<'_>) -> Result<(), Refusal> {
        match call.targets() {
            [target] if target.name() == "search" => Ok(()),
            _ => Err(Refusal::not_permitted()),
        }
    }
    let authorizer = authorize_fn(only_search);
    assert!(authorizer.authorize(&ci(), &tool("search")).await.is_allowed());
    assert!(!authorizer.authorize(&ci(), &tool("delete")).await.is_allowed());
}

#[tokio::test]
async fn both_must_allow() {
    let yes = || Slow(|_| Decision::allowed());
    let no = || Slow(|_| not_permitted(&[]));
    let asks = |a: Slow, b: Slow| async move { both(a, b).authorize(&ci(), &tool("x")).await };
    assert!(asks(yes(), yes()).await.is_allowed());
    for (first, second) in [(yes(), no()), (no(), yes()), (no(), no())] {
        assert!(!asks(first, second).await.is_allowed());
    }
    let policies = both(policy(), Policy::new().allow(anyone(), everything()));
    assert!(
        allows(&policies, &ci(), &tool("search")) && !allows(&policies, &ci(), &tool("delete"))
    );
    let targets = ["search", "delete"].map(Target::tool);
    assert_eq!(policies.visible_now(&ci(), &targets).unwrap(), [true, false]);
    assert_eq!(policies.visible(&ci(), &targets).await.unwrap(), [true, false]);
    assert!(!policies.is_unrestricted(&alice()));
}

#[tokio::test]
async fn scopes_help_only_if_they_do_for_both() {
    let a = || Slow(|_| not_permitted(&["a"]));
    let b = || Slow(|_| not_permitted(&["b"]));
    let no = || Slow(|_| not_permitted(&[]));
    let yes = || Slow(|_| Decision::allowed());
    for (first, second, expected) in
        [(a(), b(), "a b"), (a(), yes(), "a"), (yes(), b(), "b"), (a(), no(), ""), (no(), b(), "")]
    {
        let decision = both(first, second).authorize(&ci(), &tool("x")).await;
        let scopes: Vec<_> =
            decision.refusal().unwrap().scopes().iter().map(Scope::as_str).collect();
        assert_eq!(scopes.join(" "), expected);
    }
}
