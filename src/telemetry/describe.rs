//! What exporters say about each metric, such as the `HELP` lines of Prometheus.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge};

/// Describes every metric to the recorder.
///
/// No metric has a unit: names have it already, and some exporters would append it again.
pub(crate) fn describe() {
    describe_counter!(
        "mcp_auth_requests_total",
        "Requests, by scheme, by outcome (authenticated, exempt, rejected, refused by the policy, expired) and by reason."
    );
    describe_counter!(
        "mcp_auth_decisions_total",
        "Decisions of the authorizer about messages, by outcome and by the kind of what is used."
    );
    describe_histogram!(
        "mcp_auth_verification_seconds",
        "Time of verifications that have to wait, such as of a password hash or by another server."
    );
    describe_gauge!("mcp_auth_open_streams", "Event streams that are open.");
    describe_counter!(
        "mcp_auth_rate_limited_total",
        "Requests that were rejected because their client failed to authenticate too often."
    );
    describe_counter!(
        "mcp_auth_reloads_total",
        "Reloads of credential files, by outcome (applied, failed)."
    );
    describe_counter!(
        "mcp_auth_key_refreshes_total",
        "Fetches of the keys of issuers, by outcome (applied, failed)."
    );
    describe_gauge!(
        "mcp_auth_key_age_seconds",
        "Time since the keys of an issuer were fetched. After 24 hours they are dropped."
    );
    describe_gauge!(
        "mcp_auth_revocations_heard_seconds",
        "Time since the store of revocations answered, 0 while it does."
    );
    begin_at_zero();
}

/// Records the metrics whose labels are known in advance. A counter that appears with its first event has no
/// increase that an alert could see.
fn begin_at_zero() {
    counter!("mcp_auth_rate_limited_total").increment(0);
    for outcome in ["applied", "failed"] {
        counter!("mcp_auth_reloads_total", "outcome" => outcome).increment(0);
        counter!("mcp_auth_key_refreshes_total", "outcome" => outcome).increment(0);
    }
    gauge!("mcp_auth_open_streams").increment(0);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::super::{metrics as recorded, outcome};
    use super::*;

    /// Returns what a recorder shows after `record`.
    fn rendered(record: impl FnOnce()) -> String {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, record);
        recorder.handle().render()
    }

    fn record_all() {
        recorded::request(None, outcome::EXEMPT, "");
        recorded::decision("allowed", "tool");
        recorded::rate_limited();
        recorded::reloaded("applied");
        recorded::keys_refreshed("failed");
        recorded::key_age("https://id.example.com", Duration::ZERO);
        recorded::revocations_heard(Duration::ZERO);
        drop(recorded::Verification::start());
        drop(recorded::OpenStream::open());
    }

    /// Returns the names of metrics in lines that begin with this word.
    fn names<'t>(text: &'t str, word: &str) -> BTreeSet<&'t str> {
        let lines = text.lines().filter_map(|line| line.strip_prefix(word));
        lines.filter_map(|line| line.split_whitespace().next()).collect()
    }

    #[test]
    fn every_metric_has_a_help_text() {
        let undescribed = rendered(record_all);
        assert_eq!(names(&undescribed, "# HELP "), BTreeSet::new());
        let text = rendered(|| {
            describe();
            record_all();
        });
        assert_eq!(names(&text, "# HELP ").len(), 9, "{text}");
        assert_eq!(names(&text, "# HELP "), names(&text, "# TYPE "), "{text}");
        assert_eq!(names(&text, "# TYPE "), names(&undescribed, "# TYPE "), "{text}");
    }

    #[test]
    fn counters_with_fixed_labels_begin_at_zero_once() {
        let text = rendered(|| {
            describe();
            recorded::rate_limited();
            describe(); // for another layer
        });
        for line in [
            "mcp_auth_rate_limited_total 1",
            "mcp_auth_reloads_total{outcome=\"failed\"} 0",
            "mcp_auth_key_refreshes_total{outcome=\"failed\"} 0",
            "mcp_auth_open_streams 0",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line}:\n{text}");
        }
    }
}
