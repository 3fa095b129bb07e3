//! Credentials on the command line, and the schemes that verify them.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mcp_auth_layer::auth::{AuthenticatorExt, BoxAuthenticator};
use mcp_auth_layer::schemes::{BearerToken, HtpasswdFile};
use mcp_auth_layer::{Basic, Bearer, HttpSignature};

use super::cli::Failure;
use super::environment;
use super::replicas::Replicas;

/// The flags for credentials.
#[derive(clap::Args)]
pub struct CredentialArgs {
    /// A user and a password for HTTP Basic; can be repeated. Without any credentials: USERNAME and
    /// PASSWORD from the environment, or else `admin` with a generated password
    #[arg(long = "user", value_name = "NAME:PASSWORD")]
    users: Vec<NamedSecret>,
    /// A bearer token with the name of its owner; can be repeated
    #[arg(long = "token", value_name = "NAME:TOKEN")]
    tokens: Vec<NamedSecret>,
    /// Seconds until the tokens of --token expire; their streams end then
    #[arg(long, value_name = "SECONDS", requires = "tokens")]
    token_ttl: Option<u64>,
    /// A key ID and its secret for signed requests (RFC 9421, hmac-sha256); can be repeated, and for
    /// rotation twice with the same ID. Create a secret with: openssl rand -base64 32
    #[arg(long = "hmac-key", value_name = "ID:BASE64SECRET")]
    keys: Vec<HmacKey>,
    /// A file of users and hashed passwords, as `htpasswd -B` writes it; reloaded when it changes
    #[arg(long, value_name = "FILE")]
    htpasswd: Option<PathBuf>,
    /// A file of hashed bearer tokens (see the example `credentials`); reloaded when it changes
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// A file of keys for signed requests (see the example `credentials`); reloaded when it changes
    #[arg(long, value_name = "FILE")]
    hmac_key_file: Option<PathBuf>,
}

impl CredentialArgs {
    /// Returns the names of those who have a credential, if all of them are on the command line.
    pub fn names(&self) -> Option<Vec<String>> {
        let has_files = [&self.htpasswd, &self.token_file, &self.hmac_key_file]
            .iter()
            .any(|file| file.is_some());
        let named = self.users.iter().chain(&self.tokens).map(|named| named.name.clone());
        let names: Vec<_> = named.chain(self.keys.iter().map(|key| key.id.clone())).collect();
        (!has_files && !names.is_empty()).then_some(names)
    }

    /// Returns the schemes in the order in which they should be tried, and the password of `admin`
    /// if one was generated. There is none if the server has other schemes. Signed requests are accepted once
    /// by all replicas.
    pub fn schemes(
        self,
        has_others: bool,
        replicas: &Replicas,
    ) -> Result<(Vec<BoxAuthenticator>, Option<String>), Failure> {
        let mut schemes = Vec::new();
        // Signatures first: the request is rejected if one is invalid, whatever else it carries.
        if !self.keys.is_empty() {
            let keys = self.keys.into_iter().map(|key| (key.id, key.secret));
            let keys = HttpSignature::new(keys).map_err(invalid("--hmac-key"))?;
            schemes.push(replicas.share_nonces(keys));
        }
        if let Some(file) = self.hmac_key_file {
            let keys = HttpSignature::from_file(file).map_err(invalid("--hmac-key-file"))?;
            schemes.push(replicas.share_nonces(keys));
        }
        if !self.users.is_empty() {
            let users = self.users.into_iter().map(|user| (user.name, user.secret));
            schemes.push(Basic::new(users).map_err(invalid("--user"))?.boxed());
        }
        if !self.tokens.is_empty() {
            let tokens = tokens(self.tokens, self.token_ttl)?;
            schemes.push(Bearer::new(tokens).map_err(invalid("--token"))?.boxed());
        }
        if let Some(file) = self.token_file {
            schemes.push(Bearer::from_file(file).map_err(invalid("--token-file"))?.boxed());
        }
        // Last: it hashes every password that the schemes before it do not know.
        if let Some(file) = self.htpasswd {
            schemes.push(HtpasswdFile::open(file).map_err(invalid("--htpasswd"))?.boxed());
        }
        if has_others || !schemes.is_empty() {
            return Ok((schemes, None));
        }

        let (user, generated) = match environment::username_and_password()? {
            Some(user) => (user, None),
            None => {
                let password = generate_secret()?;
                (("admin".to_owned(), password.clone()), Some(password))
            }
        };
        let basic = Basic::new([user]).map_err(invalid("USERNAME and PASSWORD"))?;
        Ok((vec![basic.boxed()], generated))
    }
}

fn tokens(
    tokens: Vec<NamedSecret>,
    seconds: Option<u64>,
) -> Result<Vec<(String, BearerToken)>, Failure> {
    let mut expiry = None;
    if let Some(seconds) = seconds {
        let time = SystemTime::now().checked_add(Duration::from_secs(seconds));
        expiry = Some(time.ok_or_else(|| Failure::usage("--token-ttl: too many seconds"))?);
    }
    Ok((tokens.into_iter())
        .map(|NamedSecret { name, secret }| {
            let token = BearerToken::new(secret);
            (name, if let Some(time) = expiry { token.expires_at(time) } else { token })
        })
        .collect())
}

pub fn invalid<E: Display>(option: &str) -> impl Fn(E) -> Failure {
    move |error| Failure::usage(format!("{option}: {error}"))
}

/// `NAME:SECRET`. It has no `Debug`, so that it is not printed by accident.
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
            Some((_, "")) => Err("the secret after the colon is empty; is a variable unset?"),
            Some((name, secret)) => Ok(Self { name: name.to_owned(), secret: secret.to_owned() }),
            None => Err("expected a name and its secret, separated by a colon"),
        }
    }
}

/// `ID:BASE64SECRET`. It has no `Debug` either.
#[derive(Clone)]
pub struct HmacKey {
    pub id: String,
    pub secret: Vec<u8>,
}

impl FromStr for HmacKey {
    type Err = &'static str;

    fn from_str(argument: &str) -> Result<Self, Self::Err> {
        let NamedSecret { name: id, secret } = argument.parse()?;
        let secret = STANDARD.decode(secret).map_err(|_| "expected the secret in base64")?;
        Ok(Self { id, secret })
    }
}

/// Returns 144 random bits, in characters that need no quotes in a shell.
pub fn generate_secret() -> Result<String, Failure> {
    Ok(URL_SAFE_NO_PAD.encode(random_bytes::<18>()?))
}

pub fn random_bytes<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|_| Failure::work("the operating system returns no random bytes"))?;
    Ok(bytes)
}
