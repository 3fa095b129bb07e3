//! Rules by what they are about.

use std::ops::ControlFlow;

use super::super::uri::differ_in_scheme;
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
        let Sought { effect, wanted, exact, decoded } = *sought;
        self.everything.iter().try_for_each(|rule| visit(*rule as usize))?;
        let has_globs = effect == Effect::Deny || wanted.allows_globs();
        self.find_name(wanted.kind, wanted.name, exact, has_globs, visit)?;
        if let Some((decoded, exact)) = decoded {
            self.find_name(wanted.kind, decoded, exact, true, visit)?;
        }
        if effect == Effect::Deny && !wanted.allows_globs() {
            self.find_possible(names, wanted.kind, wanted.name, visit)?;
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

    /// Visits the rules that may be about a URI, as it cannot be compared with them.
    fn find_possible<B>(
        &self,
        names: &Names,
        kind: Kind,
        uri: &str,
        visit: &mut impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let exact = self.exact.iter();
        exact
            .filter_map(|(name, rule)| Some((names.text(name, kind)?, rule)))
            .chain(self.globs[kind as usize].iter())
            .filter(|(pattern, _)| !differ_in_scheme(uri, pattern))
            .try_for_each(|(_, rule)| visit(rule as usize))
    }
}
