//! `axum::serve`, with a timeout for request heads and a limit on their size, and a graceful
//! shutdown that ends open streams.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// How long open requests may take to end after the shutdown has begun.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

/// The maximum size of a request head, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// The pause after a failed `accept`, such as with too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until the token is cancelled. Then open requests have a few seconds to end.
///
/// A connection is closed if no complete request head arrives within `head_timeout`.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    head_timeout: Duration,
    shutdown: CancellationToken,
) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head_timeout);
    builder.http1().max_buf_size(MAX_HEAD);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(head_timeout);
    builder.http2().max_header_list_size(MAX_HEAD as u32);
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Events are small. Without this, each would wait for the acknowledgement of the last.
        let _ = stream.set_nodelay(true);
        let first_request = CancellationToken::new();
        let arrived = first_request.clone();
        let service = app.clone().map_request(move |mut request: http::Request<Incoming>| {
            arrived.cancel();
            request.extensions_mut().insert(ConnectInfo(peer));
            request.map(Body::new)
        });
        let service = TowerToHyperService::new(service);
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        let connection = connections.watch(connection.into_owned());
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            // Until the first request the protocol is unknown, and hyper has no timeout.
            tokio::select! {
                _ = &mut connection => return,
                () = tokio::time::sleep(head_timeout) => return,
                () = first_request.cancelled() => {}
            }
            let _ = connection.await;
        });
    }
    drop(listener);
    tokio::select! {
        () = connections.shutdown() => {}
        () = tokio::time::sleep(SHUTDOWN_TIMEOUT) => {}
    }
}
