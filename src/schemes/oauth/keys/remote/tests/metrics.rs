//! What is counted.

use metrics_exporter_prometheus::PrometheusBuilder;

use super::*;

#[tokio::test(start_paused = true)]
async fn fetches_are_counted_and_the_age_of_keys_is_shown() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _guard = ::metrics::set_default_local_recorder(&recorder);
    let shows =
        |line: &str| assert!(metrics.render().contains(line), "{line}:\n{}", metrics.render());
    let (issuer, keys) = FakeIssuer::that(Does::Fail);
    assert_eq!(verdict(&keys, "a").await, Unavailable(1));
    shows("mcp_auth_key_refreshes_total{outcome=\"failed\"} 1\n");
    assert!(!metrics.render().contains("mcp_auth_key_age_seconds"), "there are no keys");
    issuer.now(Does::Publish(&["a"]));
    keys.refresh().await.unwrap();
    tokio::task::yield_now().await;
    shows("mcp_auth_key_refreshes_total{outcome=\"applied\"} 1\n");
    shows("mcp_auth_key_age_seconds{issuer=\"https://id.example.com\"} 0");
    issuer.now(Does::Fail);
    pass(3600).await;
    let text = metrics.render();
    let age = text.lines().find_map(|line| {
        line.strip_prefix("mcp_auth_key_age_seconds{issuer=\"https://id.example.com\"} ")
    });
    let age: f64 = age.unwrap().parse().unwrap();
    assert!((3540.0..=3600.0).contains(&age), "{age}");
}
