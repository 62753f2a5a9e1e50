//! A PostgreSQL of the tests' own: one server a test process, one database a test.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use super::skip;

/// What the server is not asked to do: it has nothing to lose when the machine stops.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "fsync=off",
    "full_page_writes=off",
    "max_connections=400",
    "shared_buffers=64MB",
    "max_wal_size=256MB",
    "log_min_messages=fatal",
    "log_line_prefix=%d:",
];

/// Ends the server with whoever holds its input: also when that is killed.
const GUARD: &str = r#"
read -r _
"$1/pg_ctl" -D data -m immediate -w stop
cd / && rm -rf "$2"
"#;

/// The one server, or why there is none.
static SERVER: LazyLock<Result<Arc<Server>, String>> = LazyLock::new(|| Server::start().map(Arc::new));
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// What begins every database: a migrated one.
const TEMPLATE: &str = "linnet_template";

/// A running PostgreSQL.
#[derive(Debug)]
pub struct Server {
    binaries: PathBuf,
    folder: PathBuf,
    user: Option<(u32, u32)>,
    port: u16,
    /// Holds the guard's input.
    _guard: Child,
}

/// Whether the suite runs on PostgreSQL.
pub fn is_default() -> bool {
    match std::env::var("LINNET_TEST_DATABASE").as_deref() {
        Err(_) | Ok("sqlite") => false,
        Ok("postgres") => true,
        Ok(other) => panic!("LINNET_TEST_DATABASE is sqlite or postgres, not {other}"),
    }
}

/// Whether tests can have a PostgreSQL here. Says so where they can't, and fails where they must.
pub fn is_there() -> bool {
    match &*SERVER {
        Ok(_) => true,
        Err(reason) if is_default() => panic!("no PostgreSQL: {reason}"),
        Err(reason) => {
            skip(&format!("no PostgreSQL: {reason}"));
            false
        }
    }
}

/// The server that tests share.
pub fn shared() -> Arc<Server> {
    let server = SERVER
        .as_ref()
        .unwrap_or_else(|reason| panic!("no PostgreSQL: {reason}"));
    Arc::clone(server)
}

/// A database that goes with this.
#[derive(Debug)]
pub struct Database {
    server: Arc<Server>,
    name: String,
    /// Where Linnet is told that it is.
    port: u16,
    /// What Linnet's address says besides.
    parameters: String,
}

impl Database {
    /// A database that is as empty as a new one of Linnet's, and no copy of another.
    pub fn new() -> Self {
        Self::of(shared())
    }

    /// One of another server.
    pub fn of(server: Arc<Server>) -> Self {
        let database = Self::named_next(server);
        database.server.copy(TEMPLATE, &database.name);
        database.psql(
            "UPDATE installation SET uuid = replace(gen_random_uuid()::text, '-', ''); \
             UPDATE event SET nonce = floor(random() * 4294967296)::bigint",
        );
        database
    }

    /// A database without any table.
    pub fn bare() -> Self {
        let database = Self::named_next(shared());
        database.server.copy("template0", &database.name);
        database
    }

    fn named_next(server: Arc<Server>) -> Self {
        let name = format!("linnet_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let port = server.port;
        let parameters = String::new();
        Self {
            server,
            name,
            port,
            parameters,
        }
    }

    /// As a value of `--database-url`.
    pub fn url(&self) -> String {
        self.url_with(&self.parameters)
    }

    /// The same with these parameters: `sslmode=require&...`.
    pub fn url_with(&self, parameters: &str) -> String {
        let address = address(self.port, &self.name);
        match parameters {
            "" => address,
            parameters => format!("{address}?{parameters}"),
        }
    }

    /// Has Linnet's address say this.
    pub fn asking(mut self, parameters: &str) -> Self {
        self.parameters = parameters.to_owned();
        self
    }

    /// Has Linnet reach it at another port.
    pub fn through(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Runs statements past Linnet.
    pub fn psql(&self, sql: &str) -> String {
        self.server.psql(&self.name, sql).unwrap()
    }

    /// Puts a copy aside, while nobody uses it.
    pub fn back_up(&self) {
        let copy = format!("{}_copy", self.name);
        self.server.copy(&self.name, &copy);
    }

    /// Puts the copy in its place, while nobody uses it.
    pub fn restore(&self) {
        self.server.drop_database(&self.name).wait().unwrap();
        self.server.copy(&format!("{}_copy", self.name), &self.name);
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Nobody waits for it; what is left goes with the server.
        drop(self.server.drop_database(&self.name));
    }
}

impl Server {
    /// Starts one.
    pub fn start() -> Result<Self, String> {
        let binaries = binaries()?;
        let folder = tempfile::Builder::new()
            .prefix("linnet-postgres-")
            .tempdir()
            .map_err(|error| error.to_string())?
            .keep();
        let user = unprivileged()?;
        if let Some((user, group)) = user {
            chown(&folder, Some(user), Some(group)).map_err(|error| error.to_string())?;
        }
        let guard = as_user(user, &folder, Path::new("/bin/sh"))
            .args(["-c", GUARD, "guard"])
            .arg(&binaries)
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut server = Self {
            binaries,
            folder,
            user,
            port: 0,
            _guard: guard,
        };
        let making = [
            "-D",
            "data",
            "-U",
            "linnet",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-N",
        ];
        server.run("initdb", &making)?;
        server.begin_anywhere()?;
        server.make_template()?;
        Ok(server)
    }

    /// Starts it on a free port: another one where somebody was faster.
    fn begin_anywhere(&mut self) -> Result<(), String> {
        let mut begun = Err(String::new());
        for _ in 0..3 {
            self.port = free_port();
            begun = self.begin();
            if begun.is_ok() {
                break;
            }
        }
        begun
    }

    /// Starts it again after it was stopped.
    pub fn begin(&self) -> Result<(), String> {
        let settings = SETTINGS
            .iter()
            .map(|setting| format!("-c {setting} "))
            .collect::<String>();
        let options = format!("{settings} -p {} -k {}", self.port, self.folder.display());
        self.run(
            "pg_ctl",
            &["-D", "data", "-l", "log", "-w", "-t", "120", "-o", &options, "start"],
        )
    }

    /// Has it speak TLS with this certificate and key, from now on.
    pub fn encrypt(&self, chain: &str, key: &str) -> Result<(), String> {
        for (from, name) in [(chain, "server.crt"), (key, "server.key")] {
            let file = self.folder.join("data").join(name);
            fs::copy(from, &file).map_err(|error| error.to_string())?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).map_err(|error| error.to_string())?;
            if let Some((user, group)) = self.user {
                chown(&file, Some(user), Some(group)).map_err(|error| error.to_string())?;
            }
        }
        self.psql("postgres", "ALTER SYSTEM SET ssl = on")?;
        self.psql("postgres", "SELECT pg_reload_conf()").map(drop)
    }

    /// Stops it as a crash of its machine would.
    pub fn crash(&self) -> Result<(), String> {
        self.run("pg_ctl", &["-D", "data", "-m", "immediate", "-w", "-t", "120", "stop"])
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("log")).unwrap()).into_owned()
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        // What it starts must not keep this process's output open.
        let said = fs::File::create(self.folder.join("said")).map_err(|error| error.to_string())?;
        let status = as_user(self.user, &self.folder, &self.binaries.join(program))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .status()
            .map_err(|error| error.to_string())?;
        match status.success() {
            true => Ok(()),
            false => Err(fs::read_to_string(self.folder.join("said")).unwrap_or_default()),
        }
    }

    fn make_template(&self) -> Result<(), String> {
        self.psql("postgres", &format!("CREATE DATABASE {TEMPLATE}"))?;
        let migrated = Command::new(env!("CARGO_BIN_EXE_linnet"))
            .args(["migrate", "--database-url", &self.url(TEMPLATE)])
            .output()
            .map_err(|error| error.to_string())?;
        match migrated.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&migrated.stderr).into_owned()),
        }
    }

    fn url(&self, database: &str) -> String {
        address(self.port, database)
    }

    fn command(&self, database: &str, sql: &str) -> Command {
        let mut command = Command::new(self.binaries.join("psql"));
        command
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-d",
                &self.url(database),
                "-c",
                sql,
            ])
            .stdin(Stdio::null());
        command
    }

    fn psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let output = self
            .command(database, sql)
            .output()
            .map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    fn copy(&self, from: &str, to: &str) {
        let sql = format!("CREATE DATABASE {to} TEMPLATE {from}");
        let since = Instant::now();
        // Sessions of who was there before go a moment after them.
        while let Err(reason) = self.psql("postgres", &sql) {
            assert!(since.elapsed() < Duration::from_secs(60), "{reason}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn drop_database(&self, name: &str) -> Child {
        self.command("postgres", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }
}

/// Where the newest of the machine's PostgreSQL is, 15 or later.
fn binaries() -> Result<PathBuf, String> {
    let versions = fs::read_dir("/usr/lib/postgresql").map_err(|_| "it is not installed".to_owned())?;
    let newest = versions
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .max()
        .filter(|version| *version >= 15)
        .ok_or("there is none of version 15 or later")?;
    let binaries = PathBuf::from(format!("/usr/lib/postgresql/{newest}/bin"));
    match binaries.join("initdb").exists() {
        true => Ok(binaries),
        false => Err("its server is not installed".to_owned()),
    }
}

fn address(port: u16, database: &str) -> String {
    format!("postgres://linnet@127.0.0.1:{port}/{database}")
}

fn as_user(user: Option<(u32, u32)>, folder: &Path, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command
}

/// As whom it runs: it refuses root.
fn unprivileged() -> Result<Option<(u32, u32)>, String> {
    if !rustix::process::getuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").map_err(|error| error.to_string())?;
    let of = |name: &str| {
        let mut parts = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let user = parts.find(|parts| parts.first() == Some(&name))?;
        Some((user.get(2)?.parse().ok()?, user.get(3)?.parse().ok()?))
    };
    let found = of("postgres").or_else(|| of("nobody"));
    found.map(Some).ok_or_else(|| "there is nobody to run it as".to_owned())
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
