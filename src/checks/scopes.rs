//! The scopes that every request needs, and which scopes include others.

use std::borrow::Cow;

use crate::auth::{Principal, Rejection, Scope};

/// The scopes that a layer requires. By default it requires none.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScopeRules {
    required: Vec<Scope>,
    /// The required scopes, separated by spaces.
    text: Option<String>,
    /// Each scope that includes others, with all that it includes, directly or not.
    included: Vec<(Scope, Vec<Scope>)>,
}

impl ScopeRules {
    pub(crate) fn require(&mut self, scope: Scope) {
        if !self.required.contains(&scope) {
            self.required.push(scope);
            let scopes: Vec<_> = self.required.iter().map(Scope::as_str).collect();
            self.text = Some(scopes.join(" "));
        }
    }

    /// Makes a scope include another one, and all that the other one includes.
    pub(crate) fn imply(&mut self, scope: Scope, implied: Scope) {
        if self.included.iter().all(|(known, _)| *known != scope) {
            self.included.push((scope.clone(), Vec::new()));
        }
        let mut new = vec![implied.clone()];
        new.extend(self.included_in(&implied).cloned());
        for (known, included) in &mut self.included {
            if *known == scope || included.contains(&scope) {
                for scope in &new {
                    if scope != known && !included.contains(scope) {
                        included.push(scope.clone());
                    }
                }
            }
        }
    }

    fn included_in(&self, scope: &Scope) -> impl Iterator<Item = &Scope> {
        self.included.iter().filter(move |(known, _)| known == scope).flat_map(|(_, all)| all)
    }

    /// Returns the required scopes as a challenge has them, if there are any.
    pub(crate) fn required(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Checks that a principal has the required scopes, and returns it with the scopes that its own ones
    /// include.
    pub(crate) fn check(&self, principal: Principal) -> Result<Principal, Rejection> {
        let principal = match self.expand(&principal) {
            Cow::Owned(expanded) => expanded,
            Cow::Borrowed(_) => principal,
        };
        match self.required.iter().find(|scope| !principal.has_scope(scope.as_str())) {
            None => Ok(principal),
            Some(missing) => {
                let cause =
                    format!("principal `{}` does not have scope `{missing}`", principal.name());
                Err(Rejection::insufficient_scope(&self.required).caused_by(cause))
            }
        }
    }

    /// Returns a principal with the scopes that its own ones include.
    pub(crate) fn expand<'p>(&self, principal: &'p Principal) -> Cow<'p, Principal> {
        let granted = self.included.iter().filter(|(scope, _)| principal.has_scope(scope.as_str()));
        let mut added: Vec<&str> = Vec::new();
        for scope in granted.flat_map(|(_, included)| included).map(Scope::as_str) {
            if !principal.has_scope(scope) && !added.contains(&scope) {
                added.push(scope);
            }
        }
        if added.is_empty() {
            return Cow::Borrowed(principal);
        }
        let scopes: Vec<_> = principal.scopes().chain(added).map(str::to_owned).collect();
        Cow::Owned(principal.clone().with_scopes(scopes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(required: &[&'static str], implied: &[(&'static str, &'static str)]) -> ScopeRules {
        let mut rules = ScopeRules::default();
        for scope in required {
            rules.require(Scope::from_static(scope));
        }
        for (scope, implied) in implied {
            rules.imply(Scope::from_static(scope), Scope::from_static(implied));
        }
        rules
    }

    /// The scopes after the check, if it accepts these.
    fn checked(rules: &ScopeRules, scopes: &[&str]) -> Option<Vec<String>> {
        let principal = rules.check(Principal::new("alice").with_scopes(scopes.iter().copied()));
        principal.ok().map(|principal| principal.scopes().map(str::to_owned).collect())
    }

    #[test]
    fn every_required_scope_must_be_granted() {
        let both = rules(&["a", "b", "a"], &[]);
        assert_eq!(both.required(), Some("a b"));
        assert_eq!(checked(&both, &["b", "x", "a"]).unwrap(), ["b", "x", "a"]);
        for scopes in [&["a"][..], &["b"], &["A", "b"], &["a b"], &[]] {
            assert_eq!(checked(&both, scopes), None, "{scopes:?}");
        }
        assert_eq!(rules(&[], &[]).required(), None);
        assert_eq!(checked(&rules(&[], &[]), &[]).unwrap(), [""; 0]);
    }

    #[test]
    fn implied_scopes_are_granted_transitively_in_any_order() {
        let pairs = [("a", "b"), ("b", "c"), ("c", "d")];
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let rules = rules(&["d"], &order.map(|index| pairs[index]));
            let mut granted = checked(&rules, &["a"]).unwrap();
            granted.sort();
            assert_eq!(granted, ["a", "b", "c", "d"], "{order:?}");
            assert_eq!(checked(&rules, &["c"]).unwrap(), ["c", "d"]);
            assert_eq!(checked(&rules, &["e"]), None);
        }
        let reversed = rules(&["a"], &pairs);
        assert_eq!(checked(&reversed, &["d"]), None, "the other direction is not implied");
    }

    #[test]
    fn cycles_of_implied_scopes_are_harmless() {
        let rules = rules(&["a"], &[("a", "b"), ("b", "c"), ("c", "a"), ("b", "b")]);
        for scope in ["a", "b", "c"] {
            assert_eq!(checked(&rules, &[scope]).unwrap().len(), 3, "{scope}");
        }
        assert_eq!(checked(&rules, &["d"]), None);
    }
}
