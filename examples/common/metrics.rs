//! Metrics for Prometheus.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use mcp_auth_layer::layer::ExactPath;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::cli::Failure;

const PATH: &str = "/metrics";
/// In seconds. A token takes microseconds, a hashed password some hundred milliseconds.
const BUCKETS: [f64; 9] = [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.3, 1.0, 3.0];
/// How often collected samples are aggregated. Until then they take up memory.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The flag for metrics.
#[derive(clap::Args)]
pub struct MetricsArgs {
    /// Serve metrics for Prometheus at /metrics, without authentication
    #[arg(long)]
    metrics: bool,
}

/// The metrics of this process, unless they are disabled.
pub struct Metrics(Option<PrometheusHandle>);

impl MetricsArgs {
    /// Starts to collect metrics, if that is configured. It has to be called before a layer is applied.
    pub fn start(self) -> Result<Metrics, Failure> {
        if !self.metrics {
            return Ok(Metrics(None));
        }
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).map_err(Failure::work)?;
        let handle = builder.install_recorder().map_err(Failure::work)?;
        let upkeep = handle.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP_INTERVAL).await;
                upkeep.run_upkeep();
            }
        });
        Ok(Metrics(Some(handle)))
    }
}

impl Metrics {
    /// Returns the path of the metrics, which is public: they contain no names.
    pub fn path(&self) -> Option<ExactPath> {
        self.0.as_ref().map(|_| ExactPath::from_static(PATH))
    }

    /// Serves the metrics at their path.
    pub fn add_route(&self, app: Router) -> Router {
        match self.0.clone() {
            Some(handle) => app.route(PATH, get(async move || handle.render())),
            None => app,
        }
    }
}
