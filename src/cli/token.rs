//! `linnet token create`: prints tokens.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Failure, open};
use crate::config::{DatabaseFlags, LogFlags, SessionFlags};

/// The options of `linnet token`.
#[derive(Args, Debug)]
pub(super) struct Token {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Prints a token a line, in order; good at once, also beside a running server
    Create(Create),
}

#[derive(Args, Debug)]
struct Create {
    /// The users to make tokens for
    #[arg(value_name = "USERNAME", required_unless_present = "service")]
    usernames: Vec<String>,
    /// Makes a service token of this name instead
    #[arg(long, value_name = "NAME", conflicts_with = "usernames")]
    service: Option<String>,
    #[command(flatten)]
    session: SessionFlags,
    #[command(flatten)]
    database: DatabaseFlags,
    #[command(flatten)]
    log: LogFlags,
}

pub(super) fn run(command: Token) -> Result<ExitCode, Failure> {
    let Verb::Create(create) = command.verb;
    super::logging::start(&create.log);
    super::block_on(async {
        let social = open::social(&create.database, &create.session).await?;
        let tokens = match create.service {
            Some(name) => vec![social.issue_service_token(name).await?],
            None => social.issue_tokens(create.usernames).await?,
        };
        super::print(&tokens.join("\n"))
    })
}
