//! The program as a process of its own, with a database of its own.

use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};
use std::sync::Arc;

use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::{Database, soon};

/// A running server.
pub struct Linnet {
    database: Arc<Database>,
    /// Where it logs.
    folder: TempDir,
    options: Vec<String>,
    process: Child,
    url: String,
    client: Client,
}

impl Linnet {
    /// Starts a server on a fresh database.
    pub async fn start() -> Self {
        Self::with(&["--rate-limit", "off"]).await
    }

    /// Starts a server on a fresh database with these options.
    pub async fn with(options: &[&str]) -> Self {
        Self::at(Arc::new(Database::fresh()), options).await
    }

    /// Starts a server on a database with these options. `NAME=value` is a variable of its environment.
    pub async fn at(database: Arc<Database>, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options: Vec<_> = options.iter().map(ToString::to_string).collect();
        let (process, url) = spawn(&database, folder.path(), &options).await;
        Self {
            database,
            folder,
            options,
            process,
            url,
            client: Client::new(),
        }
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// What its requests are made with.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The database, as a value of `--database-url`.
    pub fn database_url(&self) -> String {
        self.database.url()
    }

    /// The same, where nothing is written.
    pub fn reading_url(&self) -> String {
        match &*self.database {
            Database::File(_) => format!("{}?mode=ro", self.database.url()),
            Database::Postgres(_) => self.database.url(),
        }
    }

    #[allow(dead_code, reason = "for tests of several servers")]
    /// The database, for another server beside this one.
    pub fn database(&self) -> Arc<Database> {
        Arc::clone(&self.database)
    }

    /// Whether the database is a SQLite file.
    pub fn is_on_a_file(&self) -> bool {
        matches!(*self.database, Database::File(_))
    }

    /// The database's file; there is only one with SQLite.
    pub fn database_path(&self) -> String {
        assert!(self.is_on_a_file(), "PostgreSQL has no file");
        self.database_url().trim_start_matches("sqlite://").to_owned()
    }

    /// A folder of the test's own.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it holds in memory, in bytes; none where the system does not tell.
    pub fn memory(&self) -> Option<u64> {
        let id = self.process.id().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
        Some(kilobytes * 1024)
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Asks it to end, as an operator would.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        soon("the end", self.process.wait()).await.unwrap()
    }

    /// Ends it as a power cut would.
    pub async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// Starts it again on the same database, on another port.
    pub async fn restart(&mut self) {
        if self.process.try_wait().unwrap().is_none() {
            self.terminate().await;
        }
        (self.process, self.url) = spawn(&self.database, self.folder.path(), &self.options).await;
    }

    /// Puts a copy of the database aside, while the server is down.
    pub fn back_up(&self) {
        if let Database::Postgres(database) = &*self.database {
            return database.back_up();
        }
        let path = self.database_path();
        std::fs::copy(&path, format!("{path}.copy")).unwrap();
    }

    /// Puts the copy in the database's place, while the server is down.
    pub fn restore(&self) {
        if let Database::Postgres(database) = &*self.database {
            return database.restore();
        }
        let path = self.database_path();
        for left in [format!("{path}-wal"), format!("{path}-shm")] {
            let _ = std::fs::remove_file(left);
        }
        std::fs::copy(format!("{path}.copy"), &path).unwrap();
    }

    /// Begins a command on the same database, to be killed.
    pub fn begin(&self, arguments: &[&str]) -> Child {
        let mut command = bare();
        command.args(arguments).env("LINNET_DATABASE_URL", self.database_url());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.process.id().expect("it runs")).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// Runs a command on the same database.
    pub async fn command(&self, arguments: &[&str]) -> Output {
        self.command_with(arguments, "").await
    }

    /// Runs a command on the same database, with this as its standard input.
    pub async fn command_with(&self, arguments: &[&str], input: &str) -> Output {
        Run::new(arguments)
            .variable("LINNET_DATABASE_URL", &self.database_url())
            .output_for(input)
            .await
    }

    /// Runs a command that reads its standard input, and must succeed.
    pub async fn tell(&self, arguments: &[&str], input: &str) -> Output {
        let output = Run::new(arguments)
            .variable("LINNET_DATABASE_URL", &self.database_url())
            .output_for(input)
            .await;
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        output
    }
}

async fn spawn(database: &Database, folder: &Path, options: &[String]) -> (Child, String) {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    let mut process = bare()
        .arg("serve")
        .env("LINNET_LISTEN", "127.0.0.1:0")
        .args(["--database-url", &database.url()])
        .args(options.iter().filter(|option| variable(option).is_none()))
        .envs(options.iter().filter_map(|option| variable(option)))
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let line = soon("the address", lines.next_line()).await.unwrap();
    let url = line.as_deref().and_then(|line| line.strip_prefix("listening on "));
    let Some(url) = url else {
        let log = std::fs::read_to_string(folder.join("log")).unwrap();
        panic!("the server said {line:?} and logged:\n{log}");
    };
    (process, url.to_owned())
}

/// The name and value of `NAME=value`.
fn variable(option: &str) -> Option<(&str, &str)> {
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    option.split_once('=').filter(|(name, _)| is_name(name))
}

/// The program in an environment without its own variables.
fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linnet"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LINNET_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// One run of the program to its end.
pub struct Run(Command);

impl Run {
    pub fn new(arguments: &[&str]) -> Self {
        let mut command = bare();
        command.args(arguments);
        Self(command)
    }

    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    pub async fn output(mut self) -> Output {
        soon("the end of a command", self.0.output()).await.unwrap()
    }

    /// Runs it with this as its standard input.
    pub async fn output_for(mut self, input: &str) -> Output {
        self.0
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = self.0.spawn().unwrap();
        let mut pipe = process.stdin.take().unwrap();
        // One that ends without reading its input is not at fault.
        drop(pipe.write_all(input.as_bytes()).await);
        drop(pipe);
        soon("the end of a command", process.wait_with_output()).await.unwrap()
    }
}
