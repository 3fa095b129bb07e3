//! The credential files: the clients that stay, and the batch of the current minute.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use soak_rules::Scheme;

use super::credential::{Addresses, Client, IssuerKey, STEADY};

/// How many principals stay throughout.
const PRINCIPALS: u32 = 1000;
/// How many clients of each scheme a batch has that are removed with its lines.
const REMOVED: usize = 3;

/// The directory of the four files.
pub struct Files {
    directory: PathBuf,
    /// The lines that stay: users, tokens and keys.
    steady: [String; 3],
    jwk: Value,
    addresses: Addresses,
}

/// The credentials that one reload adds, and the next one removes.
pub struct Batch {
    issuer: IssuerKey,
    /// Those to be revoked one by one, the next one last.
    pub to_revoke: Vec<Client>,
    /// Those that end when their lines are removed.
    pub to_remove: Vec<Client>,
}

/// Makes the clients that stay, each with an address of its own, and the issuer's key.
pub fn population() -> (Vec<Client>, IssuerKey) {
    let issuer = IssuerKey::new(STEADY);
    let addresses = Addresses::of(1);
    let client = |number: u32| {
        let scheme = Scheme::ALL[number as usize % Scheme::ALL.len()];
        Client::new(scheme, format!("principal-{number}"), addresses.next(), &issuer)
    };
    ((0..PRINCIPALS).map(client).collect(), issuer)
}

impl Files {
    /// Takes a directory. Nothing is written yet.
    pub fn new(directory: &Path, population: &[Client], issuer: &IssuerKey) -> Self {
        let directory = directory.to_owned();
        Self {
            directory,
            steady: lines(population),
            jwk: issuer.jwk(),
            addresses: Addresses::of(2),
        }
    }

    /// Makes a batch with clients of these schemes to be revoked one by one, in this order.
    pub fn batch(&self, number: u64, schemes: impl Iterator<Item = Scheme>) -> Batch {
        let issuer = IssuerKey::new(format!("batch-{number}"));
        let client = |kind: &str, at: usize, scheme| {
            let name = format!("{kind}-{number}-{at}");
            Client::new(scheme, name, self.addresses.next(), &issuer)
        };
        let to_revoke = schemes.enumerate().map(|(at, scheme)| client("revoked", at, scheme));
        let mut to_revoke: Vec<_> = to_revoke.collect();
        to_revoke.reverse();
        let schemes = Scheme::ALL.into_iter().cycle().take(REMOVED * Scheme::ALL.len());
        let to_remove = schemes.enumerate().map(|(at, scheme)| client("removed", at, scheme));
        let to_remove = to_remove.collect();
        Batch { issuer, to_revoke, to_remove }
    }

    /// Replaces the files, each by a rename.
    pub fn write(&self, batch: &Batch) -> io::Result<()> {
        let clients = [&batch.to_revoke[..], &batch.to_remove[..]].concat();
        let batch_lines = lines(&clients);
        for ((name, steady), batch) in
            ["users", "tokens", "keys"].into_iter().zip(&self.steady).zip(&batch_lines)
        {
            self.replace(name, &format!("{steady}{batch}"))?;
        }
        self.replace("jwks", &json!({ "keys": [self.jwk, batch.issuer.jwk()] }).to_string())
    }

    fn replace(&self, name: &str, text: &str) -> io::Result<()> {
        let next = self.directory.join(format!("{name}.next"));
        fs::write(&next, text)?;
        fs::set_permissions(&next, fs::Permissions::from_mode(0o600))?;
        fs::rename(next, self.directory.join(name))
    }
}

/// Returns the lines of users, tokens and keys.
fn lines(clients: &[Client]) -> [String; 3] {
    [Scheme::Password, Scheme::Token, Scheme::Signature].map(|scheme| {
        let clients = clients.iter().filter(|client| client.scheme() == scheme);
        clients.filter_map(Client::line).collect()
    })
}
