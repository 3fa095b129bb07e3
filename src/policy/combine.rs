//! Two authorizers that must both allow.

use super::authorizer::Authorizer;
use super::call::Call;
use super::changes::Changes;
use super::decision::{Decision, Refusal};
use super::target::Target;
use crate::auth::{Principal, Scope};

/// Makes an authorizer that allows what both of these allow, such as a policy and a check of arguments.
///
/// The second one is asked only if the first one allows the call, or would allow it with more scopes.
///
/// ```
/// use mcp_auth_layer::Principal;
/// use mcp_auth_layer::policy::{Call, Policy, Refusal, authorize_fn, both, principal, tools};
///
/// async fn in_office_hours(_: &Principal, _: &Call<'_>) -> Result<(), Refusal> {
///     Ok(())
/// }
/// let policy = Policy::new().allow(principal("ci"), tools(["search"]));
/// let authorizer = both(policy, authorize_fn(in_office_hours));
/// ```
pub fn both<A: Authorizer, B: Authorizer>(first: A, second: B) -> Both<A, B> {
    Both { first, second }
}

/// An authorizer that allows what two others allow, see [`both`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Both<A, B> {
    first: A,
    second: B,
}

impl<A: Authorizer, B: Authorizer> Authorizer for Both<A, B> {
    async fn authorize(&self, caller: &Principal, call: &Call<'_>) -> Decision {
        let first = self.first.authorize(caller, call).await;
        if is_final(&first) {
            return first;
        }
        join(first, self.second.authorize(caller, call).await)
    }

    fn authorize_now(&self, caller: &Principal, call: &Call<'_>) -> Option<Decision> {
        let first = self.first.authorize_now(caller, call)?;
        if is_final(&first) {
            return Some(first);
        }
        Some(join(first, self.second.authorize_now(caller, call)?))
    }

    async fn visible(
        &self,
        caller: &Principal,
        targets: &[Target<'_>],
    ) -> Result<Vec<bool>, Refusal> {
        let first = self.first.visible(caller, targets).await?;
        Ok(and(first, self.second.visible(caller, targets).await?))
    }

    fn visible_now(&self, caller: &Principal, targets: &[Target<'_>]) -> Option<Vec<bool>> {
        let first = self.first.visible_now(caller, targets)?;
        Some(and(first, self.second.visible_now(caller, targets)?))
    }

    fn is_unrestricted(&self, caller: &Principal) -> bool {
        self.first.is_unrestricted(caller) && self.second.is_unrestricted(caller)
    }

    fn changes(&self) -> Vec<Changes> {
        [self.first.changes(), self.second.changes()].concat()
    }
}

/// Returns whether the second authorizer cannot change a decision of the first one.
fn is_final(first: &Decision) -> bool {
    first.refusal().is_some_and(|refusal| refusal.scopes().is_empty())
}

/// Joins the decisions of both. Scopes help only if they do for both: a client would otherwise ask for
/// them in vain, again and again.
fn join(first: Decision, second: Decision) -> Decision {
    let scopes = |refusal: &Refusal| refusal.scopes().to_vec();
    let (first_scopes, second_scopes): (Vec<Scope>, Vec<Scope>) =
        match (first.refusal(), second.refusal()) {
            (None, None) => return if first.rule().is_some() { first } else { second },
            (None, Some(_)) => return second,
            (Some(_), None) => return first,
            (Some(_), Some(refusal)) if refusal.scopes().is_empty() => return second,
            (Some(first), Some(second)) => (scopes(first), scopes(second)),
        };
    let rule = first.rule();
    let joined = first.into_refusal().map_or_else(Decision::allowed, |refusal| {
        refusal.with_scopes(first_scopes.into_iter().chain(second_scopes)).into()
    });
    match rule {
        Some(rule) => joined.by(rule),
        None => joined,
    }
}

/// Joins two lists of what is shown. What one of them does not have is not shown.
fn and(first: Vec<bool>, second: Vec<bool>) -> Vec<bool> {
    first.into_iter().zip(second).map(|(first, second)| first && second).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;

    /// Allows everything, and announces changes.
    struct Changing(Changes);

    impl Authorizer for Changing {
        async fn authorize(&self, _: &Principal, _: &Call<'_>) -> Decision {
            Decision::allowed()
        }

        fn changes(&self) -> Vec<Changes> {
            vec![self.0.clone()]
        }
    }

    #[test]
    fn changes_of_either_authorizer_are_changes_of_both() {
        let (first, second, neither) = (Changes::new(), Changes::new(), Changes::new());
        let both = Both { first: Changing(first.clone()), second: Changing(second.clone()) };
        let count = Arc::new(AtomicUsize::new(0));
        for changes in both.changes() {
            let count = count.clone();
            changes.on_change(move || count.fetch_add(1, Relaxed) < usize::MAX);
        }
        for (announced, expected) in [(&neither, 0), (&first, 1), (&second, 2)] {
            announced.announce();
            assert_eq!(count.load(Relaxed), expected);
        }
    }
}
