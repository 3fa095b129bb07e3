//! The server as a process, its private port, and what it takes of the machine.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use soak_rules::Sample;

use super::http::{Reply, exchange};

/// The server. It ends when this is dropped, or with this process.
pub struct Server {
    process: Child,
    pub address: SocketAddr,
    pub private: Private,
}

/// The private port of the server.
#[derive(Clone, Copy)]
pub struct Private {
    address: SocketAddr,
    process: u32,
}

impl Server {
    /// Starts the server with the credential files of this directory. Its log is beside the programs.
    pub fn start(directory: &Path, redis: &str, longest: Duration) -> io::Result<Self> {
        let program = std::env::current_exe()?.with_file_name("soak-server");
        let log = fs::File::create(program.with_extension("log"))?;
        let mut process = Command::new(program)
            .arg(directory)
            .arg(redis)
            .arg(longest.as_secs().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let mut line = String::new();
        let stdout = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        BufReader::new(stdout).read_line(&mut line)?;
        let mut addresses = line.split_whitespace().map(str::parse);
        let (Some(Ok(address)), Some(Ok(private))) = (addresses.next(), addresses.next()) else {
            let _ = process.kill();
            return Err(io::Error::other(
                "the server did not start: see soak-server.log, beside this program",
            ));
        };
        let private = Private { address: private, process: process.id() };
        Ok(Self { process, address, private })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Private {
    async fn ask(&self, method: &str, path: &str, body: &str) -> Reply {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-type: text/plain\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        exchange(Ipv4Addr::LOCALHOST, self.address, request.as_bytes()).await
    }

    /// Lets the server read its files now.
    pub async fn reload(&self) -> Reply {
        self.ask("POST", "/reload", "").await
    }

    /// Revokes a credential: see the server.
    pub async fn revoke(&self, at: &str, what: &str, value: &str) -> Reply {
        self.ask("POST", "/revoke", &format!("{at}\n{what}\n{value}\n")).await
    }

    /// Measures the server. Returns `None` if it does not answer.
    pub async fn sample(&self, at: Duration, streams: u64) -> Option<Sample> {
        let tasks = self.ask("GET", "/tasks", "").await.body.parse().ok()?;
        let folder = format!("/proc/{}", self.process);
        let descriptors = fs::read_dir(format!("{folder}/fd")).ok()?.count() as u64;
        let status = fs::read_to_string(format!("{folder}/status")).ok()?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let resident = resident.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(Sample { at, resident, descriptors, tasks, streams })
    }
}
