//! Rules by patterns that have `*`.

use std::ops::ControlFlow;

use super::super::pattern::matches;
use super::number::number;

/// Patterns one after the other in one text, as all of them are looked at in their order.
#[derive(Clone, Default)]
pub(super) struct Globs {
    text: String,
    /// Where each pattern ends, and its rule.
    ends: Vec<(u32, u32)>,
}

impl Globs {
    pub(super) fn add(&mut self, pattern: &str, rule: u32) {
        self.text.push_str(pattern);
        self.ends.push((number(self.text.len()), rule));
    }

    /// Visits the rules that have a pattern which matches this name, in the order in which they were added.
    pub(super) fn find<B>(
        &self,
        name: &str,
        visit: &mut impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let mut matching = self.iter().filter(|(pattern, _)| matches(pattern, name));
        matching.try_for_each(|(_, rule)| visit(rule as usize))
    }

    /// Returns all patterns, and their rules.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        let mut start = 0;
        self.ends.iter().map(move |(end, rule)| {
            let end = *end as usize;
            let pattern = &self.text[start..end];
            start = end;
            (pattern, *rule)
        })
    }
}
