//! Names that a lenient parser could take for one another.

/// Returns whether a parser somewhere could take the key for this name: if they have the same letters and digits
/// but for their case.
///
/// That covers parsers that ignore case (Go, ASP.NET, which also take `ſ` for `s` and `K` for `k`), parsers that
/// accept `task_id` for `taskId`, and parsers that end a text at a NUL.
pub(crate) fn is_alike(key: &str, name: &str) -> bool {
    if key.is_ascii() && name.is_ascii() && !key.contains('\0') {
        return ascii_skeleton(key).eq(ascii_skeleton(name));
    }
    let before_nul = key.split('\0').next().unwrap_or_default();
    [key, before_nul].into_iter().any(|key| skeleton(key).eq(skeleton(name)))
}

fn ascii_skeleton(text: &str) -> impl Iterator<Item = u8> {
    let letters = text.bytes().filter(u8::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase())
}

/// Upper case comes first: it maps `ſ` to `S`, and the dotless `ı` to `I`.
pub(super) fn skeleton(text: &str) -> impl Iterator<Item = char> {
    let folded = text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    folded.filter(|letter| letter.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_spellings_are_alike() {
        for (key, name) in [
            ("name", "name"),
            ("Name", "name"),
            ("NAME", "name"),
            ("paramſ", "params"),
            ("PARAMſ", "params"),
            ("taſK\u{212A}", "taskk"),
            ("task_id", "taskId"),
            ("TASK-ID", "taskId"),
            (" name", "name"),
            ("na\u{200D}me", "name"),
            ("ıd", "id"),
            ("İd", "id"),
            ("name\0x", "name"),
            ("na\0me", "name"),
            ("größe", "GRÖSSE"),
        ] {
            assert!(is_alike(key, name), "{key:?} {name:?}");
        }
    }

    #[test]
    fn other_words_are_not_alike() {
        for (key, name) in [
            ("names", "name"),
            ("nam", "name"),
            ("näme", "name"),
            ("_meta", "method"),
            ("x-foo", "name"),
            ("", "name"),
            ("x\0name", "name"),
        ] {
            assert!(!is_alike(key, name), "{key:?} {name:?}");
        }
    }
}
