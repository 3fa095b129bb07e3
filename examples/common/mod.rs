//! What the examples share: the command line, the way a server starts and stops, the tools, and
//! the HTTP+SSE transport.

#![allow(dead_code, reason = "each example uses its own part of it")]

pub mod cli;
pub mod metrics;
pub mod sse;
pub mod tools;

use std::convert::Infallible;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::time::Duration;

use axum::ServiceExt;
use axum::extract::Request;
use axum::response::Response;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::Service;
use tracing_subscriber::EnvFilter;

use self::cli::Failure;

/// How long open requests may take to end once the server was told to stop.
const GRACE: Duration = Duration::from_secs(3);

/// Serves until the token is cancelled, and then what is still open, for a moment.
pub async fn serve<S>(
    listener: TcpListener,
    service: S,
    shutdown: CancellationToken,
) -> Result<(), Failure>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    // Events are small, and must not wait until the one before is acknowledged.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let service = service.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service)
        .with_graceful_shutdown(shutdown.clone().cancelled_owned())
        .into_future();
    let deadline = async {
        shutdown.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = serving => served.map_err(|error| Failure::work(format!("cannot serve: {error}"))),
        () = deadline => Ok(()),
    }
}

/// A token that Ctrl-C and SIGTERM cancel.
pub fn shutdown_signal() -> io::Result<CancellationToken> {
    let shutdown = CancellationToken::new();
    let (signal, token) = (signal()?, shutdown.clone());
    tokio::spawn(async move {
        signal.await;
        token.cancel();
    });
    Ok(shutdown)
}

#[cfg(unix)]
fn signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// Logs to stderr what `RUST_LOG` asks for: by default, what the layer refuses.
pub fn log() -> Result<(), Failure> {
    let wanted = std::env::var("RUST_LOG").unwrap_or_else(|_| "info,rmcp=warn".to_owned());
    let filter = EnvFilter::builder()
        .parse(wanted)
        .map_err(|error| Failure::usage(format!("RUST_LOG in the environment: {error}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .log_internal_errors(false) // where stderr is closed, reporting that there would panic
        .init();
    Ok(())
}
