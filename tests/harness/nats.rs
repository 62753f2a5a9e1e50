//! A NATS server of a test's own, which can stand still, go and come back.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::{skip, soon};

/// A server without anything to remember.
pub struct Nats {
    port: u16,
    options: Vec<String>,
    process: Child,
}

impl Nats {
    /// Starts one; none where there is no program for it, which is said, and fails where it must not be.
    pub async fn start(options: &[&str]) -> Option<Self> {
        let there = Command::new(program()).arg("--version").output().await;
        if there.is_err() {
            skip("no nats-server");
            return None;
        }
        let options: Vec<_> = options.iter().map(ToString::to_string).collect();
        // On another port where somebody was faster.
        for _ in 0..3 {
            let port = free_port();
            if let Some(process) = spawn(port, &options).await {
                return Some(Self { port, options, process });
            }
        }
        panic!("nats-server ends at once");
    }

    /// As a value of `--broker-url`.
    pub fn url(&self) -> String {
        self.url_of("")
    }

    /// The same, with somebody's credentials.
    pub fn url_of(&self, who: &str) -> String {
        let at = if who.is_empty() { "" } else { "@" };
        format!("nats://{who}{at}127.0.0.1:{}", self.port)
    }

    /// Stands still until it goes on.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Goes on.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// Is gone at once.
    pub async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// Comes back where it was.
    pub async fn restart(&mut self) {
        let process = spawn(self.port, &self.options).await;
        self.process = process.expect("nats-server comes back");
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.process.id().expect("it runs")).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }
}

/// Debian puts it where not everybody looks.
fn program() -> &'static str {
    const DEBIAN: &str = "/usr/sbin/nats-server";
    match std::path::Path::new(DEBIAN).exists() {
        true => DEBIAN,
        false => "nats-server",
    }
}

/// A server that answers; none where it has ended instead.
async fn spawn(port: u16, options: &[String]) -> Option<Child> {
    let mut process = Command::new(program())
        .args(["-a", "127.0.0.1", "-p", &port.to_string()])
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let answered = async {
        while process.try_wait().unwrap().is_none() {
            if is_heard(port).await {
                return Some(process);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    };
    soon("nats-server", answered).await
}

/// Whether it is NATS that answers: it speaks first.
async fn is_heard(port: u16) -> bool {
    let greeted = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        let mut greeting = [0; 4];
        stream.read_exact(&mut greeting).await.ok()?;
        Some(&greeting == b"INFO")
    };
    let greeted = tokio::time::timeout(Duration::from_secs(1), greeted).await;
    greeted.ok().flatten() == Some(true)
}

/// A port that nobody has at this moment.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
