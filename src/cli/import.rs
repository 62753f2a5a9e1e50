//! `linnet import`: brings in rows of another place.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{Failure, open};
use crate::config::{DatabaseFlags, LogFlags};
use crate::transfer::progress::Terminal;
use crate::transfer::source::Source;
use crate::transfer::{self, import};

/// The options of `linnet import`.
#[derive(Args, Debug)]
pub(super) struct Import {
    /// What the rows are
    kind: Kind,
    /// NDJSON or CSV by its ending, .gz and .zst too; - for NDJSON on standard input
    file: String,
    #[command(flatten)]
    database: DatabaseFlags,
    #[command(flatten)]
    log: LogFlags,
}

/// What rows can be.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Users,
    Tweets,
    Follows,
    Likes,
}

impl From<Kind> for transfer::Kind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Users => Self::Users,
            Kind::Tweets => Self::Tweets,
            Kind::Follows => Self::Follows,
            Kind::Likes => Self::Likes,
        }
    }
}

pub(super) fn run(command: Import) -> Result<ExitCode, Failure> {
    super::logging::start(&command.log);
    let mut report = transfer::Report::default();
    let imported = super::block_on(async {
        let store = open::store(&command.database).await?;
        let source = Source::from(command.file.as_str());
        report = import(&store, command.kind.into(), source, &mut Terminal::default()).await?;
        Ok(())
    })?;
    if report.bad > 0 {
        return Ok(ExitCode::FAILURE);
    }
    Ok(imported)
}
