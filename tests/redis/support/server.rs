//! `redis-server` as a process.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, RedisResult, cmd};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::info::field;
use super::{PATIENCE, eventually, free_port};

/// A `redis-server` on a port of the loopback interface, with a directory of its own. It is killed when it is
/// dropped. By default it writes no files on its own.
pub struct RedisServer {
    port: u16,
    directory: TempDir,
    /// The program that becomes the server, and its arguments; none for the server itself.
    starter: &'static [&'static str],
    /// `None` while it does not run.
    process: Mutex<Option<Child>>,
}

impl RedisServer {
    /// Starts a server with these lines in its configuration, and waits until it answers.
    ///
    /// # Panics
    ///
    /// If there is no `redis-server`, or it does not start.
    pub async fn start(configuration: &[(&str, &str)]) -> Self {
        Self::start_by(&[], configuration).await
    }

    /// Starts a server by a program that becomes the server, such as `setpriv`.
    pub async fn start_by(
        starter: &'static [&'static str],
        configuration: &[(&str, &str)],
    ) -> Self {
        let directory = tempfile::Builder::new().prefix("redis").tempdir().expect("a directory");
        let mut server = Self { port: 0, directory, starter, process: Mutex::new(None) };
        for _ in 0..20 {
            server.port = free_port();
            server.write_configuration(configuration);
            if server.launch().await {
                return server;
            }
        }
        panic!("redis-server does not start: {}", server.log());
    }

    fn write_configuration(&self, configuration: &[(&str, &str)]) {
        let mut text = format!(
            "port {}\nbind 127.0.0.1\ndir {}\nlogfile redis.log\nsave \"\"\nappendonly no\ndatabases 2\n\
             enable-debug-command local\nrepl-diskless-sync-delay 0\nrepl-ping-replica-period 1\n",
            self.port,
            self.directory.path().display(),
        );
        for (name, value) in configuration {
            text.push_str(&format!("{name} {value}\n"));
        }
        fs::write(self.file("redis.conf"), text).expect("the configuration is written");
    }

    /// Starts the process. Returns false if it ended before it answered, as when its port is taken.
    async fn launch(&self) -> bool {
        let words = [self.starter, &["redis-server"]].concat();
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .arg(self.file("redis.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                panic!("there is no redis-server on this machine: apt-get install redis-server")
            }
            Err(error) => panic!("redis-server: {error}"),
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            if child.try_wait().expect("the state of the process").is_some() {
                return false;
            }
            if self.is_answered_by(child.id()).await {
                self.process().replace(child);
                return true;
            }
            assert!(Instant::now() < deadline, "redis-server does not answer: {}", self.log());
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Whether this process answers at the port: another program may have taken it, and answer as well.
    async fn is_answered_by(&self, process: u32) -> bool {
        let Ok(mut connection) = try_connect(&self.url()).await else { return false };
        let info: RedisResult<String> =
            cmd("INFO").arg("server").query_async(&mut connection).await;
        info.is_ok_and(|info| field(&info, "process_id") == Some(process.to_string().as_str()))
    }

    /// Returns the URL of the server's first database.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Connects to the server, for a test's own use.
    pub async fn connection(&self) -> MultiplexedConnection {
        connect(&self.url()).await
    }

    /// Sends one command, on a connection of its own.
    ///
    /// # Panics
    ///
    /// If the server answers with an error.
    pub async fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut connection = self.connection().await;
        let mut command = cmd(words[0]);
        command.arg(&words[1..]);
        command
            .query_async(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// Kills the process (SIGKILL), and waits for its end.
    pub fn kill(&self) {
        if let Some(mut child) = self.process().take() {
            child.kill().expect("the process can be killed");
            child.wait().expect("the process ends");
        }
    }

    /// Stops the process (SIGSTOP): connections stay open, and are not answered.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// Continues the process (SIGCONT).
    pub fn cont(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let process = self.process();
        let child = process.as_ref().expect("the server runs");
        kill_process(Pid::from_child(child), signal).expect("the signal is sent");
    }

    /// Kills the process if it runs, and starts it on the same port, with the files that there are.
    pub async fn restart(&self) {
        self.kill();
        for _ in 0..100 {
            if self.launch().await {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("redis-server does not start again: {}", self.log());
    }

    /// Kills the process if it runs, and starts it on the same port, without data.
    pub async fn restart_empty(&self) {
        self.kill();
        let _ = fs::remove_file(self.file("dump.rdb"));
        let _ = fs::remove_dir_all(self.file("appendonlydir"));
        self.restart().await;
    }

    /// Saves the data (`SAVE`) and keeps a copy for [`restore_dump`](Self::restore_dump).
    pub async fn save_dump(&self) {
        self.command::<()>(&["SAVE"]).await;
        fs::copy(self.file("dump.rdb"), self.file("kept.rdb")).expect("there is a dump");
    }

    /// Kills the process if it runs, and puts the copy of [`save_dump`](Self::save_dump) where the next start
    /// reads it.
    pub fn restore_dump(&self) {
        self.kill();
        fs::copy(self.file("kept.rdb"), self.file("dump.rdb")).expect("there is a copy");
    }

    /// Returns the bytes of the last dump.
    pub fn dump(&self) -> Vec<u8> {
        fs::read(self.file("dump.rdb")).expect("there is a dump")
    }

    /// Lets the server save its data and end (`SHUTDOWN SAVE`).
    pub async fn shutdown_save(&self) {
        let mut connection = self.connection().await;
        // The connection ends instead of an answer.
        let _: RedisResult<()> = cmd("SHUTDOWN").arg("SAVE").query_async(&mut connection).await;
        let child = self.process().take();
        tokio::task::spawn_blocking(|| child.map(|mut child| child.wait()))
            .await
            .expect("the wait ends")
            .expect("the server ran")
            .expect("the process ends");
    }

    /// Makes this server a replica of another one, and waits until it has its data.
    pub async fn replica_of(&self, master: &RedisServer) {
        self.replica_of_port(master.port).await;
    }

    /// Makes this server a replica of what answers at a port, such as a [`Proxy`](super::Proxy).
    pub async fn replica_of_port(&self, port: u16) {
        self.command::<()>(&["REPLICAOF", "127.0.0.1", &port.to_string()]).await;
        eventually("the replica has its master's data", async || {
            self.info_field("replication", "master_link_status").await == "up"
        })
        .await;
    }

    /// Makes this server a master.
    pub async fn promote(&self) {
        self.command::<()>(&["REPLICAOF", "NO", "ONE"]).await;
    }

    /// Returns what the server logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.file("redis.log")).unwrap_or_default()
    }

    /// Returns the path of a file in the server's directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn process(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Connects to a URL, for a test's own use. Answers may take as long as tests wait.
///
/// # Panics
///
/// If that is not possible.
pub async fn connect(url: &str) -> MultiplexedConnection {
    try_connect(url).await.unwrap_or_else(|error| panic!("{url}: {error}"))
}

async fn try_connect(url: &str) -> RedisResult<MultiplexedConnection> {
    let timeouts = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    Client::open(url)?.get_multiplexed_async_connection_with_config(&timeouts).await
}

#[tokio::test]
async fn a_server_keeps_its_port_and_the_data_of_its_dump() {
    let server = RedisServer::start(&[("maxmemory", "50mb")]).await;
    server.command::<()>(&["SET", "a", "1"]).await;
    server.save_dump().await;
    server.command::<()>(&["SET", "a", "2"]).await;
    assert_eq!(server.command_calls("set").await, 2);
    server.restore_dump();
    server.restart().await;
    assert_eq!(server.command::<u8>(&["GET", "a"]).await, 1);
    server.shutdown_save().await;
    server.restart_empty().await;
    assert_eq!(server.command::<Option<u8>>(&["GET", "a"]).await, None);
    assert_eq!(server.info_field("memory", "maxmemory").await, (50 << 20).to_string());
}

#[tokio::test]
async fn a_replica_has_the_data_of_its_master() {
    let (master, replica) = tokio::join!(RedisServer::start(&[]), RedisServer::start(&[]));
    master.command::<()>(&["SET", "a", "1"]).await;
    replica.replica_of(&master).await;
    assert_eq!(replica.command::<u8>(&["GET", "a"]).await, 1);
    replica.promote().await;
    assert_eq!(replica.info_field("replication", "role").await, "master");
}
