//! How far an import has come, for whoever watches.

use super::Report;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Is told how an import goes.
pub trait Progress: Send {
    /// Of several files this one comes next.
    fn file(&mut self, _: &Path) {}
    /// It begins: how many bytes there are, where that is known, and where to see how many of
    /// them have been read.
    fn begin(&mut self, size: Option<u64>, position: Arc<AtomicU64>);
    /// So many rows are done.
    fn rows(&mut self, rows: u64);
    /// A row is bad.
    fn bad(&mut self, line: u64, reason: &str);
    /// It has ended.
    fn end(&mut self, report: &Report);
}

/// Bad rows on standard error, and there a bar where it is a terminal.
#[derive(Debug, Default)]
pub struct Terminal {
    bar: Option<ProgressBar>,
    position: Arc<AtomicU64>,
    file: Option<PathBuf>,
}

impl Progress for Terminal {
    fn file(&mut self, path: &Path) {
        self.file = Some(path.to_owned());
    }

    fn begin(&mut self, size: Option<u64>, position: Arc<AtomicU64>) {
        self.position = position;
        if !std::io::stderr().is_terminal() {
            return;
        }
        let (bar, template) = match size {
            Some(size) => (ProgressBar::new(size), "{bar:40} {percent:>3}% {msg}, {eta} left"),
            None => (ProgressBar::new_spinner(), "{spinner} {msg}, {elapsed}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        self.bar = Some(bar);
    }

    fn rows(&mut self, rows: u64) {
        let Some(bar) = &self.bar else { return };
        let seconds = bar.elapsed().as_secs_f64().max(0.001);
        bar.set_position(self.position.load(Ordering::Relaxed));
        bar.set_message(format!("{rows} rows, {:.0} a second", rows as f64 / seconds));
    }

    fn bad(&mut self, line: u64, reason: &str) {
        let file = self.file.as_deref().map(|file| format!("{}: ", file.display()));
        let say = || eprintln!("{}line {line}: {reason}", file.unwrap_or_default());
        match &self.bar {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }

    fn end(&mut self, _: &Report) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
