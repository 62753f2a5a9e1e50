//! `linnet health`: asks a running server whether it can serve, for images that have no shell.

use super::Failure;
use super::doctor::{Readiness, readiness};
use clap::Args;
use std::net::SocketAddr;
use std::process::ExitCode;

/// The options of `linnet health`.
#[derive(Args, Debug)]
pub(super) struct Health {
    /// Where the server listens
    #[arg(
        long,
        env = "LINNET_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8000"
    )]
    listen: SocketAddr,
}

pub(super) fn run(command: &Health) -> Result<ExitCode, Failure> {
    super::block_on(async {
        match readiness(command.listen).await {
            Readiness::Serves => Ok(()),
            Readiness::Unavailable(told) => Err(Failure(format!("the server does not serve: {told}"))),
            Readiness::Silent(why) => Err(Failure(format!("no server answers at {}: {why}", command.listen))),
        }
    })
}
