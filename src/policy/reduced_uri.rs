//! URIs without what some servers ignore, for deny rules: `docs://a/b;v=1`, `docs://a//b/` and `docs://a/b#c` may be
//! `docs://a/b` to a server, and `file:/a` is `file:///a` (RFC 8089).

/// Returns a URI without its query and fragment, empty segments, what follows `;` in a segment, and dots and spaces at the
/// end of one; a host counts as a segment, and `localhost` of a file as none. Percent-encoding was removed before.
pub(super) fn reduced(uri: &str) -> String {
    let end = uri.find(['?', '#']).unwrap_or(uri.len());
    reduce(&uri[..end], |segment| {
        let name = segment.split(';').next().unwrap_or_default();
        name.trim_end_matches(|c: char| c == '.' || c.is_whitespace())
    })
}

/// Returns the pattern of reduced URIs that goes with a pattern, if there is one: not if it is about what would be
/// removed, as `docs://a?*` is, or `docs://*/`.
pub(super) fn reduced_pattern(pattern: &str) -> Option<String> {
    let is_about_more = pattern.contains(['?', '#', ';']) || pattern.ends_with("*/");
    let reduced = (!is_about_more).then(|| reduce(pattern, |segment| segment))?;
    (reduced != pattern).then_some(reduced)
}

/// Removes empty segments, and what `name` leaves out of the others.
fn reduce(uri: &str, name: impl Fn(&str) -> &str) -> String {
    let Some((scheme, rest)) = uri.split_once(':') else { return uri.to_owned() };
    let (mut reduced, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let is_here = scheme == "file" && host.eq_ignore_ascii_case("localhost");
            (format!("{scheme}://{}", if is_here { "" } else { name(host) }), path)
        }
        None if rest.starts_with('/') => (format!("{scheme}://"), rest),
        None => return format!("{scheme}:{}", joined(rest, name)),
    };
    let path = joined(path, name);
    if !path.is_empty() {
        reduced.push('/');
        reduced.push_str(&path);
    }
    reduced
}

fn joined(path: &str, name: impl Fn(&str) -> &str) -> String {
    let names: Vec<_> = path.split('/').map(name).filter(|name| !name.is_empty()).collect();
    names.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_may_ignore_is_removed() {
        for (uri, expected) in [
            ("docs://a/b", "docs://a/b"),
            ("docs://a", "docs://a"),
            ("docs://a/", "docs://a"),
            ("docs://a;v=1", "docs://a"),
            ("docs://a.", "docs://a"),
            ("docs://a//b///c/", "docs://a/b/c"),
            ("docs://a/b?c=/d#e", "docs://a/b"),
            ("docs://a/b#c", "docs://a/b"),
            ("docs://a/b;v=1/c;d", "docs://a/b/c"),
            ("docs://a/b. /c..", "docs://a/b/c"),
            ("docs:b", "docs:b"),
            ("docs:b//c;d", "docs:b/c"),
            ("file:///a/b", "file:///a/b"),
            ("file:/a/b", "file:///a/b"),
            ("file:////a/b", "file:///a/b"),
            ("file://LocalHost/a/b", "file:///a/b"),
            ("docs://localhost/a", "docs://localhost/a"),
            ("a/b", "a/b"),
        ] {
            assert_eq!(reduced(uri), expected, "{uri}");
        }
    }

    #[test]
    fn patterns_about_what_is_removed_have_no_other() {
        for (pattern, expected) in [
            ("docs://a/b", None),
            ("docs://*", None),
            ("*", None),
            ("file:///etc/*", None),
            ("docs://a/b/", Some("docs://a/b")),
            ("docs://a//*", Some("docs://a/*")),
            ("file:/etc/*", Some("file:///etc/*")),
            ("docs://a?*", None),
            ("docs://a/*;v", None),
            ("docs://a/#b", None),
            ("docs://*/", None),
            ("docs://a/*.", None),
        ] {
            assert_eq!(reduced_pattern(pattern).as_deref(), expected, "{pattern}");
        }
    }
}
