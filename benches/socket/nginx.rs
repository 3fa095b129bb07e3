//! nginx as a reverse proxy in front of a server, which checks a credential.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// A check by `map`, of one bearer token.
pub const MAP: Check = Check {
    name: "nginx, map",
    authorization: "Bearer rD3m0NfE5Yc0mKq1bWv7XwZb9tQ0sJw2uLx4hVn6pRa",
    directives: "if ($token_is_valid = 0) { return 401; }",
};

/// A check by `auth_basic`, of one password that is not hashed: the quickest there is.
pub const AUTH_BASIC: Check = Check {
    name: "nginx, auth_basic",
    authorization: "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ==",
    directives: "auth_basic mcp; auth_basic_user_file users;",
};

const USERS: &str = "alice:{PLAIN}correct horse\n";

/// What nginx checks, and the credential that it accepts.
pub struct Check {
    pub name: &'static str,
    pub authorization: &'static str,
    directives: &'static str,
}

/// nginx as one process, which ends when this is dropped.
pub struct Nginx {
    pub address: SocketAddr,
    process: Child,
    _directory: TempDir,
}

impl Nginx {
    /// Starts nginx in front of this server. Returns nothing if it is not installed.
    pub fn start(check: &Check, upstream: SocketAddr) -> Option<Self> {
        let directory = tempfile::tempdir().expect("a directory");
        let address = free_address();
        let file = directory.path().join("nginx.conf");
        fs::write(directory.path().join("users"), USERS).expect("a file of users");
        fs::write(&file, configuration(check, directory.path(), address, upstream))
            .expect("a configuration");
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin"; // where Debian has it
        let mut command = Command::new("nginx");
        command.env("PATH", path).arg("-c").arg(&file).arg("-e").arg(directory.path().join("log"));
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = match quiet.spawn() {
            Ok(process) => process,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => panic!("nginx: {error}"),
        };
        let started = Self { address, process, _directory: directory };
        let listens = (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            TcpStream::connect(address).is_ok()
        });
        assert!(listens, "nginx does not listen");
        Some(started)
    }

    /// Where the scheduler says how long it has run.
    pub fn statistics(&self) -> PathBuf {
        Path::new("/proc").join(self.process.id().to_string()).join("schedstat")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("it is bound")
}

/// One process, as the server has one thread. Connections to it are kept as well. Responses are not buffered, as those of
/// MCP may be event streams.
fn configuration(
    check: &Check,
    folder: &Path,
    address: SocketAddr,
    upstream: SocketAddr,
) -> String {
    let folder = folder.display();
    let Check { directives, .. } = check;
    let token = MAP.authorization;
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths: String =
        kinds.iter().map(|kind| format!("{kind}_temp_path {folder}/{kind}; ")).collect();
    format!(
        "daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;
         events {{}}
         http {{
             access_log off; keepalive_requests 100000000; {paths}
             map_hash_bucket_size 128;
             map $http_authorization $token_is_valid {{ default 0; '{token}' 1; }}
             upstream handler {{
                 server {upstream};
                 keepalive 16;
                 keepalive_requests 100000000;
             }}
             server {{
                 listen {address};
                 location / {{
                     {directives}
                     proxy_pass http://handler;
                     proxy_http_version 1.1;
                     proxy_buffering off;
                     proxy_set_header Connection '';
                     proxy_set_header Authorization '';
                     proxy_set_header Host $http_host;
                 }}
             }}
         }}"
    )
}
