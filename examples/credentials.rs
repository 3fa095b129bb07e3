//! Makes the lines of token files, key files and password files.
//!
//!     cargo run --example credentials -- token ci --scopes tools:read >> tokens
//!     cargo run --example credentials -- key ci >> keys
//!     cargo run --example credentials -- password alice >> users.htpasswd
//!
//! The line goes to stdout. What its owner needs beside it goes to stderr, and nowhere else: a
//! token is shown this once.

mod common;

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use argon2::{Argon2, PasswordHasher};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clap::{Parser, Subcommand};
use common::cli::{self, Failure};
use mcp_auth_layer::{Basic, HttpSignature};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Makes a line of a token file, a key file or a password file
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Subcommand)]
enum Kind {
    /// A bearer token of 256 random bits, for Bearer::from_file
    Token {
        /// Whose it is
        #[arg(value_parser = word)]
        name: String,
        /// Until when it is good, such as 2030-01-31T12:00:00Z
        #[arg(long, value_name = "RFC3339", value_parser = time)]
        expires: Option<String>,
        /// What it is good for, such as tools:read,tools:call
        #[arg(long, value_delimiter = ',', value_parser = scope)]
        scopes: Vec<String>,
    },
    /// A secret of 256 random bits that signs requests, for HttpSignature::from_file
    Key {
        /// The key id
        #[arg(value_parser = word)]
        id: String,
    },
    /// A user of Basic::from_htpasswd_file. The password is read from the terminal, or is the
    /// first line of stdin where that is none
    Password {
        /// The name of the user
        #[arg(value_parser = no_comment)]
        user: String,
        /// Hashes with argon2id (19 MiB, two passes) in place of bcrypt (cost 12), which other
        /// servers read as well, but which takes no more than 72 bytes of a password
        #[arg(long)]
        argon2id: bool,
    },
}

fn main() -> ExitCode {
    cli::exit(cli::parse::<Args>().and_then(|args| make(args.kind)))
}

fn make(kind: Kind) -> Result<(), Failure> {
    match kind {
        Kind::Token { name, expires, scopes } => {
            let token = URL_SAFE_NO_PAD.encode(random()?);
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
            eprintln!("the token, which is shown this once: {token}");
            cli::print(line);
        }
        Kind::Key { id } => {
            let secret = random()?;
            // What is wrong with the id, it knows.
            HttpSignature::new([(&id, secret)]).map_err(Failure::usage)?;
            eprintln!("whoever signs needs the same: {id}, and what follows `base64:`");
            cli::print(format_args!("{id} base64:{}", STANDARD.encode(secret)));
        }
        Kind::Password { user, argon2id } => {
            let password = read_password()?;
            // What is wrong with either, it knows.
            Basic::new([(&user, &password)]).map_err(Failure::usage)?;
            let hash = if argon2id { argon2id_of(&password)? } else { bcrypt_of(&password)? };
            let line = format!("{user}:{hash}");
            Basic::from_htpasswd(&line).map_err(Failure::usage)?;
            cli::print(line);
        }
    }
    Ok(())
}

fn random() -> Result<[u8; 32], Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|_| Failure::work("the operating system gives no random bytes"))?;
    Ok(bytes)
}

/// As `htpasswd -B -C 12` writes it.
fn bcrypt_of(password: &str) -> Result<String, Failure> {
    if password.len() > 72 {
        let line = "bcrypt takes 72 bytes of a password at most: choose another, or --argon2id";
        return Err(Failure::usage(line));
    }
    let hash = bcrypt::hash_with_result(password, 12).map_err(Failure::work)?;
    Ok(hash.format_for_version(bcrypt::Version::TwoY))
}

fn argon2id_of(password: &str) -> Result<String, Failure> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    Ok(hash.map_err(Failure::work)?.to_string())
}

fn read_password() -> Result<String, Failure> {
    let unread = |error| Failure::work(format!("cannot read the password: {error}"));
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map_err(unread)?;
        let line = line.strip_suffix('\n').unwrap_or(&line);
        return Ok(line.strip_suffix('\r').unwrap_or(line).to_owned());
    }
    let password = rpassword::prompt_password("password: ").map_err(unread)?;
    match rpassword::prompt_password("once more: ").map_err(unread)? == password {
        true => Ok(password),
        false => Err(Failure::usage("these are two different passwords")),
    }
}

fn word(text: &str) -> Result<String, &'static str> {
    let separates = |c: char| c.is_whitespace() || c.is_control();
    match text.is_empty() || text.contains(separates) || text.starts_with('#') {
        true => Err("expected a name without white space, and no `#` in front"),
        false => Ok(text.to_owned()),
    }
}

fn no_comment(text: &str) -> Result<String, &'static str> {
    match text.starts_with('#') {
        true => Err("expected no `#` in front: the line would be a comment"),
        false => Ok(text.to_owned()),
    }
}

fn time(text: &str) -> Result<String, &'static str> {
    match OffsetDateTime::parse(text, &Rfc3339) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("expected a time as in RFC 3339, such as 2030-01-31T12:00:00Z"),
    }
}

fn scope(text: &str) -> Result<String, &'static str> {
    let allowed = |c: char| c.is_ascii_graphic() && !"\"\\".contains(c);
    match !text.is_empty() && text.chars().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err("expected scopes of printable ASCII with commas between them"),
    }
}
