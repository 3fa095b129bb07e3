//! Entries of the log as fields of a stream.

use redis::streams::StreamId;
use redis::{FromRedisValue, from_redis_value};

use crate::stores::{RevocationEntry, RevocationKind};

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
pub(super) fn entry(fields: &StreamId) -> Option<RevocationEntry> {
    let code: String = field(fields, "k")?;
    let kind = RevocationKind::from_code(code.parse().ok()?)?;
    let digest: Vec<u8> = field(fields, "d")?;
    let fingerprint: Vec<u8> = field(fields, "f")?;
    let until = field(fields, "u")?;
    let entry =
        RevocationEntry::new(kind, digest.try_into().ok()?, fingerprint.try_into().ok()?, until);
    let before: String = field(fields, "b")?;
    Some(match before.as_str() {
        "" => entry,
        before => entry.issued_before(before.parse().ok()?),
    })
}

fn field<T: FromRedisValue>(fields: &StreamId, name: &str) -> Option<T> {
    from_redis_value(fields.map.get(name)?.clone()).ok()
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::*;

    fn stream_id(values: [Vec<u8>; 5]) -> StreamId {
        let mut fields = StreamId::default();
        for (name, value) in ["k", "d", "f", "b", "u"].into_iter().zip(values) {
            fields.map.insert(name.to_owned(), Value::BulkString(value));
        }
        fields
    }

    fn alice() -> RevocationEntry {
        RevocationEntry::new(RevocationKind::Principal, [0xff; 16], [0; 4], u64::MAX)
    }

    #[test]
    fn entries_are_read_as_they_were_written() {
        for written in [alice(), alice().issued_before(0), alice().issued_before(u64::MAX)] {
            assert_eq!(entry(&stream_id(arguments(&written))), Some(written));
        }
    }

    #[test]
    fn entries_of_another_form_are_left_out() {
        for (at, value) in
            [(0, "x"), (0, "pp"), (1, "short"), (2, "long!"), (3, "-1"), (4, ""), (4, "1.5")]
        {
            let mut values = arguments(&alice());
            values[at] = value.into();
            assert_eq!(entry(&stream_id(values)), None, "{value}");
        }
        let mut fields = stream_id(arguments(&alice()));
        fields.map.remove("f");
        assert_eq!(entry(&fields), None);
    }
}
