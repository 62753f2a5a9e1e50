//! Servers whose clocks are wrong.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::skip;

/// What does it, or why nothing does.
static LIBRARY: LazyLock<Result<PathBuf, String>> = LazyLock::new(compile);

/// The variables of a server's environment that put its clock so many seconds ahead of the machine's. None
/// where that can't be done, which is said, and fails where it must not be.
pub fn wrong_by(seconds: i64) -> Option<[String; 2]> {
    match &*LIBRARY {
        Ok(library) => Some([
            format!("LD_PRELOAD={}", library.display()),
            format!("WRONG_BY={seconds}"),
        ]),
        Err(reason) => {
            skip(&format!("no wrong clocks: {reason}"));
            None
        }
    }
}

fn compile() -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/harness/clock.c");
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clock.so");
    // Another run of the tests may be loading it.
    let fresh = library.with_extension(std::process::id().to_string());
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&fresh, &source])
        .output()
        .map_err(|error| format!("cc: {error}"))?;
    match compiled.status.success() {
        true => std::fs::rename(&fresh, &library).map_err(|error| error.to_string())?,
        false => return Err(String::from_utf8_lossy(&compiled.stderr).into_owned()),
    }
    Ok(library)
}
