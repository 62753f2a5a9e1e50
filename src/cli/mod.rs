//! The command line: one file a command.
//!
//! What the user got wrong ends with one line and status 2, everything else that fails with one
//! line and status 1.

mod doctor;
mod export;
mod health;
mod import;
mod ingest;
mod logging;
mod migrate;
mod open;
mod schema;
mod serve;
mod token;
mod user;

use std::{
    ffi::OsString,
    fmt,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::Flags;
use crate::store::Store;

/// A self-hosted social feed with live hashtags behind one GraphQL API.
#[derive(Parser, Debug)]
#[command(name = "linnet", version, subcommand_required = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Migrates the database, then serves; the default when no command is given
    Serve(Box<Flags>),
    /// Migrates the database
    Migrate(migrate::Migrate),
    /// Imports users, tweets, follows, likes or actions, or all files of an export
    Import(import::Import),
    /// Follows outside sources: Bluesky's Jetstream, Mastodon servers
    Ingest(Box<ingest::Ingest>),
    /// Exports everything
    Export(export::Export),
    /// Makes tokens
    Token(token::Token),
    /// Makes and changes accounts
    User(user::User),
    /// Prints the GraphQL schema
    Schema,
    /// Looks whether all is as a server with these options needs it, and says what to do
    Doctor(Box<Flags>),
    /// Asks a running server whether it can serve
    Health(health::Health),
}

/// Why a command failed: one line.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl<E: std::error::Error> From<E> for Failure {
    /// The error with its causes: an operator may see them.
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        Self(text)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&one_line(&self.0))
    }
}

/// Runs the program with these arguments, the first of which is its name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = with_default_command(arguments.into_iter().collect());
    let parsed = command()
        .try_get_matches_from(arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let command = match parsed {
        Ok(cli) => cli.command,
        Err(error) => return refuse(&error),
    };
    match dispatch(command) {
        Ok(status) => status,
        Err(failure) => {
            eprintln!("linnet: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(flags) => serve::run((*flags).into()),
        Command::Migrate(command) => migrate::run(command),
        Command::Import(command) => import::run(command),
        Command::Ingest(command) => ingest::run(*command),
        Command::Export(command) => export::run(command),
        Command::Token(command) => token::run(command),
        Command::User(command) => user::run(command),
        Command::Schema => schema::run(),
        Command::Doctor(flags) => doctor::run((*flags).into()),
        Command::Health(command) => health::run(&command),
    }
}

/// `serve` is meant where no command stands, unless it is help or the version that is asked for.
fn with_default_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let no_command = match arguments.get(1).map(|first| first.to_string_lossy()) {
        Some(first) => {
            let asks = ["-h", "--help", "-V", "--version"].contains(&&*first);
            first.starts_with('-') && !asks
        }
        None => true,
    };
    if no_command {
        arguments.insert(arguments.len().min(1), "serve".into());
    }
    arguments
}

/// The parser; its help lists the options of `serve` too, since `serve` is the default.
fn command() -> clap::Command {
    let cli = without_values(Cli::command());
    let options = cli.find_subcommand("serve").map(|serve| {
        let mut serve = serve.clone().help_template("{options}");
        serve.render_help().to_string()
    });
    cli.after_help(format!("Options of serve:\n{}", options.unwrap_or_default()))
}

/// Help names the variables, but does not show what they hold: it may be secret.
fn without_values(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| arg.hide_env_values(true))
        .mut_subcommands(without_values)
}

/// Reports what the user got wrong, or prints the help or the version that was asked for.
fn refuse(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A closed pipe is no reason to fail.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        eprintln!("linnet: a command is incomplete; see `linnet help`");
        return ExitCode::from(2);
    }
    let text = error.to_string();
    let reason = text.split("\n\n").next().unwrap_or_default();
    let reason = reason.strip_prefix("error: ").unwrap_or(reason);
    eprintln!("linnet: {}", one_line(&without_password(reason)));
    ExitCode::from(2)
}

/// A text without who and with what password the URLs in it name.
fn without_password(text: &str) -> String {
    let mut parts = text.split("://");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |said, part| {
        let end = part.find(['\'', '"', ' ', '\n']).unwrap_or(part.len());
        let (url, rest) = part.split_at(end);
        let shown = url.rsplit_once('@').map_or(url, |(_, place)| place);
        format!("{said}://{shown}{rest}")
    })
}

/// Reports arguments that don't go together.
fn misuse(reason: &str) -> ExitCode {
    eprintln!("linnet: {reason}; see `linnet help`");
    ExitCode::from(2)
}

/// Runs a command that is no server.
fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(command)?;
    Ok(ExitCode::SUCCESS)
}

/// Leaves the database in one file. What was answered is durable without it.
async fn close(store: &Store) {
    const PATIENCE: Duration = Duration::from_secs(1);
    match tokio::time::timeout(PATIENCE, store.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(?error, "can't close the database"),
        Err(_) => tracing::warn!("the database is still in use"),
    }
}

/// The first signal asks for a graceful end, the second ends at once.
fn watch_signals(shutdown: CancellationToken) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if shutdown.is_cancelled() {
                std::process::exit(1);
            }
            tracing::info!("shutting down");
            shutdown.cancel();
        }
    });
    Ok(())
}

/// Prints what was asked for.
fn print(text: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
