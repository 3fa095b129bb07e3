//! The command line: what is wrong with it is said in one line, and no secret is quoted.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clap::Parser;
use clap::error::{ContextKind, ErrorKind};
use http::Uri;
use mcp_auth_layer::{
    AuthenticatorExt, Basic, Bearer, BoxAuthenticator, HttpSignature, Principal, any_of,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::hosts::{self, Hosts};
use super::metrics::Metrics;
use super::{Listening, log, shutdown_signal};

/// Why a program ends early: one line that says what to do.
#[derive(Debug)]
pub struct Failure {
    status: u8,
    line: String,
}

impl Failure {
    /// It was started in a wrong way: exit status 2.
    pub fn usage(line: impl Display) -> Self {
        let line = line.to_string();
        Self { status: 2, line }
    }

    /// It was started well, and could not do its work: exit status 1.
    pub fn work(line: impl Display) -> Self {
        let line = line.to_string();
        Self { status: 1, line }
    }
}

/// Ends `main`.
pub fn exit(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { status, line }) => {
            // Not `eprintln!`, which panics where stderr is closed.
            let line = line.replace(['\r', '\n'], " ");
            let _ = writeln!(io::stderr(), "error: {line}");
            ExitCode::from(status)
        }
    }
}

/// Prints to stdout at once, and goes on where nobody reads it.
pub fn print(text: impl Display) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}

/// The arguments. What clap says about wrong ones has several lines, and quotes them.
pub fn parse<T: Parser>() -> Result<T, Failure> {
    T::try_parse().map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => error.exit(),
        kind => {
            let context = |kind| error.get(kind).map(ToString::to_string);
            let argument = context(ContextKind::InvalidArg).unwrap_or_default();
            let line = match (kind, error.source(), context(ContextKind::SuggestedArg)) {
                // Not quoted: it may be half of a password with a space in it.
                (ErrorKind::UnknownArgument, _, Some(known)) => {
                    format!("unknown argument; did you mean {known}?")
                }
                (ErrorKind::UnknownArgument, _, None) => "unknown argument".to_owned(),
                (ErrorKind::InvalidValue, None, _) => format!("{argument} needs a value"),
                (_, Some(source), _) => format!("{argument}: {source}"),
                (kind, None, _) => format!("{kind}: {argument}"),
            };
            Failure::usage(format!("{line} (--help lists the arguments)"))
        }
    })
}

/// `NAME:SECRET`. It has no `Debug`, so that nothing prints it by accident.
#[derive(Clone)]
pub struct NamedSecret {
    pub name: String,
    pub secret: String,
}

impl FromStr for NamedSecret {
    type Err = &'static str;

    fn from_str(argument: &str) -> Result<Self, Self::Err> {
        match argument.split_once(':') {
            Some(("", _)) => Err("the name before the colon is empty"),
            Some((_, "")) => Err("there is nothing behind the colon; is a variable unset?"),
            Some((name, secret)) => Ok(Self { name: name.to_owned(), secret: secret.to_owned() }),
            None => Err("expected a name and its secret, with a colon between them"),
        }
    }
}

/// `ID:BASE64SECRET`.
#[derive(Clone)]
pub(crate) struct HmacKey {
    pub(crate) id: String,
    pub(crate) secret: Vec<u8>,
}

impl FromStr for HmacKey {
    type Err = &'static str;

    fn from_str(argument: &str) -> Result<Self, Self::Err> {
        let NamedSecret { name: id, secret } = argument.parse()?;
        let secret = STANDARD.decode(secret).map_err(|_| "expected the secret in base64")?;
        Ok(Self { id, secret })
    }
}

/// Where to listen.
#[derive(clap::Args)]
pub struct Listen {
    /// The address or name to listen on
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// The port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// How many seconds a client may take for the head of a request; a connection on which none
    /// comes is closed
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    head_timeout: u64,
}

impl Listen {
    pub async fn bind(&self) -> Result<Listening, Failure> {
        let Self { host, port, head_timeout } = self;
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let listener = TcpListener::bind((bare.unwrap_or(host), *port)).await;
        let listener = listener.map_err(|error| {
            Failure::usage(format!("cannot listen on --host {host:?} --port {port}: {error}"))
        })?;
        Ok(Listening { listener, head_timeout: Duration::from_secs(*head_timeout) })
    }
}

/// Where a server listens, and whom it lets in.
#[derive(clap::Args)]
pub struct Server {
    #[command(flatten)]
    listen: Listen,
    /// A user and a password for HTTP Basic; can be repeated. Without any user, token and key:
    /// USERNAME and PASSWORD from the environment, or else `admin` with a generated password
    #[arg(long = "user", value_name = "NAME:PASSWORD")]
    users: Vec<NamedSecret>,
    /// A bearer token and the name of its owner; can be repeated
    #[arg(long = "token", value_name = "NAME:TOKEN")]
    tokens: Vec<NamedSecret>,
    /// How many seconds after the start the bearer tokens expire; what they opened ends then
    #[arg(long, value_name = "SECONDS", requires = "tokens")]
    token_ttl: Option<u64>,
    /// A key id and its secret, for signed requests (RFC 9421, hmac-sha256); can be repeated, and
    /// twice for the same id. Make one by: openssl rand -base64 32
    #[arg(long = "hmac-key", value_name = "ID:BASE64SECRET")]
    keys: Vec<HmacKey>,
    /// Users and their hashed passwords, as `htpasswd -B` writes them; read again when it changes
    #[arg(long, value_name = "FILE")]
    htpasswd: Option<PathBuf>,
    /// Digests of bearer tokens, a line each (see the example `credentials`); read again when it
    /// changes
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Keys for signed requests, a line each (see the example `credentials`); read again when it
    /// changes
    #[arg(long, value_name = "FILE")]
    hmac_key_file: Option<PathBuf>,
    /// A name by which clients reach this server, such as tools.example.com; can be repeated. On
    /// loopback no other names than those of loopback are accepted
    #[arg(long = "host-name", value_name = "NAME", value_parser = hosts::host_name)]
    host_names: Vec<String>,
    /// Count what is answered, and serve it at /metrics to everybody, for Prometheus
    #[arg(long)]
    metrics: bool,
}

/// A server that listens, and is about to serve.
pub struct Started {
    pub listening: Listening,
    pub authenticator: BoxAuthenticator,
    pub hosts: Hosts,
    pub metrics: Metrics,
    pub shutdown: CancellationToken,
}

impl Server {
    /// Listens, and prints where. `curl` is the command for a first look at that path.
    pub async fn start(self, path: &str, curl: &str) -> Result<Started, Failure> {
        log()?;
        let (authenticator, generated) = self.authenticator()?;
        let metrics = Metrics::start(self.metrics)?;
        let shutdown = shutdown_signal().map_err(Failure::work)?;
        let listening = self.listen.bind().await?;
        let address = listening.listener.local_addr().map_err(Failure::work)?;
        if !address.ip().is_loopback() {
            tracing::warn!("credentials cross the network in clear text: put TLS in front");
        }
        if let Some(password) = generated {
            print("nobody was named, so the user is admin, with a password for this run; try:");
            print(format_args!("  {curl} -u admin:{password} 'http://{address}{path}'"));
        }
        print(format_args!("listening on http://{address}{path}"));
        let hosts = Hosts::new(&self.host_names, address);
        Ok(Started { listening, authenticator, hosts, metrics, shutdown })
    }

    /// Who is let in, and the password if one had to be generated.
    fn authenticator(&self) -> Result<(BoxAuthenticator, Option<String>), Failure> {
        fn pairs(list: &[NamedSecret]) -> impl Iterator<Item = (&str, &str)> {
            list.iter().map(|one| (&*one.name, &*one.secret))
        }
        fn invalid<E: Display>(option: &str) -> impl Fn(E) -> Failure {
            move |error| Failure::usage(format!("{option}: {error}"))
        }
        // Signatures come first: a broken one is not made up for by another credential.
        let mut schemes = Vec::new();
        if !self.keys.is_empty() {
            let keys = self.keys.iter().map(|key| (&*key.id, &*key.secret));
            schemes.push(HttpSignature::new(keys).map_err(invalid("--hmac-key"))?.boxed());
        }
        if let Some(file) = &self.hmac_key_file {
            schemes
                .push(HttpSignature::from_file(file).map_err(invalid("--hmac-key-file"))?.boxed());
        }
        if !self.users.is_empty() {
            schemes.push(Basic::new(pairs(&self.users)).map_err(invalid("--user"))?.boxed());
        }
        if !self.tokens.is_empty() {
            let after = |ttl| SystemTime::now().checked_add(Duration::from_secs(ttl));
            let expiry = self.token_ttl.map(|ttl| after(ttl).ok_or("that is for ever"));
            let expiry = expiry.transpose().map_err(invalid("--token-ttl"))?;
            let owner = |name| match expiry {
                Some(time) => Principal::new(name).expires_at(time),
                None => Principal::new(name),
            };
            let tokens = pairs(&self.tokens).map(|(name, token)| (owner(name), token));
            schemes.push(Bearer::new(tokens).map_err(invalid("--token"))?.boxed());
        }
        if let Some(file) = &self.token_file {
            schemes.push(Bearer::from_file(file).map_err(invalid("--token-file"))?.boxed());
        }
        // Last, as it hashes whatever the others do not know, and counts that as a guess.
        if let Some(file) = &self.htpasswd {
            schemes.push(Basic::from_htpasswd_file(file).map_err(invalid("--htpasswd"))?.boxed());
        }
        let given = schemes.into_iter().reduce(|all, one| any_of(all, one).boxed());
        if let Some(given) = given {
            return Ok((given, None));
        }

        let (user, generated) = match user_of_environment()? {
            Some(user) => (user, None),
            None => {
                let password = generate_secret()?;
                (("admin".to_owned(), password.clone()), Some(password))
            }
        };
        let basic = Basic::new([user]).map_err(invalid("USERNAME and PASSWORD"))?;
        Ok((basic.boxed(), generated))
    }
}

/// `USERNAME` and `PASSWORD`, if both are set and not empty.
pub fn user_of_environment() -> Result<Option<(String, String)>, Failure> {
    let user = variable("USERNAME")?.zip(variable("PASSWORD")?);
    if let Some((name, password)) = &user {
        for (variable, value) in [("USERNAME", name), ("PASSWORD", password)] {
            if is_quoted(value) {
                let hint = "it begins and ends with a quotation mark, which counts as part of it; \
                            an env file of docker or systemd may need none";
                let _ = writeln!(io::stderr(), "hint: {variable} in the environment: {hint}");
            }
        }
    }
    Ok(user)
}

/// Whether quotation marks came along, as from an env file whose reader does not take them off.
fn is_quoted(value: &str) -> bool {
    ['"', '\'']
        .iter()
        .any(|&mark| value.len() > 1 && value.starts_with(mark) && value.ends_with(mark))
}

/// A variable of the environment, if it is set and not empty.
pub fn variable(name: &str) -> Result<Option<String>, Failure> {
    let value = std::env::var_os(name).unwrap_or_default().into_string();
    let value = value
        .map_err(|_| Failure::usage(format!("{name} in the environment: expected UTF-8 text")))?;
    Ok(Some(value).filter(|value| !value.is_empty()))
}

/// 144 random bits, in letters that need no quotes in a shell.
pub fn generate_secret() -> Result<String, Failure> {
    let mut bytes = [0; 18];
    getrandom::fill(&mut bytes)
        .map_err(|_| Failure::work("the operating system gives no random bytes"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The URL of a server, over plain HTTP.
pub fn http_url(argument: &str) -> Result<Uri, &'static str> {
    let expected = "expected a URL such as http://127.0.0.1:8000";
    let url: Uri = argument.parse().map_err(|_| expected)?;
    let authority = url.authority().ok_or(expected)?;
    match url.scheme_str() {
        Some("http") => {}
        Some("https") => {
            return Err(
                "the examples are built without TLS: use a TLS tunnel, and its http:// URL",
            );
        }
        _ => return Err(expected),
    }
    if authority.as_str().contains('@') {
        return Err("no credentials in a URL: it is logged and shown");
    }
    let portless = authority.as_str() == authority.host();
    if authority.host().is_empty() || !portless && authority.port_u16().is_none() {
        return Err(expected);
    }
    Ok(url)
}
