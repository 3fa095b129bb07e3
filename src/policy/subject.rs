//! Whom a rule is for.

use std::fmt;

use crate::auth::{Principal, Scope};

/// Whom a rule is for.
///
/// | function | matches |
/// | --- | --- |
/// | [`principal`], [`principals`] | each of these principals, by name |
/// | [`role`], [`roles`] | every principal with any of these roles |
/// | [`scope`], [`scopes`] | every principal whose credential has all of these scopes |
/// | [`anyone`] | every authenticated principal |
///
/// [`and`](Self::and) joins two of them, and both must match.
///
/// ```
/// use mcp_auth_layer::policy::{principal, role, scope};
///
/// let person = principal("alice").issued_by("https://id.example.com");
/// let on_call = role("ops").and(scope("tools:write"));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Subject {
    /// Any of these names; if empty, every name.
    pub(super) names: Vec<String>,
    pub(super) issuer: Option<String>,
    /// Any role of each of these.
    pub(super) roles: Vec<Vec<String>>,
    pub(super) scopes: Vec<Scope>,
}

/// Matches the principal of this name that has no issuer.
///
/// Users of password files, keys and token files have no issuer, unless an option of their authenticator
/// sets one. A principal of a JWT has one: see [`issued_by`](Subject::issued_by).
///
/// # Panics
///
/// If the name is empty.
#[track_caller]
pub fn principal(name: impl Into<String>) -> Subject {
    principals([name])
}

/// Matches each principal of these names, as [`principal`] does.
///
/// # Panics
///
/// If there are no names, or one is empty.
#[track_caller]
pub fn principals(names: impl IntoIterator<Item = impl Into<String>>) -> Subject {
    Subject { names: not_empty("principals", names), ..anyone() }
}

/// Matches every principal with this role: in the principal's own [roles](Principal::roles), or
/// [assigned](super::Policy::assign_role) by the policy.
///
/// # Panics
///
/// If the role is empty.
#[track_caller]
pub fn role(role: impl Into<String>) -> Subject {
    roles([role])
}

/// Matches every principal with any of these roles.
///
/// # Panics
///
/// If there are no roles, or one is empty.
#[track_caller]
pub fn roles(roles: impl IntoIterator<Item = impl Into<String>>) -> Subject {
    Subject { roles: vec![not_empty("roles", roles)], ..anyone() }
}

/// Matches every principal whose credential has this scope.
///
/// # Panics
///
/// If a text is not a scope token (RFC 6749 §3.3).
#[track_caller]
pub fn scope<S: TryInto<Scope, Error: fmt::Display>>(scope: S) -> Subject {
    scopes([scope])
}

/// Matches every principal whose credential has all of these scopes.
///
/// # Panics
///
/// If there are no scopes, or a text is not a scope token (RFC 6749 §3.3).
#[track_caller]
pub fn scopes<S: TryInto<Scope, Error: fmt::Display>>(
    scopes: impl IntoIterator<Item = S>,
) -> Subject {
    let mut all = Vec::new();
    for scope in scopes {
        match scope.try_into() {
            Ok(scope) => all.push(scope),
            Err(error) => panic!("policy::scopes: {error}"),
        }
    }
    assert!(!all.is_empty(), "policy::scopes: there are none: use `anyone()`");
    Subject { scopes: all, ..anyone() }
}

/// Matches every authenticated principal.
pub fn anyone() -> Subject {
    Subject { names: Vec::new(), issuer: None, roles: Vec::new(), scopes: Vec::new() }
}

#[track_caller]
fn not_empty(function: &str, texts: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    let texts: Vec<String> = texts.into_iter().map(Into::into).collect();
    assert!(
        !texts.is_empty(),
        "policy::{function}: there are none: a rule without a subject has no effect"
    );
    assert!(texts.iter().all(|text| !text.is_empty()), "policy::{function}: one is empty");
    texts
}

impl Subject {
    /// Matches only principals of this issuer, such as the URL of an authorization server.
    ///
    /// The same name of another issuer is another principal. Roles and scopes without an issuer match
    /// those of every issuer.
    ///
    /// # Panics
    ///
    /// If it has another issuer already.
    #[track_caller]
    pub fn issued_by(mut self, issuer: impl Into<String>) -> Self {
        let issuer = issuer.into();
        assert!(
            self.issuer.is_none_or(|own| own == issuer),
            "Subject::issued_by: a principal has one issuer: add a rule for each"
        );
        self.issuer = Some(issuer);
        self
    }

    /// Matches only principals that the other one matches as well.
    ///
    /// # Panics
    ///
    /// If both name principals, or different issuers: no principal would match.
    #[track_caller]
    pub fn and(mut self, other: Self) -> Self {
        assert!(
            self.names.is_empty() || other.names.is_empty(),
            "Subject::and: a principal has one name: name all of them in one `principals`"
        );
        self.names.extend(other.names);
        self.roles.extend(other.roles);
        for scope in other.scopes {
            if !self.scopes.contains(&scope) {
                self.scopes.push(scope);
            }
        }
        match other.issuer {
            Some(issuer) => self.issued_by(issuer),
            None => self,
        }
    }

    /// Returns whether it matches, where the names are known to match.
    pub(super) fn matches_but_for_name(&self, caller: &Caller<'_>) -> bool {
        self.matches_but_for_scopes(caller)
            && self.scopes.iter().all(|scope| caller.principal.has_scope(scope.as_str()))
    }

    /// Returns whether scopes alone may be missing, where the names are known to match.
    pub(super) fn matches_but_for_scopes(&self, caller: &Caller<'_>) -> bool {
        // Principals without an issuer are not those of any issuer, see `matches_name`.
        (self.issuer.is_none() || self.issuer.as_deref() == caller.principal.issuer())
            && self.roles.iter().all(|any| any.iter().any(|role| caller.has_role(role)))
    }

    /// The principals that it names.
    pub(super) fn principals(&self) -> impl Iterator<Item = Principal> {
        self.names.iter().map(|name| match &self.issuer {
            Some(issuer) => Principal::new(name).issued_by(issuer),
            None => Principal::new(name),
        })
    }
}

/// Who wants to make a call.
pub(super) struct Caller<'p> {
    pub(super) principal: &'p Principal,
    /// The roles that the policy assigns to the principal.
    pub(super) assigned: &'p [String],
}

impl Caller<'_> {
    pub(super) fn roles(&self) -> impl Iterator<Item = &str> {
        self.principal.roles().chain(self.assigned.iter().map(String::as_str))
    }

    fn has_role(&self, role: &str) -> bool {
        self.roles().any(|own| own == role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_that_match_nobody_or_everybody_by_mistake_panic() {
        let none: [&str; 0] = [];
        let panics = |make: fn() -> Subject| std::panic::catch_unwind(make).is_err();
        assert!(panics(|| principals(Vec::<String>::new())) && panics(|| principal("")));
        assert!(panics(|| roles(Vec::<String>::new())) && panics(|| role("")));
        assert!(panics(|| scopes(Vec::<Scope>::new())) && panics(|| scope("a b")));
        assert!(panics(|| principal("a").and(principal("b"))));
        assert!(panics(|| role("a").issued_by("x").and(role("b").issued_by("y"))));
        assert!(
            none.is_empty() && !panics(|| role("a").issued_by("x").and(role("b").issued_by("x")))
        );
    }
}
