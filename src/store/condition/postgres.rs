//! What state a PostgreSQL database is in.

use super::{HARMFUL, NOTABLE, SYNCHRONISE, clock, number, schema, texts};
use crate::model::finding::{Finding, bytes};
use crate::model::{Clock, Micros, Result};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use std::time::Duration;

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The oldest version that is supported, as the server numbers them.
const OLDEST: i64 = 150_000;
/// What a node holds beside its readers: who writes, takes the log, listens, migrates, and some room.
const BESIDE_READERS: i64 = 8;

/// Settings without which something acknowledged can be lost, or texts come out wrong.
const SETTINGS: &[(&str, &str, &str)] = &[
    ("fsync", "on", "a crash damages the database"),
    ("full_page_writes", "on", "a crash damages the database"),
    ("synchronous_commit", "on", "a crash loses what was acknowledged"),
    (
        "server_encoding",
        "UTF8",
        "not every text can be stored; make the database with ENCODING 'UTF8'",
    ),
];

/// Looks at the database that a URL names.
pub async fn examine(url: &str) -> Vec<Finding> {
    let looking = async {
        let db = open(url).await?;
        let findings = inside(&db).await;
        db.close().await?;
        findings
    };
    looking.await.unwrap_or_else(|error| {
        let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        let says = format!("out of reach: {cause}; look at the address, the password and pg_hba.conf");
        vec![Finding::failed("database", says)]
    })
}

async fn open(url: &str) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url.to_owned());
    options
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .sqlx_logging(false)
        .map_sqlx_postgres_opts(|options| {
            options
                .application_name("linnet doctor")
                .options([("default_transaction_read_only", "on"), ("statement_timeout", "30s")])
        });
    Ok(Database::connect(options).await?)
}

async fn inside(db: &DatabaseConnection) -> Result<Vec<Finding>> {
    let tables = number(db, "SELECT COUNT(to_regclass('seaql_migrations'))").await?;
    let mut findings = vec![server(db).await?, schema(db, tables > 0).await?, search(db).await?];
    findings.extend(settings(db).await?);
    findings.push(connections(db).await?);
    findings.push(clocks(db).await?);
    if tables > 0 {
        let now = Micros(number(db, NOW).await?);
        findings.push(clock(db, now).await?);
    }
    Ok(findings)
}

async fn server(db: &DatabaseConnection) -> Result<Finding> {
    const ABOUT: &str = "database";
    let version = number(db, "SELECT CAST(current_setting('server_version_num') AS bigint)").await?;
    let size = number(db, "SELECT pg_database_size(current_database())").await?;
    let is_replica = number(db, "SELECT CAST(pg_is_in_recovery() AS int)::bigint").await? > 0;
    let may_make = number(
        db,
        "SELECT CAST(has_schema_privilege(current_schema(), 'CREATE') AS int)::bigint",
    )
    .await?;
    let says = format!(
        "PostgreSQL {}, {}",
        version / 10_000,
        bytes(u64::try_from(size).unwrap_or_default())
    );
    Ok(if version < OLDEST {
        Finding::failed(ABOUT, format!("{says}; upgrade to PostgreSQL 15 or later"))
    } else if is_replica {
        Finding::failed(
            ABOUT,
            format!("{says}, a replica, which takes no writes; name the primary"),
        )
    } else if may_make == 0 {
        Finding::failed(
            ABOUT,
            format!("{says}; let the role make tables: GRANT CREATE ON SCHEMA public TO ..."),
        )
    } else {
        Finding::ok(ABOUT, says)
    })
}

/// Searching needs trigrams.
async fn search(db: &DatabaseConnection) -> Result<Finding> {
    const ABOUT: &str = "pg_trgm";
    let installed = texts(db, "SELECT extversion FROM pg_extension WHERE extname = 'pg_trgm'").await?;
    if let Some(version) = installed.first() {
        return Ok(Finding::ok(ABOUT, format!("installed, {version}")));
    }
    let offered = texts(
        db,
        "SELECT default_version FROM pg_available_extensions WHERE name = 'pg_trgm'",
    )
    .await?;
    Ok(match offered.first() {
        Some(_) => Finding::warning(
            ABOUT,
            "not installed yet; the first start does it, if the role owns the database or is a superuser: else run CREATE EXTENSION pg_trgm there",
        ),
        None => Finding::failed(
            ABOUT,
            "not there; install the server's contrib package (postgresql-contrib)",
        ),
    })
}

async fn settings(db: &DatabaseConnection) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (name, right, otherwise) in SETTINGS {
        let value = texts(db, &format!("SELECT current_setting('{name}')")).await?.join("");
        // Stricter ones wait for replicas too.
        let is_stricter = ["remote_write", "remote_apply"].contains(&value.as_str());
        if value != *right && !is_stricter {
            let says = format!("{name} is {value}; set it to {right}: otherwise {otherwise}");
            findings.push(Finding::failed("settings", says));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok("settings", "writes are durable, texts are UTF-8"));
    }
    Ok(findings)
}

async fn connections(db: &DatabaseConnection) -> Result<Finding> {
    const ABOUT: &str = "connections";
    let most = number(
        db,
        "SELECT CAST(current_setting('max_connections') AS bigint) - CAST(current_setting('superuser_reserved_connections') AS bigint)",
    )
    .await?;
    let used = number(
        db,
        "SELECT COUNT(*) FROM pg_stat_activity WHERE backend_type = 'client backend'",
    )
    .await?;
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let needed = i64::try_from(cores * 2).unwrap_or(32).clamp(4, 32) + BESIDE_READERS;
    let says = format!("{used} of {most} are taken, a node like this one takes up to {needed}");
    Ok(if most < needed {
        Finding::failed(ABOUT, format!("{says}; raise max_connections"))
    } else if most - used < needed {
        Finding::warning(
            ABOUT,
            format!("{says}; before another node is started, raise max_connections"),
        )
    } else {
        Finding::ok(ABOUT, says)
    })
}

/// The server's time.
const NOW: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS bigint)";

/// Whether the server's clock and this machine's agree.
async fn clocks(db: &DatabaseConnection) -> Result<Finding> {
    const ABOUT: &str = "clocks";
    let before = Clock.now();
    let theirs = number(db, NOW).await?;
    let after = Clock.now();
    // It was read at some time in between.
    let apart = (theirs - after.0).max(before.0 - theirs).max(0);
    let apart = Duration::from_micros(u64::try_from(apart).unwrap_or_default());
    let says = format!("this machine's and the database's are {} ms apart", apart.as_millis());
    Ok(if apart > HARMFUL {
        Finding::failed(ABOUT, format!("{says}; {SYNCHRONISE}"))
    } else if apart > NOTABLE {
        Finding::warning(ABOUT, format!("{says}; {SYNCHRONISE}"))
    } else {
        Finding::ok(ABOUT, says)
    })
}
