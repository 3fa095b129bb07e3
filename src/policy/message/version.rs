//! The version of the protocol, as far as it matters here: whether it has batches.

use http::HeaderMap;

const PROTOCOL_VERSION: &str = "mcp-protocol-version";

/// Returns whether the version may have batches. Version 2025-06-18 removed them and introduced the field, so a
/// client of an earlier version does not send it, or names an earlier one.
pub(super) fn may_have_batches(headers: &HeaderMap) -> bool {
    let mut versions = headers.get_all(PROTOCOL_VERSION).iter();
    match (versions.next(), versions.next()) {
        (None, _) => true,
        (Some(only), None) => [&b"2024-11-05"[..], b"2025-03-26"].contains(&only.as_bytes()),
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_versions_before_2025_06_18_have_batches() {
        let with = |versions: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for version in versions {
                headers.append(PROTOCOL_VERSION, HeaderValue::from_static(version));
            }
            may_have_batches(&headers)
        };
        assert!(with(&[]) && with(&["2025-03-26"]) && with(&["2024-11-05"]));
        for version in ["2025-06-18", "2025-11-25", "2026-07-28", "", "1", "2025-03-26, 2025-06-18"]
        {
            assert!(!with(&[version]), "{version}");
        }
        assert!(!with(&["2025-03-26", "2025-03-26"]));
    }
}
