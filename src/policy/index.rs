//! Rules by their subjects, and then by the names that they have, so that a decision looks at few of them.
//!
//! A policy may have many rules, and each request may come from another caller: then memory is what takes the time.
//! So one look-up finds a caller, another one a name, and what is read after that is close together.

mod bucket;
mod exact;
mod globs;
mod key;
mod names;
mod number;
mod table;
mod wanted;

use std::collections::HashMap;
use std::ops::ControlFlow;

use self::bucket::{Bucket, Buckets, bucket, file};
use self::names::Names;
use self::number::number;
use self::wanted::Kind;
pub(super) use self::wanted::{Effect, Wanted};
use super::object::Objects;
use super::subject::{Caller, Subject};
use crate::auth::Principal;

/// Rules of one effect.
#[derive(Clone, Default)]
pub(super) struct Index {
    names: Names,
    /// By the names of principals without an issuer.
    of_no_issuer: Buckets,
    /// By issuers, and the names of their principals.
    by_issuer: HashMap<Box<str>, Buckets>,
    by_role: Buckets,
    by_scope: Buckets,
    general: Bucket,
    /// The rules of `by_scope`, for callers that lack the scope.
    scoped: Bucket,
    /// Whether there are rules about this kind of names.
    has: [bool; Kind::ALL.len()],
}

impl Index {
    /// Files a rule under the part of its subject that the fewest callers share: a principal, else a role, else a
    /// scope. Returns whether its subject has no other part, so that the rule is for every caller that finds it.
    pub(super) fn add(&mut self, rule: usize, subject: &Subject, objects: Objects) -> bool {
        let (rule, entries) = (number(rule), self.names.add(objects));
        for (has, kind) in self.has.iter_mut().zip(Kind::ALL) {
            *has |= entries.has(kind);
        }
        let Subject { names, issuer, roles, scopes } = subject;
        if !names.is_empty() {
            let by_name = match issuer {
                None => &mut self.of_no_issuer,
                Some(issuer) => self.by_issuer.entry(issuer.as_str().into()).or_default(),
            };
            file(rule, &entries, names, by_name);
            return roles.is_empty() && scopes.is_empty();
        }
        if let Some(any) = roles.first() {
            file(rule, &entries, any, &mut self.by_role);
        } else if let Some(scope) = scopes.first() {
            self.scoped.add(rule, &entries);
            bucket(&mut self.by_scope, scope.as_str()).add(rule, &entries);
        } else {
            self.general.add(rule, &entries);
        }
        issuer.is_none() && roles.len() + scopes.len() <= 1
    }

    fn of_principal(&self, principal: &Principal) -> Option<&Bucket> {
        match principal.issuer() {
            None => self.of_no_issuer.get(principal.name().as_bytes()),
            Some(issuer) => self.by_issuer.get(issuer)?.get(principal.name().as_bytes()),
        }
    }

    fn buckets<'i>(&'i self, caller: &'i Caller<'_>) -> impl Iterator<Item = &'i Bucket> {
        let by_principal = self.of_principal(caller.principal);
        let roles = (!self.by_role.is_empty()).then(|| caller.roles());
        let by_role =
            roles.into_iter().flatten().filter_map(|role| self.by_role.get(role.as_bytes()));
        let scopes = (!self.by_scope.is_empty()).then(|| caller.principal.scopes());
        let by_scope =
            scopes.into_iter().flatten().filter_map(|scope| self.by_scope.get(scope.as_bytes()));
        by_principal.into_iter().chain(by_role).chain(by_scope).chain([&self.general])
    }

    /// Calls `visit` with rules that match the name, and may be for the caller. A rule may be visited
    /// twice.
    pub(super) fn find<B>(
        &self,
        effect: Effect,
        caller: &Caller<'_>,
        wanted: &Wanted<'_>,
        mut visit: impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        if !self.has[wanted.kind as usize] {
            return ControlFlow::Continue(());
        }
        let sought = self.names.seek(effect, wanted);
        self.buckets(caller).try_for_each(|bucket| bucket.find(&self.names, &sought, &mut visit))
    }

    /// Calls `visit` with the allow rules for scopes that match the name, whether or not the caller has the scopes.
    pub(super) fn find_scoped(&self, wanted: &Wanted<'_>, mut visit: impl FnMut(usize)) {
        let sought = self.names.seek(Effect::Allow, wanted);
        let _ = self.scoped.find(&self.names, &sought, &mut |rule| {
            visit(rule);
            ControlFlow::<()>::Continue(())
        });
    }

    /// Returns whether `is_for` holds for any of the rules that may be for the caller.
    pub(super) fn any(&self, caller: &Caller<'_>, is_for: impl Fn(usize) -> bool) -> bool {
        self.buckets(caller).flat_map(|bucket| &bucket.rules).any(|rule| is_for(*rule as usize))
    }

    /// Returns whether `is_for` holds for any of the rules for everything that may be for the caller.
    pub(super) fn any_everything(
        &self,
        caller: &Caller<'_>,
        is_for: impl Fn(usize) -> bool,
    ) -> bool {
        self.buckets(caller)
            .flat_map(Bucket::tables)
            .flat_map(|table| &table.everything)
            .any(|rule| is_for(*rule as usize))
    }
}
