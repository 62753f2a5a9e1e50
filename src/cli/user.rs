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
    Ban(Judged),
    /// Shows a user again
    Unban(Judged),
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

#[derive(Args, Debug)]
struct Judged {
    #[command(flatten)]
    account: Account,
    /// Why, for moderators: up to 1,000 characters
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Verb {
    fn account(&self) -> &Account {
        match self {
            Self::Create(account) | Self::Promote(account) | Self::SetPassword(account) => account,
            Self::Ban(judged) | Self::Unban(judged) => &judged.account,
        }
    }
}

pub(super) fn run(command: User) -> Result<ExitCode, Failure> {
    let account = command.verb.account();
    super::logging::start(&account.log);
    super::block_on(async {
        let social = Social::new(open::store(&account.database).await?, Rules::default());
        let username = account.username.as_str();
        match &command.verb {
            Verb::Create(_) => drop(social.create_user(username.to_owned(), password()?).await?),
            Verb::Ban(judged) => social.set_banned(username, judged.reason.clone(), true).await?,
            Verb::Unban(judged) => social.set_banned(username, judged.reason.clone(), false).await?,
            Verb::Promote(_) => social.promote(username).await?,
            Verb::SetPassword(_) => social.set_password(username, password()?).await?,
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
