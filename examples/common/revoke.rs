//! `credentials revoke`: removes lines of credential files. Servers that have these files reload them, and end the
//! requests and streams of the credentials.

use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use mcp_auth_layer::credentials::CredentialFileErrorKind;
use mcp_auth_layer::schemes::HtpasswdFile;
use mcp_auth_layer::{Bearer, CredentialFileError, HttpSignature};
use sha2::{Digest, Sha256};

use super::cli::{self, Failure};
use super::credential_lines::{Format, Remaining, Target};
use super::credentials::invalid;
use super::replace_file::LockedFile;
use super::secret_input::read_secret;

/// The arguments of `credentials revoke`.
#[derive(clap::Args)]
pub struct RevokeArgs {
    /// The name of a user, of the owner of tokens, or of a key
    #[arg(required_unless_present = "token", value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,
    /// Instead of a name: revoke the one token that is typed, or that is the first line of stdin
    #[arg(long, value_name = "-", conflicts_with = "name")]
    token: Option<StdinMark>,
    /// A token file, whose lines are removed; can be repeated
    #[arg(long = "token-file", value_name = "FILE")]
    token_files: Vec<PathBuf>,
    /// A file of keys for signed requests, whose lines are removed; can be repeated
    #[arg(long = "hmac-key-file", value_name = "FILE", conflicts_with = "token")]
    key_files: Vec<PathBuf>,
    /// A password file, whose lines are removed; can be repeated
    #[arg(long = "htpasswd", value_name = "FILE", conflicts_with = "token")]
    password_files: Vec<PathBuf>,
}

/// `-`, for standard input. Anything else may be a secret, and is not quoted.
#[derive(Clone)]
struct StdinMark;

impl std::str::FromStr for StdinMark {
    type Err = &'static str;

    fn from_str(argument: &str) -> Result<Self, Self::Err> {
        match argument {
            "-" => Ok(Self),
            _ => Err("expected `-`, and the token on stdin: other users can see arguments"),
        }
    }
}

impl RevokeArgs {
    /// Does as much as is possible, and then reports everything that failed.
    pub async fn run(self) -> Result<(), Failure> {
        if self.files().next().is_none() {
            let line = "revoke needs --token-file, --hmac-key-file or --htpasswd";
            return Err(Failure::usage(line));
        }
        let target = self.target()?;
        let mut done = Done::default();
        for (format, path) in self.files() {
            done.remove_lines(format, path, &target);
        }
        if done.removed == 0 {
            done.problems
                .insert(0, "no line of these files matches: nothing was removed".to_owned());
        }
        match &*done.problems {
            [] => Ok(()),
            problems => Err(Failure::work(problems.join("; "))),
        }
    }

    fn files(&self) -> impl Iterator<Item = (Format, &Path)> {
        let tokens = self.token_files.iter().map(|path| (Format::Tokens, &**path));
        let keys = self.key_files.iter().map(|path| (Format::Keys, &**path));
        let passwords = self.password_files.iter().map(|path| (Format::Passwords, &**path));
        tokens.chain(keys).chain(passwords)
    }

    fn target(&self) -> Result<Target, Failure> {
        if let Some(name) = &self.name {
            return Ok(Target::Name(name.clone()));
        }
        let token = read_secret("token")?;
        // Validates the token.
        let _ = Bearer::new([("token", &token)]).map_err(invalid("--token"))?;
        Ok(Target::Token(Sha256::digest(&token).into()))
    }
}

/// What was done, and what was not.
#[derive(Default)]
struct Done {
    removed: usize,
    problems: Vec<String>,
}

impl Done {
    fn remove_lines(&mut self, format: Format, path: &Path, target: &Target) {
        let name = path.display();
        let file = match LockedFile::open(path) {
            Ok(file) => file,
            Err(error) => return self.problems.push(format!("{name}: cannot be read: {error}")),
        };
        let Remaining { text, removed, is_empty, .. } = format.without(target, file.text());
        if removed == 0 {
            return;
        }
        if let Err(error) = file.replace(&text) {
            return self.problems.push(format!("{name}: cannot be replaced: {error}"));
        }
        self.removed += removed;
        cli::print_to_stderr(format_args!(
            "{name}: {removed} {} removed",
            if removed == 1 { "line" } else { "lines" }
        ));
        if is_empty {
            let line = "no credential is left: servers that have loaded the file accept none, and no server starts with it";
            cli::print_to_stderr(format_args!("{name}: {line}"));
        } else if let Err(error) = check(format, path) {
            let line = "servers reject the file, and what was removed stays active, until this is repaired";
            self.problems.push(format!("{error}: {line}"));
        }
    }
}

/// Loads a file as a server does. The server may run as another user.
fn check(format: Format, path: &Path) -> Result<(), CredentialFileError> {
    let loaded = match format {
        Format::Tokens => Bearer::from_file(path).map(drop),
        Format::Keys => HttpSignature::from_file(path).map(drop),
        Format::Passwords => HtpasswdFile::open(path).map(drop),
    };
    loaded.or_else(|error| match error.kind() {
        CredentialFileErrorKind::Permissions => Ok(()),
        _ => Err(error),
    })
}
