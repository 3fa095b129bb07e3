//! Creates lines of token files, key files and password files, and revokes them.
//!
//!     cargo run --example credentials -- token ci --scopes tools:read >> tokens
//!     cargo run --example credentials -- key ci >> keys
//!     cargo run --example credentials -- password alice >> users.htpasswd
//!     cargo run --example credentials -- revoke ci --token-file tokens
//!
//! The line is printed to stdout. What the client needs is printed to stderr. A token is not stored:
//! it is printed once.

mod common;

use std::fmt::Write;
use std::process::ExitCode;

use argon2::{Argon2, PasswordHasher};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clap::{Parser, Subcommand};
use common::cli::{self, Failure};
use common::credentials::random_bytes;
use common::revoke::RevokeArgs;
use common::secret_input::read_new_secret;
use mcp_auth_layer::schemes::HtpasswdFile;
use mcp_auth_layer::{Basic, HttpSignature};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Creates a line of a token file, a key file or a password file, or revokes such lines
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    #[command(flatten)]
    Create(Kind),
    /// Removes the credentials of a name, or one token, from files that servers reload, and with --redis tells all
    /// replicas of a server: their requests and streams end
    Revoke(RevokeArgs),
}

/// What is created.
#[derive(Subcommand)]
enum Kind {
    /// A bearer token of 256 random bits, for Bearer::from_file
    Token {
        /// The name of its owner
        #[arg(value_parser = word)]
        name: String,
        /// The time at which it expires, such as 2030-01-31T12:00:00Z
        #[arg(long, value_name = "RFC3339", value_parser = time)]
        expires: Option<String>,
        /// Its scopes, such as tools:read,tools:call
        #[arg(long, value_delimiter = ',', value_parser = scope)]
        scopes: Vec<String>,
        /// The roles of its owner, such as ops,staff
        #[arg(long, value_delimiter = ',', value_parser = role)]
        roles: Vec<String>,
    },
    /// A secret of 256 random bits for signed requests, for HttpSignature::from_file
    Key {
        /// The key ID
        #[arg(value_parser = word)]
        id: String,
    },
    /// A user, for HtpasswdFile::open. The password is read from the terminal, or from the first
    /// line of stdin if that is not a terminal
    Password {
        /// The name of the user
        #[arg(value_parser = no_comment)]
        user: String,
        /// Hash with argon2id (19 MiB, two passes) instead of bcrypt (cost 12). More servers support
        /// bcrypt, but it uses only the first 72 bytes of a password
        #[arg(long)]
        argon2id: bool,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    cli::exit(run().await)
}

async fn run() -> Result<(), Failure> {
    match cli::parse::<Args>()?.action {
        Action::Create(kind) => create(kind),
        Action::Revoke(revoke) => revoke.run().await,
    }
}

fn create(kind: Kind) -> Result<(), Failure> {
    match kind {
        Kind::Token { name, expires, scopes, roles } => {
            let token = URL_SAFE_NO_PAD.encode(random_bytes::<32>()?);
            let mut line = format!("{name} sha256:");
            for byte in Sha256::digest(&token) {
                let _ = write!(line, "{byte:02x}");
            }
            if let Some(time) = expires {
                line += &format!(" expires={time}");
            }
            if !scopes.is_empty() {
                line += &format!(" scopes={}", scopes.join(","));
            }
            if !roles.is_empty() {
                line += &format!(" roles={}", roles.join(","));
            }
            cli::print_to_stderr(format_args!("the token, which is not stored: {token}"));
            cli::print(line);
        }
        Kind::Key { id } => {
            let secret = random_bytes::<32>()?;
            // Validates the key ID.
            let _ = HttpSignature::new([(&id, secret)]).map_err(Failure::usage)?;
            cli::print_to_stderr(format_args!(
                "clients sign with key ID {id} and the text after `base64:`"
            ));
            cli::print(format_args!("{id} base64:{}", STANDARD.encode(secret)));
        }
        Kind::Password { user, argon2id } => {
            let password = read_new_secret("password")?;
            // Validates the name and the password.
            Basic::new([(&user, &password)]).map_err(Failure::usage)?;
            let hash = if argon2id { argon2id_hash(&password)? } else { bcrypt_hash(&password)? };
            let line = format!("{user}:{hash}");
            HtpasswdFile::from_text(&line).map_err(Failure::usage)?;
            cli::print(line);
        }
    }
    Ok(())
}

/// Hashes a password as `htpasswd -B -C 12` does.
fn bcrypt_hash(password: &str) -> Result<String, Failure> {
    if password.len() > 72 {
        let line =
            "bcrypt uses only the first 72 bytes of a password: use a shorter one, or --argon2id";
        return Err(Failure::usage(line));
    }
    let hash = bcrypt::hash_with_result(password, 12).map_err(Failure::work)?;
    Ok(hash.format_for_version(bcrypt::Version::TwoY))
}

fn argon2id_hash(password: &str) -> Result<String, Failure> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    Ok(hash.map_err(Failure::work)?.to_string())
}

fn word(text: &str) -> Result<String, &'static str> {
    if text.is_empty()
        || text.starts_with('#')
        || text.contains(|c: char| c.is_whitespace() || c.is_control())
    {
        return Err("expected a name without white space that does not begin with `#`");
    }
    Ok(text.to_owned())
}

fn no_comment(text: &str) -> Result<String, &'static str> {
    if text.starts_with('#') {
        return Err("must not begin with `#`: the line would be a comment");
    }
    Ok(text.to_owned())
}

fn time(text: &str) -> Result<String, &'static str> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| "expected a time in the format of RFC 3339, such as 2030-01-31T12:00:00Z")?;
    Ok(text.to_owned())
}

fn role(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("expected names without white space, separated by commas");
    }
    Ok(text.to_owned())
}

fn scope(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_graphic() && !"\"\\".contains(c)) {
        return Err("expected scopes of printable ASCII, separated by commas");
    }
    Ok(text.to_owned())
}
