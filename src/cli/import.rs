//! `linnet import`: brings in rows of another place.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum};

use super::Failure;
use crate::config::{DatabaseFlags, LogFlags};

/// The options of `linnet import`.
#[derive(Args, Debug)]
pub(super) struct Import {
    /// What the rows are
    kind: Kind,
    /// NDJSON or CSV by its ending, .gz and .zst too; - for NDJSON on standard input
    file: PathBuf,
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

pub(super) fn run(command: Import) -> Result<ExitCode, Failure> {
    super::logging::start(&command.log);
    Err(Failure(format!(
        "no rows of {:?} go into {:?} from {} yet",
        command.kind,
        command.database.database_url,
        command.file.display()
    )))
}
