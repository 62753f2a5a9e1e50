//! What state a database is in, looked at beside whoever uses it. Nothing of it is changed.

pub mod postgres;
pub mod sqlite;

use crate::model::finding::Finding;
use crate::model::{Micros, Result};
use migration::MigratorTrait;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use std::collections::BTreeSet;
use std::time::Duration;

/// How far a clock may be from what it is held against, before somebody should know, and before
/// it does harm: what is newer than "now" by more is refused.
const NOTABLE: Duration = Duration::from_secs(2);
const HARMFUL: Duration = Duration::from_secs(60);

/// How an operator makes clocks agree.
const SYNCHRONISE: &str = "synchronise the clock (chrony, systemd-timesyncd)";

/// The first column of each row that a question gives, as text.
async fn texts(db: &DatabaseConnection, sql: &str) -> Result<Vec<String>> {
    let question = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(question).await?;
    Ok(rows
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect::<std::result::Result<_, _>>()?)
}

async fn number(db: &DatabaseConnection, sql: &str) -> Result<i64> {
    let question = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(question).await?;
    let number = row.map(|row| row.try_get_by_index::<Option<i64>>(0)).transpose()?;
    Ok(number.flatten().unwrap_or_default())
}

/// Whether the schema is this program's.
async fn schema(db: &DatabaseConnection, has_any: bool) -> Result<Finding> {
    const ABOUT: &str = "schema";
    if !has_any {
        return Ok(Finding::ok(
            ABOUT,
            "the database is empty; the first start makes its tables",
        ));
    }
    let steps = migration::Migrator::migrations();
    let known: BTreeSet<String> = steps.iter().map(|step| step.name().to_owned()).collect();
    let applied: BTreeSet<String> = texts(db, "SELECT version FROM seaql_migrations")
        .await?
        .into_iter()
        .collect();
    let newest = known.last().map_or("none", String::as_str);
    let foreign: Vec<_> = applied.difference(&known).map(String::as_str).collect();
    let missing = known.difference(&applied).count();
    Ok(match (foreign.as_slice(), missing) {
        ([], 0) => Finding::ok(ABOUT, format!("up to date ({newest})")),
        ([], missing) => Finding::warning(
            ABOUT,
            format!(
                "{missing} steps are to come up to {newest}; back up, then start the server or run `linnet migrate`"
            ),
        ),
        (foreign, _) => Finding::failed(
            ABOUT,
            format!(
                "made by a newer version ({}); run that version, or restore the backup from before",
                foreign.join(", ")
            ),
        ),
    })
}

/// Whether the clock by which times are written goes behind what was written last.
async fn clock(db: &DatabaseConnection, now: Micros) -> Result<Finding> {
    let newest = number(db, "SELECT created_at FROM event ORDER BY seq DESC LIMIT 1").await?;
    Ok(against_newest(now, Micros(newest)))
}

fn against_newest(now: Micros, newest: Micros) -> Finding {
    const ABOUT: &str = "clock";
    let behind = Duration::from_micros(u64::try_from(newest.0 - now.0).unwrap_or_default());
    let says = |then: &str| {
        format!(
            "{now} is {} s before the newest event, {newest}; {SYNCHRONISE}{then}",
            behind.as_secs()
        )
    };
    if behind > HARMFUL {
        Finding::failed(ABOUT, says("; until then new tweets stand below older ones"))
    } else if behind > NOTABLE {
        Finding::warning(ABOUT, says(""))
    } else {
        Finding::ok(ABOUT, format!("{now}, not before the newest event"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Verdict;

    #[test]
    fn a_clock_behind_the_newest_event_is_told() {
        let now = Micros(1_800_000_000_000_000);
        for (seconds, verdict) in [
            (-1_000_000, Verdict::Ok),
            (1, Verdict::Ok),
            (10, Verdict::Warning),
            (3_600, Verdict::Failed),
        ] {
            let newest = Micros(now.0 + seconds * 1_000_000);
            assert_eq!(against_newest(now, newest).verdict, verdict, "{seconds}");
        }
    }
}
