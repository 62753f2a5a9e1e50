//! What state an SQLite file is in.

use super::{clock, number, schema, texts};
use crate::model::finding::{Finding, bytes};
use crate::model::{Clock, Result};
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// How long the pages of the file may be looked at.
const PATIENCE: Duration = Duration::from_secs(120);
/// The write-ahead log is this long at times; longer when somebody reads without end.
const LONG_LOG: u64 = 256 << 20;
/// Less room than this ends writing soon; less than the file itself leaves no room for a copy.
const LITTLE_ROOM: u64 = 256 << 20;

/// Looks at a file that is there.
pub async fn examine(path: &str) -> Vec<Finding> {
    let mut findings = vec![log(path), room(path)];
    match inside(path).await {
        Ok(inside) => findings.splice(0..0, inside).for_each(drop),
        Err(error) => findings.insert(0, broken(&error)),
    }
    findings
}

fn broken(error: &crate::model::Error) -> Finding {
    let cause = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    let says = format!("can't be read: {cause}; stop the server and restore the newest backup (docs/OPERATIONS.md)");
    Finding::failed("integrity", says)
}

async fn inside(path: &str) -> Result<Vec<Finding>> {
    let db = open(path).await?;
    let tables = number(
        &db,
        "SELECT COUNT(*) FROM sqlite_master WHERE name = 'seaql_migrations'",
    )
    .await?;
    let mut findings = vec![schema(&db, tables > 0).await?];
    findings.push(integrity(&db).await?);
    if tables > 0 {
        findings.push(clock(&db, Clock.now()).await?);
    }
    db.close().await?;
    Ok(findings)
}

/// Opens the file to read. One that nobody has open and whose log is empty is taken as it lies
/// there, so that not even the files beside it are made.
async fn open(path: &str) -> Result<DatabaseConnection> {
    let lies_still = fs::metadata(format!("{path}-wal")).map_or(true, |log| log.len() == 0);
    let mut options = ConnectOptions::new("sqlite:".to_owned());
    let file = path.to_owned();
    options
        .max_connections(1)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |_| {
            SqliteConnectOptions::new()
                .filename(&file)
                .read_only(true)
                .immutable(lies_still)
                .busy_timeout(Duration::from_secs(10))
        });
    Ok(Database::connect(options).await?)
}

async fn integrity(db: &DatabaseConnection) -> Result<Finding> {
    const ABOUT: &str = "integrity";
    let asking = texts(db, "PRAGMA quick_check(3)");
    let Ok(told) = tokio::time::timeout(PATIENCE, asking).await else {
        let says =
            "not looked through within two minutes; check a copy of the file with `sqlite3 COPY 'PRAGMA quick_check'`";
        return Ok(Finding::warning(ABOUT, says));
    };
    let told = told?;
    Ok(match told.as_slice() {
        [word] if word == "ok" => Finding::ok(ABOUT, "quick_check finds nothing wrong"),
        wrong => Finding::failed(
            ABOUT,
            format!(
                "damaged: {}; stop the server and restore the newest backup (docs/OPERATIONS.md)",
                wrong.join("; ")
            ),
        ),
    })
}

/// How much is written and not yet in the file itself.
fn log(path: &str) -> Finding {
    const ABOUT: &str = "write-ahead log";
    let length = fs::metadata(format!("{path}-wal")).map_or(0, |log| log.len());
    let size = bytes(length);
    match length {
        0 => Finding::ok(ABOUT, "empty"),
        1..=LONG_LOG => Finding::ok(ABOUT, size),
        _ => Finding::warning(
            ABOUT,
            format!(
                "{size}; something reads without end and keeps it from being taken over: look for an export or a `sqlite3` that hangs"
            ),
        ),
    }
}

/// How much can still be written.
fn room(path: &str) -> Finding {
    const ABOUT: &str = "disk";
    let folder = Path::new(path).parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or_else(|| Path::new("."));
    let free = match rustix::fs::statvfs(folder) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => return Finding::warning(ABOUT, format!("can't see how much is free: {error}")),
    };
    let size = fs::metadata(path).map_or(0, |file| file.len());
    let says = format!("{} are free, the database has {}", bytes(free), bytes(size));
    if free < LITTLE_ROOM {
        Finding::failed(
            ABOUT,
            format!("{says}; make room: when nothing is free, nothing can be written"),
        )
    } else if free < size {
        Finding::warning(ABOUT, format!("{says}; make room for a copy of it"))
    } else {
        Finding::ok(ABOUT, says)
    }
}
