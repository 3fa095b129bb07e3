//! Rules by the numbers of their names.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::names::NameId;

/// Up to this many names, comparing each is faster than a hash: eight are in one cache line.
const MAX_FEW: usize = 32;

/// Rules that name something without `*`.
#[derive(Clone)]
pub(super) enum Exact {
    /// Names, and their rules.
    Few(Vec<(NameId, u32)>),
    #[expect(clippy::box_collection, reason = "most tables are `Few`, and stay small")]
    Many(Box<HashMap<NameId, Rules>>),
}

/// The rules that have one name. There is nearly always one, which is then found without another pointer.
#[derive(Clone)]
pub(super) struct Rules {
    first: u32,
    more: Vec<u32>,
}

impl Default for Exact {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Exact {
    pub(super) fn add(&mut self, name: NameId, rule: u32) {
        match self {
            Self::Few(few) if few.len() < MAX_FEW => few.push((name, rule)),
            Self::Few(few) => {
                let mut many = HashMap::new();
                for (name, rule) in few.drain(..).chain([(name, rule)]) {
                    add(&mut many, name, rule);
                }
                *self = Self::Many(Box::new(many));
            }
            Self::Many(many) => add(many, name, rule),
        }
    }

    /// Visits the rules that have this name, in the order in which they were added.
    pub(super) fn find<B>(
        &self,
        name: NameId,
        visit: &mut impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        match self {
            Self::Few(few) => {
                let mut same = few.iter().filter(|(own, _)| *own == name);
                same.try_for_each(|(_, rule)| visit(*rule as usize))
            }
            Self::Many(many) => {
                let mut same = many.get(&name).into_iter().flat_map(Rules::iter);
                same.try_for_each(|rule| visit(rule as usize))
            }
        }
    }

    /// Returns all names, and their rules.
    pub(super) fn iter(&self) -> impl Iterator<Item = (NameId, u32)> {
        let (few, many) = match self {
            Self::Few(few) => (few.as_slice(), None),
            Self::Many(many) => (&[][..], Some(many)),
        };
        let many = many.into_iter().flat_map(|many| many.iter());
        let many = many.flat_map(|(name, rules)| rules.iter().map(move |rule| (*name, rule)));
        few.iter().copied().chain(many)
    }
}

fn add(many: &mut HashMap<NameId, Rules>, name: NameId, rule: u32) {
    many.entry(name)
        .and_modify(|rules| rules.more.push(rule))
        .or_insert_with(|| Rules { first: rule, more: Vec::new() });
}

impl Rules {
    fn iter(&self) -> impl Iterator<Item = u32> {
        [self.first].into_iter().chain(self.more.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_names_find_the_same_rules() {
        let mut exact = Exact::default();
        for rule in 0..100 {
            exact.add(rule % 50, rule);
            assert_eq!(exact.iter().count(), rule as usize + 1);
            for name in 0..=rule.min(49) {
                let mut found = Vec::new();
                let _ = exact.find(name, &mut |rule| {
                    found.push(rule as u32);
                    ControlFlow::<()>::Continue(())
                });
                let expected: Vec<_> = (name..=rule).step_by(50).collect();
                assert_eq!(found, expected);
            }
        }
        assert!(matches!(exact, Exact::Many(_)));
    }
}
