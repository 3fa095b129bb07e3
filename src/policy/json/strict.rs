//! Values that every parser reads in the same way.

use std::collections::HashSet;

use super::alike::skeleton;
use crate::json::{Keys, Whole};

/// Returns whether every parser reads this JSON value in the same way: no object in it has a member twice, even in
/// another spelling; no string has half a surrogate pair, no number is too great, and it is not nested too deeply.
pub(crate) fn reads_alike(json: &str) -> bool {
    serde_json::from_str::<Whole<Skeletons>>(json).is_ok()
}

/// The keys of an object, without their spelling.
#[derive(Default)]
struct Skeletons(HashSet<String>);

impl Keys for Skeletons {
    fn accept(&mut self, key: &str) -> bool {
        self.0.insert(skeleton(key).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values_read_alike() {
        for json in ["1", "-1.5", "null", r#""a\n""#, r#"[{"a":1},{"a":2,"b":{"a":3}}]"#] {
            assert!(reads_alike(json), "{json}");
        }
    }

    #[test]
    fn values_with_two_readings_do_not() {
        for json in [
            r#"{"a":1,"a":1}"#,
            r#"[[{"a":1,"A":1}]]"#,
            r#"{"a_b":1,"aB":1}"#,
            r#"["\udc00"]"#,
            r#"{"\ud800":1}"#,
            "1e999",
            "NaN",
            "1 2",
        ] {
            assert!(!reads_alike(json), "{json}");
        }
        assert!(!reads_alike(&("[".repeat(1000) + &"]".repeat(1000))));
    }
}
