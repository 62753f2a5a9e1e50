//! `linnet export`: writes everything into files.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{Failure, open};
use crate::config::{DatabaseFlags, LogFlags};
use crate::transfer::export::export;

/// The options of `linnet export`.
#[derive(Args, Debug)]
pub(super) struct Export {
    /// Where the files come to be: a folder, made when missing, that holds nothing yet
    dir: PathBuf,
    /// Export the hashes of passwords too
    #[arg(long, env = "LINNET_WITH_PASSWORDS")]
    with_passwords: bool,
    #[command(flatten)]
    database: DatabaseFlags,
    #[command(flatten)]
    log: LogFlags,
}

pub(super) fn run(command: Export) -> Result<ExitCode, Failure> {
    super::logging::start(&command.log);
    super::block_on(async {
        let store = open::store(&command.database).await?;
        let bar = match std::io::stderr().is_terminal() {
            true => bar(store.size_of_export().await?),
            false => ProgressBar::hidden(),
        };
        export(&store, &command.dir, command.with_passwords, |rows| {
            bar.set_position(rows)
        })
        .await?;
        bar.finish_and_clear();
        Ok(())
    })
}

fn bar(rows: u64) -> ProgressBar {
    let bar = ProgressBar::new(rows);
    let template = "{bar:40} {percent:>3}% {human_pos} rows, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
