//! Certificates, made by the `openssl` command.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// An authority, and a certificate that it issued for a name of a server.
pub struct Certificates(TempDir);

impl Certificates {
    /// Makes them for this name: `IP:127.0.0.1` or `DNS:HOST`.
    ///
    /// # Panics
    ///
    /// If there is no `openssl`.
    pub fn of(name: &str) -> Self {
        let certificates =
            Self(tempfile::Builder::new().prefix("certificates").tempdir().expect("a directory"));
        let new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
        certificates.openssl(&format!(
            "{new} -subj /CN=authority -keyout ca.key -out ca.pem -addext basicConstraints=critical,CA:TRUE"
        ));
        certificates.openssl(&format!(
            "{new} -subj /CN=server -keyout server.key -out server.pem -CA ca.pem -CAkey ca.key \
             -addext basicConstraints=critical,CA:FALSE -addext subjectAltName={name}"
        ));
        certificates
    }

    fn openssl(&self, arguments: &str) {
        let output = match Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(&self.0)
            .output()
        {
            Ok(output) => output,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                panic!("there is no openssl on this machine: apt-get install openssl")
            }
            Err(error) => panic!("openssl: {error}"),
        };
        assert!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Returns the certificate of the authority, in PEM.
    pub fn authority(&self) -> Vec<u8> {
        fs::read(self.path("ca.pem")).expect("it was made")
    }

    /// Returns the path of `ca.pem`, `server.pem` or `server.key`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}
