//! A plain reading of what the lines of all credential files have in common.

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Returns the lines of a file but blank ones and comments; `None` if the file is to be rejected.
pub fn lines(content: &[u8]) -> Option<Vec<&str>> {
    let text = str::from_utf8(content).ok()?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.len() > 4096 {
            return None;
        }
        let start = line.trim_start_matches(|c: char| c.is_ascii_whitespace());
        if start.is_empty() || start.starts_with('#') {
            continue;
        }
        if line.contains(BYTE_ORDER_MARK) {
            return None;
        }
        lines.push(line);
    }
    Some(lines)
}

/// Returns the fields of a line, which spaces and tabs separate.
pub fn fields(line: &str) -> Vec<&str> {
    line.split([' ', '\t']).filter(|field| !field.is_empty()).collect()
}
