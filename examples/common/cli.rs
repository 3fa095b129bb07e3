//! Arguments, errors and output of a program. An error is one line, and quotes no secret.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ErrorKind};
use http::Uri;
use tokio::net::TcpListener;

/// Why a program fails, in one line.
#[derive(Debug)]
pub struct Failure {
    status: u8,
    line: String,
}

impl Failure {
    /// Invalid arguments or environment: exit status 2.
    pub fn usage(line: impl Display) -> Self {
        Self { status: 2, line: line.to_string() }
    }

    /// Any other failure: exit status 1.
    pub fn work(line: impl Display) -> Self {
        Self { status: 1, line: line.to_string() }
    }
}

/// Prints the error, if there is one, and returns the exit code.
pub fn exit(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { status, line }) => {
            let line = line.replace(['\r', '\n'], " ");
            print_to_stderr(format_args!("error: {line}"));
            ExitCode::from(status)
        }
    }
}

/// Prints a line to stdout at once. Unlike `println!`, it does not panic if stdout is closed.
pub fn print(line: impl Display) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// Prints a line to stderr. Unlike `eprintln!`, it does not panic if stderr is closed.
pub fn print_to_stderr(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Parses the arguments of this process. The errors of clap have several lines, and quote the
/// arguments; these do not.
pub fn parse<T: Parser>() -> Result<T, Failure> {
    T::try_parse().map_err(|error| {
        if let ErrorKind::DisplayHelp | ErrorKind::DisplayVersion = error.kind() {
            error.exit();
        }
        Failure::usage(format!("{} (--help lists the arguments)", explain(&error)))
    })
}

fn explain(error: &clap::Error) -> String {
    let argument = context(error, ContextKind::InvalidArg).unwrap_or_default();
    match (error.kind(), error.source()) {
        // Not quoted: it may be the second half of a password with a space.
        (ErrorKind::UnknownArgument, _) => match context(error, ContextKind::SuggestedArg) {
            Some(known) => format!("unknown argument; did you mean {known}?"),
            None => "unknown argument".to_owned(),
        },
        (_, Some(source)) => format!("{argument}: {source}"),
        (ErrorKind::InvalidValue, None) => format!("{argument} needs a value"),
        (kind, None) => format!("{kind}: {argument}"),
    }
}

fn context(error: &clap::Error, kind: ContextKind) -> Option<String> {
    error.get(kind).map(ToString::to_string)
}

/// The address to listen on.
#[derive(clap::Args)]
pub struct ListenArgs {
    /// The address or name to listen on
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// The port to listen on; 0 selects a free port
    #[arg(long, default_value_t = 8000)]
    port: u16,
}

impl ListenArgs {
    pub async fn bind(&self) -> Result<TcpListener, Failure> {
        let Self { host, port } = self;
        let without_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        TcpListener::bind((without_brackets.unwrap_or(host), *port)).await.map_err(|error| {
            Failure::usage(format!("cannot listen on --host {host:?} --port {port}: {error}"))
        })
    }
}

/// Parses the URL of a server, over plain HTTP.
pub fn http_url(argument: &str) -> Result<Uri, &'static str> {
    let expected = "expected a URL such as http://127.0.0.1:8000";
    let url: Uri = argument.parse().map_err(|_| expected)?;
    let authority = url.authority().ok_or(expected)?;
    match url.scheme_str() {
        Some("http") => {}
        Some("https") => {
            return Err("the examples have no TLS: use a TLS tunnel, and its http:// URL");
        }
        _ => return Err(expected),
    }
    if authority.as_str().contains('@') {
        return Err("a URL must not have credentials: it is logged and displayed");
    }
    let has_port = authority.as_str() != authority.host();
    if authority.host().is_empty() || has_port && authority.port_u16().is_none() {
        return Err(expected);
    }
    Ok(url)
}
