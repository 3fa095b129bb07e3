//! What the examples share: the command line, the way a server starts and stops, the tools, and
//! the HTTP+SSE transport.

#![allow(dead_code, reason = "each example uses its own part of it")]

pub mod cli;
pub mod hosts;
pub mod metrics;
pub mod own_urls;
pub mod sessions;
pub mod sse;
pub mod tools;

use std::convert::Infallible;
use std::io::{self, IsTerminal};
use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt};
use tracing_subscriber::EnvFilter;

use self::cli::Failure;

/// How long open requests may take to end once the server was told to stop.
const GRACE: Duration = Duration::from_secs(3);

/// How many bytes the head of a request may have.
const HEAD_LIMIT: usize = 64 * 1024;

/// A port that is listened on.
pub struct Listening {
    pub listener: TcpListener,
    /// How long a head may take, and a connection may be silent before it.
    pub head_timeout: Duration,
}

/// Serves until the token is cancelled, and then what is still open, for a moment.
pub async fn serve<S>(
    Listening { listener, head_timeout }: Listening,
    service: S,
    shutdown: CancellationToken,
) -> Result<(), Failure>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    // As `axum::serve`, which waits for heads without end.
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head_timeout);
    builder.http1().max_buf_size(HEAD_LIMIT);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(head_timeout);
    builder.http2().max_header_list_size(HEAD_LIMIT as u32);
    let open = GracefulShutdown::new();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(_) => {
                    // The connection is gone, or there are too many files open for now.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = shutdown.cancelled() => break,
        };
        // Events are small, and must not wait until the one before is acknowledged.
        let _ = stream.set_nodelay(true);
        let begun = CancellationToken::new();
        let (service, told) = (service.clone(), begun.clone());
        let service = service.map_request(move |mut request: http::Request<Incoming>| {
            told.cancel();
            request.extensions_mut().insert(ConnectInfo(peer));
            request.map(Body::new)
        });
        let service = TowerToHyperService::new(service);
        let serving = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        let serving = open.watch(serving.into_owned());
        tokio::spawn(async move {
            let mut serving = pin!(serving);
            // Before the first request nothing else has a timer, as the protocol is not known.
            let silent = async {
                if tokio::time::timeout(head_timeout, begun.cancelled()).await.is_ok() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                _ = &mut serving => {}
                () = silent => {}
            }
        });
    }
    drop(listener);
    tokio::select! {
        () = open.shutdown() => {}
        () = tokio::time::sleep(GRACE) => {}
    }
    Ok(())
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
