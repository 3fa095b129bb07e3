//! `credentials revoke`: removes lines of credential files, and tells all replicas of a server. Servers that have
//! these files reload them. Redis carries the news, the files keep it.

use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use mcp_auth_layer::credentials::CredentialFileErrorKind;
use mcp_auth_layer::schemes::HtpasswdFile;
use mcp_auth_layer::{Bearer, CredentialFileError, HttpSignature};
use sha2::{Digest, Sha256};

use super::cli::{self, Failure};
use super::credential_lines::{Format, Remaining, Target};
use super::credentials::invalid;
use super::log::log_problems_to_stderr;
use super::redis::{RedisArgs, RedisServer};
use super::replace_file::LockedFile;
use super::revoke_everywhere::{News, publish};
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
    #[command(flatten)]
    redis: RedisArgs,
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
        log_problems_to_stderr()?;
        let server = self.redis.server()?;
        let has_files = self.files().next().is_some();
        if !has_files && server.is_none() {
            let line =
                "revoke needs a file (--token-file, --hmac-key-file or --htpasswd), or --redis";
            return Err(Failure::usage(line));
        }
        let (target, token) = self.target()?;
        let mut done = Done::default();
        for (format, path) in self.files() {
            done.remove_lines(format, path, &target);
        }
        if has_files && !done.has_matched {
            done.problems.insert(0, "no line of these files matches: none was changed".to_owned());
        }
        if let Some(server) = server {
            done.tell_replicas(&server, self.news(token, &done)).await;
        }
        match &*done.problems {
            [] => Ok(()),
            problems => Err(Failure::work(problems.join("; "))),
        }
    }

    /// Returns what the replicas are told. A token alone is revoked where that is possible, so that another one of the
    /// same name works at once.
    fn news(&self, token: Option<String>, done: &Done) -> Vec<News> {
        let mut news: Vec<_> = done.tokens.iter().copied().map(News::TokenSha256).collect();
        match (token, &self.name) {
            (Some(token), _) => news = vec![News::Token(token)],
            (None, Some(name)) if self.token_files.is_empty() || done.has_other_lines => {
                news.push(News::Principal(name.clone()));
            }
            _ => {}
        }
        news
    }

    fn files(&self) -> impl Iterator<Item = (Format, &Path)> {
        let tokens = self.token_files.iter().map(|path| (Format::Tokens, &**path));
        let keys = self.key_files.iter().map(|path| (Format::Keys, &**path));
        let passwords = self.password_files.iter().map(|path| (Format::Passwords, &**path));
        tokens.chain(keys).chain(passwords)
    }

    /// Returns which lines are removed, and the token if there is one.
    fn target(&self) -> Result<(Target, Option<String>), Failure> {
        if let Some(name) = &self.name {
            return Ok((Target::Name(name.clone()), None));
        }
        let token = read_secret("token")?;
        // Validates the token.
        let _ = Bearer::new([("token", &token)]).map_err(invalid("--token"))?;
        Ok((Target::Token(Sha256::digest(&token).into()), Some(token)))
    }
}

/// What was done, and what was not.
#[derive(Default)]
struct Done {
    removed: usize,
    /// Whether a line was found, removed or not.
    has_matched: bool,
    /// The SHA-256 of the tokens whose lines were found.
    tokens: Vec<[u8; 32]>,
    /// Whether lines of keys or passwords were found.
    has_other_lines: bool,
    problems: Vec<String>,
}

impl Done {
    fn remove_lines(&mut self, format: Format, path: &Path, target: &Target) {
        let name = path.display();
        let file = match LockedFile::open(path) {
            Ok(file) => file,
            Err(error) => return self.problems.push(format!("{name}: cannot be read: {error}")),
        };
        let Remaining { text, removed, tokens, is_empty } = format.without(target, file.text());
        if removed == 0 {
            return;
        }
        self.has_matched = true;
        self.tokens.extend(tokens);
        self.has_other_lines |= format != Format::Tokens;
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

    async fn tell_replicas(&mut self, server: &RedisServer, news: Vec<News>) {
        if news.is_empty() {
            let line = "the replicas were not told, as no token was found: use `--token -`, or the name without --token-file";
            return self.problems.push(line.to_owned());
        }
        if let Err(problem) = publish(server, &news).await {
            let changed = if self.removed > 0 { " (the files were changed)" } else { "" };
            let again = "run this again with `--token -`, or with the name and without --token-file, once Redis answers";
            return self.problems.push(format!("{problem}{changed}: {again}"));
        }
        let refused = match &*news {
            [News::Token(_)] => "the token".to_owned(),
            [.., News::Principal(name)] => format!("every credential of {name}, also a new one,"),
            tokens => format!(
                "{} of the files",
                if tokens.len() == 1 { "the token" } else { "the tokens" }
            ),
        };
        cli::print_to_stderr(format_args!(
            "all replicas refuse {refused} for 24 hours; those whose files still have it accept it afterwards"
        ));
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
