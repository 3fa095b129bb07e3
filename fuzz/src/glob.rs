//! Patterns by their definition: `*` is nothing, or a character and `*` again.

/// Returns whether a pattern matches a whole name. Each row of the table has the beginnings of the name that a
/// beginning of the pattern matches.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let mut row = vec![false; name.len() + 1];
    row[0] = true;
    for symbol in pattern {
        let mut next = vec![false; name.len() + 1];
        for at in 0..=name.len() {
            next[at] = match symbol {
                b'*' => row[at] || at > 0 && next[at - 1],
                literal => at > 0 && row[at - 1] && name[at - 1] == *literal,
            };
        }
        row = next;
    }
    row[name.len()]
}
