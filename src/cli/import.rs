//! `linnet import`: brings in rows of another place, or an export.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{Failure, open};
use crate::config::{DatabaseFlags, LogFlags};
use crate::transfer::progress::Terminal;
use crate::transfer::source::Source;
use crate::transfer::{self, import, import_folder};

/// The options of `linnet import`.
#[derive(Args, Debug)]
pub(super) struct Import {
    /// What the rows of FILE are; or the folder of an export, then without FILE
    #[arg(value_name = "KIND|DIR", value_parser = What::parse)]
    what: What,
    /// NDJSON or CSV by its ending, .gz and .zst too; - for NDJSON on standard input
    file: Option<String>,
    #[command(flatten)]
    database: DatabaseFlags,
    #[command(flatten)]
    log: LogFlags,
}

/// What is imported.
#[derive(Clone, Debug)]
enum What {
    /// A file with rows of this kind.
    Rows(Kind),
    /// All files of an export.
    Folder(PathBuf),
}

impl What {
    fn parse(text: &str) -> Result<Self, String> {
        if let Ok(kind) = Kind::from_str(text, false) {
            return Ok(Self::Rows(kind));
        }
        let path = PathBuf::from(text);
        if path.is_dir() {
            return Ok(Self::Folder(path));
        }
        let kinds: Vec<String> = Kind::value_variants()
            .iter()
            .filter_map(|kind| Some(kind.to_possible_value()?.get_name().to_owned()))
            .collect();
        Err(format!("neither a folder nor one of {}", kinds.join(", ")))
    }
}

/// What rows can be.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Users,
    Tweets,
    Follows,
    Likes,
    Actions,
    Walls,
    /// What only exports hold: external objects, hashtags, and what was deleted
    Entities,
    /// What only exports hold: which notifications are seen and read
    Marks,
}

impl From<Kind> for transfer::Kind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Users => Self::Users,
            Kind::Tweets => Self::Tweets,
            Kind::Follows => Self::Follows,
            Kind::Likes => Self::Likes,
            Kind::Actions => Self::Actions,
            Kind::Walls => Self::Walls,
            Kind::Entities => Self::Entities,
            Kind::Marks => Self::Marks,
        }
    }
}

/// What is to be done.
enum Work {
    File(transfer::Kind, Source),
    Folder(PathBuf),
}

pub(super) fn run(command: Import) -> Result<ExitCode, Failure> {
    super::logging::start(&command.log);
    let work = match (command.what, command.file) {
        (What::Rows(kind), Some(file)) => Work::File(kind.into(), Source::from(file.as_str())),
        (What::Folder(path), None) => Work::Folder(path),
        (What::Rows(_), None) => return Ok(super::misuse("a file is missing")),
        (What::Folder(_), Some(_)) => return Ok(super::misuse("a folder is imported as a whole")),
    };
    let mut report = transfer::Report::default();
    let imported = super::block_on(async {
        let store = open::store(&command.database).await?;
        let progress = &mut Terminal::default();
        report = match &work {
            Work::File(kind, source) => import(&store, *kind, source.clone(), progress).await?,
            Work::Folder(path) => import_folder(&store, path, progress).await?,
        };
        Ok(())
    })?;
    if report.bad > 0 {
        return Ok(ExitCode::FAILURE);
    }
    Ok(imported)
}
