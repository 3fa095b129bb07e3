//! A table by name, for names that must stay unknown to those who measure the time of a look-up.

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::crypto::KeyedHash;

/// Values by the keyed hash of their name.
///
/// A look-up finds a value whether the table has the name or not, and takes the same way to it: that of the name, or that
/// of a stand-in, which the hash chooses. So a caller can go on with either of them, in the same time, and with memory that
/// is as likely to be in the caches.
#[derive(Clone)]
pub(crate) struct ByName<T> {
    hash: KeyedHash,
    /// In order, beside the entries, as a search reads these alone.
    hashes: Vec<u128>,
    entries: Vec<(Box<str>, T)>,
}

/// What a look-up finds.
#[derive(Clone, Copy)]
pub(crate) struct Found<'t, T> {
    pub(crate) value: &'t T,
    /// Whether it is the value of this name, and not that of a stand-in. Combine it with what decides, and branch then: a
    /// branch that depends on this alone would take its time.
    pub(crate) is_of_name: Choice,
}

impl<T> ByName<T> {
    /// Returns the value of a name, or that of a stand-in; `None` if the table is empty.
    pub(crate) fn find(&self, name: &str) -> Option<Found<'_, T>> {
        let hash = self.hash(name);
        let at = self.last_not_above(hash);
        let is_of_name = self.hashes.get(at as usize)?.ct_eq(&hash);
        // Each value is the stand-in of as many names.
        let stand_in = ((hash >> 64) * self.hashes.len() as u128) >> 64;
        let index = u64::conditional_select(&(stand_in as u64), &at, is_of_name);
        Some(Found { value: &self.entries[index as usize].1, is_of_name })
    }

    /// Returns the value of a name, if the table has it.
    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        self.find(name).filter(|found| found.is_of_name.into()).map(|found| found.value)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        let hash = self.hash(name);
        let at = self.position(hash);
        (self.hashes.get(at) == Some(&hash)).then(|| &mut self.entries[at].1)
    }

    /// Sets the value of a name. Other entries are moved: collect many at once instead.
    pub(crate) fn insert(&mut self, name: &str, value: T) {
        let hash = self.hash(name);
        let at = self.position(hash);
        if self.hashes.get(at) == Some(&hash) {
            self.entries[at].1 = value;
        } else {
            self.hashes.insert(at, hash);
            self.entries.insert(at, (name.into(), value));
        }
    }

    /// Keeps the values of which `keep` says so.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        let mut kept =
            self.entries.iter().map(|(_, value)| keep(value)).collect::<Vec<_>>().into_iter();
        let mut also_kept = kept.clone();
        self.hashes.retain(|_| kept.next() == Some(true));
        self.entries.retain(|_| also_kept.next() == Some(true));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.entries.iter().map(|(name, value)| (&**name, value))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut T)> {
        self.entries.iter_mut().map(|(name, value)| (&**name, value))
    }

    pub(crate) fn into_values(self) -> impl Iterator<Item = T> {
        self.entries.into_iter().map(|(_, value)| value)
    }

    pub(crate) fn len(&self) -> usize {
        self.hashes.len()
    }

    fn hash(&self, name: &str) -> u128 {
        self.hash.hash_parts([name.as_bytes()])
    }

    /// Returns the position of the last hash that is not above this one, or else the first one. No branch depends on the
    /// hash: those of names of the table would be predicted less often than those of others.
    fn last_not_above(&self, hash: u128) -> u64 {
        let (mut at, mut count) = (0, self.hashes.len() as u64);
        while count > 1 {
            let middle = at + count / 2;
            let is_above = Choice::from(u8::from(self.hashes[middle as usize] > hash));
            at = u64::conditional_select(&middle, &at, is_above);
            count -= count / 2;
        }
        at
    }

    /// Returns where a hash is or would be.
    fn position(&self, hash: u128) -> usize {
        self.hashes.partition_point(|other| *other < hash)
    }
}

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self { hash: KeyedHash::new(), hashes: Vec::new(), entries: Vec::new() }
    }
}

/// Collects values of names that differ.
impl<N: Into<Box<str>>, T> FromIterator<(N, T)> for ByName<T> {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(entries: I) -> Self {
        let mut table = Self::default();
        let hashed = entries.into_iter().map(|(name, value)| {
            let name = name.into();
            (table.hash(&name), (name, value))
        });
        let mut hashed: Vec<_> = hashed.collect();
        hashed.sort_unstable_by_key(|(hash, _)| *hash);
        (table.hashes, table.entries) = hashed.into_iter().unzip();
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table with the numbers below `count`, by their names.
    fn numbers(count: usize) -> ByName<usize> {
        (0..count).map(|number| (number.to_string(), number)).collect()
    }

    #[test]
    fn names_of_the_table_have_their_value_and_others_a_stand_in() {
        for count in [1, 2, 3, 100] {
            let table = numbers(count);
            for number in 0..2 * count {
                let (name, is_in_table) = (number.to_string(), number < count);
                let found = table.find(&name).unwrap();
                assert_eq!(bool::from(found.is_of_name), is_in_table);
                assert!(*found.value < count && (!is_in_table || *found.value == number));
                assert_eq!(table.get(&name).copied(), is_in_table.then_some(number));
            }
        }
        assert!(numbers(0).find("0").is_none() && numbers(0).get("0").is_none());
    }

    #[test]
    fn stand_ins_are_all_values() {
        let table = numbers(4);
        let stand_ins = (4..2000).map(|number| *table.find(&number.to_string()).unwrap().value);
        assert_eq!(stand_ins.collect::<std::collections::BTreeSet<_>>().len(), 4);
    }

    #[test]
    fn a_changed_table_finds_what_it_has() {
        let mut table = numbers(50);
        for number in 50..100 {
            table.insert(&number.to_string(), number);
        }
        table.insert("7", 70);
        *table.get_mut("8").unwrap() += 72;
        assert!(table.get_mut("100").is_none());
        table.retain(|number| number % 10 == 0);
        assert_eq!((table.len(), table.iter().count()), (12, 12));
        for (name, number) in [("7", Some(70)), ("8", Some(80)), ("90", Some(90)), ("91", None)] {
            assert_eq!(table.get(name).copied(), number, "{name}");
        }
        table.iter_mut().for_each(|(_, number)| *number = 0);
        assert!(table.into_values().all(|number| number == 0));
    }
}
