//! What tests need that a machine may lack.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Says that something is left out, and why: past the capture of the test runner, since a skip is to
/// be seen.
///
/// # Panics
/// Where nothing may be left out, as in continuous integration.
pub fn skip(reason: &str) {
    let required = std::env::var("LINNET_TEST_REQUIRE_ALL").is_ok_and(|value| value == "1");
    assert!(!required, "{reason}, and LINNET_TEST_REQUIRE_ALL is set");
    writeln!(std::io::stderr(), "skipped: {reason}").ok();
}

/// A file of the large test data, if it is there.
pub fn data(file: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("LINNET_TEST_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let path = folder.join(file);
    if path.exists() {
        return Some(path);
    }
    skip(&format!("no test data in {}", path.display()));
    None
}
