//! Entries of the log as fields of a stream.

use std::collections::HashMap;
use std::str::FromStr;

use crate::stores::{RevocationEntry, RevocationKind};

/// The fields of an entry. They are bytes: one that is no text must not make a whole page unreadable.
pub(super) type Fields = HashMap<Vec<u8>, Vec<u8>>;

/// Returns the values of an entry, in the order in which the script takes them.
pub(super) fn arguments(entry: &RevocationEntry) -> [Vec<u8>; 5] {
    let text = |number: u64| number.to_string().into_bytes();
    [
        entry.kind.code().to_string().into_bytes(),
        entry.digest.to_vec(),
        entry.fingerprint.to_vec(),
        entry.before.map(text).unwrap_or_default(),
        text(entry.until),
    ]
}

/// Reads an entry, if it has the fields that it must have.
pub(super) fn entry(fields: &Fields) -> Option<RevocationEntry> {
    let kind = RevocationKind::from_code(text(fields, "k")?)?;
    let digest = bytes(fields, "d")?.try_into().ok()?;
    let fingerprint = bytes(fields, "f")?.try_into().ok()?;
    let entry = RevocationEntry::new(kind, digest, fingerprint, text(fields, "u")?);
    if bytes(fields, "b")?.is_empty() {
        return Some(entry);
    }
    Some(entry.issued_before(text(fields, "b")?))
}

fn bytes<'f>(fields: &'f Fields, name: &str) -> Option<&'f [u8]> {
    fields.get(name.as_bytes()).map(Vec::as_slice)
}

fn text<T: FromStr>(fields: &Fields, name: &str) -> Option<T> {
    str::from_utf8(bytes(fields, name)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(values: [Vec<u8>; 5]) -> Fields {
        ["k", "d", "f", "b", "u"].map(Vec::from).into_iter().zip(values).collect()
    }

    fn alice() -> RevocationEntry {
        RevocationEntry::new(RevocationKind::Principal, [0xff; 16], [0; 4], u64::MAX)
    }

    #[test]
    fn entries_are_read_as_they_were_written() {
        for written in [alice(), alice().issued_before(0), alice().issued_before(u64::MAX)] {
            assert_eq!(entry(&fields(arguments(&written))), Some(written));
        }
    }

    #[test]
    fn entries_of_another_form_are_left_out() {
        for (at, value) in
            [(0, "x"), (0, "pp"), (1, "short"), (2, "long!"), (3, "-1"), (4, ""), (4, "1.5")]
        {
            let mut values = arguments(&alice());
            values[at] = value.into();
            assert_eq!(entry(&fields(values)), None, "{value}");
        }
        let mut fields = fields(arguments(&alice()));
        fields.remove(&b"f"[..]);
        assert_eq!(entry(&fields), None);
    }
}
