//! The servers, each a process on the first core; whoever asks is on the second.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LINNET: &str = env!("CARGO_BIN_EXE_linnet");
/// How many ticks of `/proc` a second has, on every Linux.
const TICKS: f64 = 100.0;
const LONGEST_START: Duration = Duration::from_secs(30);

/// A server; ends when dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

/// What a process has used.
#[derive(Clone, Copy)]
pub struct Usage {
    /// Seconds of CPU.
    pub cpu: f64,
    /// Bytes of memory, with the parts of files that are mapped.
    pub resident: f64,
    /// Bytes that are no file's.
    pub own: f64,
}

/// Keeps this process to a core, where the system has `taskset`.
pub fn keep_to_core(core: usize) {
    let own = std::process::id().to_string();
    let _ = Command::new("taskset")
        .args(["-cp", &core.to_string(), &own])
        .stdout(Stdio::null())
        .status();
}

/// A program on the first core, where the system has `taskset`.
fn on_first_core(program: &Path) -> Command {
    let has_taskset = Command::new("taskset")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok();
    if has_taskset {
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// Runs a command of Linnet, and gives what it printed.
pub fn command(database: &Path, arguments: &[&str]) -> String {
    let url = format!("sqlite://{}", database.display());
    let done = Command::new(LINNET)
        .args(arguments)
        .args(["--database-url", &url])
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert!(done.status.success(), "{arguments:?}");
    String::from_utf8(done.stdout).unwrap()
}

/// Fills a database of the reference.
pub fn prepare(programs: &Path, data: &Path) -> PathBuf {
    let database = data.join("reference.db");
    let mut command = Command::new(programs.join("prepare-db"));
    let done = command
        .arg("--data")
        .arg(data)
        .arg("--out")
        .arg(&database)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(done.success(), "prepare-db");
    database
}

impl Server {
    pub fn linnet(database: &Path) -> Self {
        let url = format!("sqlite://{}", database.display());
        let mut command = on_first_core(Path::new(LINNET));
        command.args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--rate-limit",
            "off",
            "--database-url",
            &url,
        ]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().rsplit('/').next().unwrap().parse().unwrap();
        Self { child, address }
    }

    /// The usual way: it gets a database of its own, to write to.
    pub fn naive(programs: &Path, database: &Path) -> Self {
        let own = database.with_file_name("naive.db");
        std::fs::copy(database, &own).unwrap();
        Self::of_reference(&programs.join("naive"), &own, &["--sync", "FULL"])
    }

    pub fn ceiling(programs: &Path, database: &Path) -> Self {
        Self::of_reference(&programs.join("ceiling-sql"), database, &["--threads", "1"])
    }

    fn of_reference(program: &Path, database: &Path, arguments: &[&str]) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = on_first_core(program);
        command
            .arg("--db")
            .arg(database)
            .args(["--port", &address.port().to_string()])
            .args(arguments);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begin = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begin.elapsed() < LONGEST_START, "{} did not start", program.display());
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { child, address }
    }

    pub fn usage(&self) -> Usage {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).unwrap();
        let stat = read("stat");
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        let status = read("status");
        let kilobytes = |name: &str| -> f64 {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        Usage {
            cpu: ticks / TICKS,
            resident: kilobytes("VmRSS:") * 1024.0,
            own: kilobytes("RssAnon:") * 1024.0,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
