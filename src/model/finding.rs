//! What somebody who looks after an installation is told of it.

use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Works, and may not always.
    Warning,
    /// Does not work.
    Failed,
}

/// What one look has brought: a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub verdict: Verdict,
    /// What was looked at, in a word or two.
    pub about: &'static str,
    /// What was found, and what to do.
    pub says: String,
}

impl Finding {
    /// Something is as it should be.
    pub fn ok(about: &'static str, says: impl Into<String>) -> Self {
        Self::new(Verdict::Ok, about, says)
    }

    /// Something may not always work.
    pub fn warning(about: &'static str, says: impl Into<String>) -> Self {
        Self::new(Verdict::Warning, about, says)
    }

    /// Something does not work.
    pub fn failed(about: &'static str, says: impl Into<String>) -> Self {
        Self::new(Verdict::Failed, about, says)
    }

    fn new(verdict: Verdict, about: &'static str, says: impl Into<String>) -> Self {
        let says = says.into();
        Self { verdict, about, says }
    }
}

/// `warning  disk: 300 MB are free; make room`
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Failed => "failed",
        };
        let says = self.says.split_whitespace().collect::<Vec<_>>().join(" ");
        write!(f, "{word:<8} {}: {says}", self.about)
    }
}

/// A number of bytes, for people: `12 MB`.
#[must_use]
pub fn bytes(number: u64) -> String {
    let units = ["bytes", "KB", "MB", "GB", "TB"];
    let mut whole = number;
    let mut units = units.into_iter().peekable();
    while let Some(unit) = units.next() {
        if whole < 10 * 1024 || units.peek().is_none() {
            return format!("{whole} {unit}");
        }
        whole /= 1024;
    }
    format!("{number} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_line() {
        let finding = Finding::warning("disk", "little is free;\n  make room");
        assert_eq!(finding.to_string(), "warning  disk: little is free; make room");
        assert_eq!(bytes(512), "512 bytes");
        assert_eq!(bytes(20 << 20), "20 MB");
        assert_eq!(bytes(u64::MAX), "16777215 TB");
    }
}
