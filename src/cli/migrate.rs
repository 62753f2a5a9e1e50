//! `linnet migrate`: migrates the database.

use std::process::ExitCode;

use clap::Args;

use super::{Failure, open};
use crate::config::{DatabaseFlags, LogFlags};
use crate::social::{Rules, Social};

/// The options of `linnet migrate`.
#[derive(Args, Debug)]
pub(super) struct Migrate {
    #[command(flatten)]
    database: DatabaseFlags,
    #[command(flatten)]
    log: LogFlags,
}

pub(super) fn run(command: Migrate) -> Result<ExitCode, Failure> {
    super::logging::start(&command.log);
    super::block_on(async {
        let store = open::store(&command.database).await?;
        Social::new(store, Rules::default()).rebuild().await?;
        Ok(())
    })
}
