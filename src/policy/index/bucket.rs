//! The rules for one principal, role or scope.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::key::Key;
use super::names::{Entries, Names, Sought};
use super::table::Table;

/// Rules by the principal, role or scope that they are for.
pub(super) type Buckets = HashMap<Key, Bucket>;

/// The rules for one principal, role or scope. The fields are in this order in memory, next to the key.
#[derive(Clone, Default)]
#[repr(C)]
pub(super) struct Bucket {
    own: Table,
    /// Of rules that are in several buckets. Copies of a long list of names in each of a long list of
    /// buckets would take their product of memory.
    shared: Vec<Arc<Table>>,
    pub(super) rules: Vec<u32>,
}

/// Files a rule in the bucket of each key.
pub(super) fn file(rule: u32, entries: &Entries, keys: &[String], buckets: &mut Buckets) {
    if let [key] = keys {
        bucket(buckets, key).add(rule, entries);
        return;
    }
    let mut table = Table::default();
    table.add(rule, entries);
    let table = Arc::new(table);
    for key in keys {
        let bucket = bucket(buckets, key);
        bucket.rules.push(rule);
        bucket.shared.push(table.clone());
    }
}

/// Returns the bucket of a key, which is empty if it is new.
pub(super) fn bucket<'b>(buckets: &'b mut Buckets, key: &str) -> &'b mut Bucket {
    buckets.entry(key.into()).or_default()
}

impl Bucket {
    pub(super) fn add(&mut self, rule: u32, entries: &Entries) {
        self.rules.push(rule);
        self.own.add(rule, entries);
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = &Table> {
        [&self.own].into_iter().chain(self.shared.iter().map(|table| &**table))
    }

    /// Visits the rules that are about a name.
    pub(super) fn find<B>(
        &self,
        names: &Names,
        sought: &Sought<'_>,
        visit: &mut impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        self.tables().try_for_each(|table| table.find(names, sought, visit))
    }
}
