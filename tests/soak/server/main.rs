//! The server of the soak: an axum app behind `McpAuthLayer`, with credentials of every scheme in files, and Redis for what
//! replicas share.
//!
//!     soak-server DIRECTORY REDIS_URL SECONDS
//!
//! It prints its address and that of its private port. It ends after so many seconds, or when its standard input does,
//! as when its parent was killed.

mod admin;
mod app;
#[path = "../../../examples/common/serve.rs"]
mod serve;

use std::error::Error;
use std::io::Read;
use std::path::Path;
use std::process::exit;
use std::thread;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::LevelFilter;

/// How long the head of a request may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_max_level(LevelFilter::WARN) // refused requests are `info`, and there are many
        .init();
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [directory, redis, seconds] = &arguments[..] else {
        return Err("usage: soak-server DIRECTORY REDIS_URL SECONDS".into());
    };
    end_after(Duration::from_secs(seconds.parse()?));
    let (app, handles) = app::start(Path::new(directory), redis).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let private = TcpListener::bind("127.0.0.1:0").await?;
    println!("{} {}", listener.local_addr()?, private.local_addr()?);
    let never = CancellationToken::new();
    tokio::spawn(serve::serve(private, admin::router(handles), HEAD_TIMEOUT, never.clone()));
    serve::serve(listener, app, HEAD_TIMEOUT, never).await;
    Ok(())
}

/// Ends the process after this time, or when its standard input ends.
fn end_after(time: Duration) {
    thread::spawn(move || {
        thread::sleep(time);
        eprintln!("soak-server: it should have ended long ago");
        exit(1);
    });
    thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        exit(0);
    });
}
