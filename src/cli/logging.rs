//! Sets up the log: lines on standard error, panics among them.

use std::{io::IsTerminal, panic};

use tracing_subscriber::EnvFilter;

use crate::config::{LogFlags, LogFormat};

/// Starts logging. A panic becomes one line in the span, and so under the request, in which it
/// happened.
pub(super) fn start(flags: &LogFlags) {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&flags.log))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match flags.log_format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let reason = panic.payload_as_str().unwrap_or("no reason given");
        tracing::error!(place, reason, "panicked");
    }));
}
