//! `linnet user`: what an operator needs without a client.

use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Failure, open};
use crate::config::{DatabaseFlags, LogFlags};
use crate::social::{Rules, Social};

/// The options of `linnet user`.
#[derive(Args, Debug)]
pub(super) struct User {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Makes an account; the password is read from standard input
    Create(Account),
    /// Hides a user from all but moderators, and ends their sessions
    Ban(Account),
    /// Shows a user again
    Unban(Account),
    /// Makes a user a moderator
    Promote(Account),
    /// Sets a password, read from standard input, and ends the user's sessions
    SetPassword(Account),
}

#[derive(Args, Debug)]
struct Account {
    /// The user
    username: String,
    #[command(flatten)]
    database: DatabaseFlags,
    #[command(flatten)]
    log: LogFlags,
}

pub(super) fn run(command: User) -> Result<ExitCode, Failure> {
    let (Verb::Create(account)
    | Verb::Ban(account)
    | Verb::Unban(account)
    | Verb::Promote(account)
    | Verb::SetPassword(account)) = &command.verb;
    super::logging::start(&account.log);
    super::block_on(async {
        let social = Social::new(open::store(&account.database).await?, Rules::default());
        match &command.verb {
            Verb::Create(account) => drop(social.create_user(account.username.clone(), password()?).await?),
            Verb::Ban(account) => social.set_banned(&account.username, true).await?,
            Verb::Unban(account) => social.set_banned(&account.username, false).await?,
            Verb::Promote(account) => social.promote(&account.username).await?,
            Verb::SetPassword(account) => social.set_password(&account.username, password()?).await?,
        }
        Ok(())
    })
}

/// The first line of standard input.
fn password() -> Result<String, Failure> {
    let mut input = std::io::stdin();
    if input.is_terminal() {
        eprint!("password: ");
        let mut line = String::new();
        input.read_line(&mut line)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let mut text = String::new();
    input.read_to_string(&mut text)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
