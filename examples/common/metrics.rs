//! `--metrics`: counters for Prometheus.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use mcp_auth_layer::McpAuthLayer;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::cli::Failure;

const PATH: &str = "/metrics";
/// Seconds: a token takes microseconds, a password file's hash some hundred milliseconds.
const BUCKETS: [f64; 9] = [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.3, 1.0, 3.0];

/// What was counted, if it was asked for.
#[derive(Clone)]
pub struct Metrics(Option<PrometheusHandle>);

impl Metrics {
    pub(super) fn start(wanted: bool) -> Result<Self, Failure> {
        if !wanted {
            return Ok(Self(None));
        }
        let counting = PrometheusBuilder::new().set_buckets(&BUCKETS).map_err(Failure::work)?;
        let handle = counting.install_recorder().map_err(Failure::work)?;
        let upkeep = handle.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(5)).await;
                upkeep.run_upkeep(); // sums samples up, of which there are more and more
            }
        });
        Ok(Self(Some(handle)))
    }

    /// Serves them at `/metrics`.
    pub fn route(&self, app: Router) -> Router {
        match self.0.clone() {
            Some(handle) => app.route(PATH, get(async move || handle.render())),
            None => app,
        }
    }

    /// To everybody: they name nobody.
    pub fn publish<A>(&self, layer: McpAuthLayer<A>) -> McpAuthLayer<A> {
        match self.0 {
            Some(_) => layer.public_path(PATH.parse().unwrap()),
            None => layer,
        }
    }
}
