//! nginx as a process, which balances requests between servers.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::net::TcpStream;

use super::{eventually, free_port};

/// nginx before several servers, which take turns. It ends when it is dropped.
pub struct Nginx {
    port: u16,
    process: Child,
    _directory: TempDir,
}

impl Nginx {
    /// Starts nginx before these servers, `127.0.0.1:PORT` each.
    ///
    /// # Panics
    ///
    /// If there is no nginx, or it does not start.
    pub async fn start(servers: &[&str]) -> Self {
        let directory = tempfile::Builder::new().prefix("nginx").tempdir().expect("a directory");
        // Its workers have another user, if it is started by root.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))
            .expect("the owner may");
        let port = free_port();
        let file = directory.path().join("nginx.conf");
        fs::write(&file, configuration(&directory, port, servers))
            .expect("the configuration is written");
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin"; // where Debian has it
        let mut command = Command::new("nginx");
        command.env("PATH", path).arg("-c").arg(&file).arg("-e").arg(directory.path().join("log"));
        let process = match command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
        {
            Ok(process) => process,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                panic!("there is no nginx on this machine: apt-get install nginx")
            }
            Err(error) => panic!("nginx: {error}"),
        };
        let nginx = Self { port, process, _directory: directory };
        eventually("nginx listens", async || TcpStream::connect(("127.0.0.1", port)).await.is_ok())
            .await;
        nginx
    }

    /// Returns `http://HOST:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master process ends its workers when it is asked to.
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.process),
            rustix::process::Signal::TERM,
        );
        let _ = self.process.wait();
    }
}

/// One worker, so that the turns are those of all requests.
fn configuration(directory: &TempDir, port: u16, servers: &[&str]) -> String {
    let folder = directory.path().display();
    let servers: String = servers.iter().map(|server| format!("server {server}; ")).collect();
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths: String =
        kinds.iter().map(|kind| format!("{kind}_temp_path {folder}/{kind}; ")).collect();
    format!(
        "daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/log;
         events {{}}
         http {{
             access_log off; {paths}
             upstream replicas {{ {servers} }}
             server {{
                 listen 127.0.0.1:{port};
                 location / {{
                     proxy_pass http://replicas;
                     proxy_http_version 1.1;
                     proxy_set_header Host $http_host;
                     proxy_set_header Connection '';
                     proxy_buffering off;
                     proxy_next_upstream off;
                 }}
             }}
         }}"
    )
}
