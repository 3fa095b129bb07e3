//! How long a response is fresh (RFC 9111 §4.2).

use std::time::Duration;

use http::HeaderMap;
use http::header::{AGE, CACHE_CONTROL};

/// Returns how long the server says that its response is fresh: `max-age`, less its `Age` in a cache on
/// the way, and nothing if it must not be cached. `None` if the server does not say.
pub(super) fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let mut fresh: Option<u64> = None;
    let fields = headers.get_all(CACHE_CONTROL);
    for directive in fields.into_iter().filter_map(|field| field.to_str().ok()) {
        for directive in directive.split(',').map(str::trim) {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            let seconds = if name.eq_ignore_ascii_case("max-age") {
                delta_seconds(value)
            } else if ["no-store", "no-cache"].iter().any(|no| name.eq_ignore_ascii_case(no)) {
                Some(0)
            } else {
                None
            };
            // Of contradictory values the most restrictive one counts (RFC 9111 §4.2.1).
            fresh = seconds.into_iter().chain(fresh).min();
        }
    }
    let age = headers.get(AGE).and_then(|age| delta_seconds(age.to_str().ok()?)).unwrap_or(0);
    fresh.map(|fresh| Duration::from_secs(fresh.saturating_sub(age)))
}

/// Parses a number of seconds. One that is too large is the largest one (RFC 9111 §1.2.2).
fn delta_seconds(value: &str) -> Option<u64> {
    let digits = value.trim().trim_matches('"');
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn seconds(fields: &[&'static str], age: Option<&'static str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(CACHE_CONTROL, HeaderValue::from_static(field));
        }
        if let Some(age) = age {
            headers.insert(AGE, HeaderValue::from_static(age));
        }
        max_age(&headers).map(|duration| duration.as_secs())
    }

    #[test]
    fn max_age_is_read_in_every_spelling() {
        for field in ["max-age=300", "public, Max-Age=300, must-revalidate", "max-age=\"300\""] {
            assert_eq!(seconds(&[field], None), Some(300), "{field}");
        }
        for field in
            ["public", "s-maxage=300", "max-age", "max-age=-1", "max-age=3e2", "x-max-age=1"]
        {
            assert_eq!(seconds(&[field], None), None, "{field}");
        }
        assert_eq!(seconds(&[], None), None);
    }

    #[test]
    fn the_most_restrictive_freshness_counts() {
        assert_eq!(seconds(&["max-age=300", "max-age=60"], None), Some(60));
        assert_eq!(seconds(&["max-age=300, no-cache"], None), Some(0));
        assert_eq!(seconds(&["no-store"], None), Some(0));
        assert_eq!(seconds(&["max-age=99999999999999999999999"], None), Some(u64::MAX));
    }

    #[test]
    fn the_age_in_a_cache_is_subtracted_from_max_age() {
        assert_eq!(seconds(&["max-age=300"], Some("100")), Some(200));
        assert_eq!(seconds(&["max-age=300"], Some("400")), Some(0));
        assert_eq!(seconds(&["max-age=300"], Some("soon")), Some(300));
        assert_eq!(seconds(&[], Some("100")), None);
    }
}
