//! Rules by what they are about.

use std::ops::ControlFlow;

use super::super::pattern::matches;
use super::super::uri::{differ_in_scheme, matches_decoded};
use super::exact::Exact;
use super::globs::Globs;
use super::names::{Entries, NameId, Names, Sought};
use super::wanted::{Effect, Kind};

/// The names that rules have. The fields are in this order in memory: nearly every decision reads the first ones.
#[derive(Clone, Default)]
#[repr(C)]
pub(super) struct Table {
    /// Of all kinds: a number is that of a name of one kind.
    exact: Exact,
    pub(super) everything: Vec<u32>,
    globs: [Globs; Kind::ALL.len()],
}

impl Table {
    pub(super) fn add(&mut self, rule: u32, entries: &Entries) {
        if entries.everything {
            self.everything.push(rule);
        }
        for name in &entries.exact {
            self.exact.add(*name, rule);
        }
        for (globs, patterns) in self.globs.iter_mut().zip(&entries.globs) {
            for pattern in patterns {
                globs.add(pattern.as_str(), rule);
            }
        }
    }

    /// Visits the rules that are about a name.
    pub(super) fn find<B>(
        &self,
        names: &Names,
        sought: &Sought<'_>,
        visit: &mut impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let Sought { effect, wanted, exact, ref spellings } = *sought;
        self.everything.iter().try_for_each(|rule| visit(*rule as usize))?;
        if let (Effect::Allow, Some(other)) = (effect, wanted.decoded()) {
            self.find_name(wanted.kind, wanted.name, exact, false, visit)?;
            return self.find_alike(wanted.kind, wanted.name, other, visit);
        }
        let has_globs = effect == Effect::Deny || wanted.allows_globs();
        self.find_name(wanted.kind, wanted.name, exact, has_globs, visit)?;
        for (name, exact) in spellings {
            self.find_name(wanted.kind, name, *exact, true, visit)?;
            // A pattern may be percent-encoded as well, and in another way.
            let fits = |pattern: &str| pattern.contains('%') && matches_decoded(pattern, name);
            self.find_each(names, wanted.kind, fits, visit)?;
        }
        if effect == Effect::Deny && !wanted.allows_globs() {
            // It cannot be compared with the rules.
            let fits = |pattern: &str| !differ_in_scheme(wanted.name, pattern);
            self.find_each(names, wanted.kind, fits, visit)?;
        }
        ControlFlow::Continue(())
    }

    fn find_name<B>(
        &self,
        kind: Kind,
        name: &str,
        exact: Option<NameId>,
        has_globs: bool,
        visit: &mut impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        if let Some(exact) = exact {
            self.exact.find(exact, visit)?;
        }
        if has_globs {
            self.globs[kind as usize].find(name, visit)
        } else {
            ControlFlow::Continue(())
        }
    }

    /// Visits the rules with a pattern that matches a URI both as it is and decoded: `*` may stand for half an escape.
    fn find_alike<B>(
        &self,
        kind: Kind,
        uri: &str,
        decoded: &str,
        visit: &mut impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let mut alike = self.globs[kind as usize]
            .iter()
            .filter(|(pattern, _)| matches(pattern, uri) && matches_decoded(pattern, decoded));
        alike.try_for_each(|(_, rule)| visit(rule as usize))
    }

    /// Visits the rules with a name or a pattern that fits.
    fn find_each<B>(
        &self,
        names: &Names,
        kind: Kind,
        fits: impl Fn(&str) -> bool,
        visit: &mut impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let exact = self.exact.iter();
        exact
            .filter_map(|(name, rule)| Some((names.text(name, kind)?, rule)))
            .chain(self.globs[kind as usize].iter())
            .filter(|(pattern, _)| fits(pattern))
            .try_for_each(|(_, rule)| visit(rule as usize))
    }
}
