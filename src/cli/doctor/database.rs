//! Whether the database's file can be used, and what state it is in.

use crate::model::finding::Finding;
use crate::store::condition::sqlite;
use rustix::fs::{Access, access, statfs};
use std::fs;
use std::path::{Path, PathBuf};

/// File systems over a network, by the numbers that Linux gives them: NFS, SMB, CIFS, 9P, Ceph.
const REMOTE: &[u32] = &[0x6969, 0x517B, 0xFE53_4D42, 0xFF53_4D42, 0x0102_1997, 0x00C3_6400];

/// Looks at an SQLite file, or at where it is to be.
pub(super) async fn sqlite(path: &str) -> Vec<Finding> {
    let mut findings = vec![file(path)];
    if Path::new(path).is_file() {
        findings.extend(sqlite::examine(path).await);
    }
    findings
}

/// Whether a server has the file.
pub(super) fn is_served(path: &str) -> bool {
    crate::store::sqlite::is_served(path).is_ok_and(|is_served| is_served)
}

fn file(path: &str) -> Finding {
    const ABOUT: &str = "database";
    let folder = folder(path);
    if !folder.is_dir() {
        let says = format!("the folder {} is not there; make it", folder.display());
        return Finding::failed(ABOUT, says);
    }
    if is_remote(&folder) {
        let says = format!(
            "{} is on another machine, where SQLite's locks don't hold; use a disk of this one, or PostgreSQL",
            folder.display()
        );
        return Finding::failed(ABOUT, says);
    }
    let is_there = fs::exists(path).unwrap_or_default();
    let usable = access(&folder, Access::WRITE_OK).and_then(|()| match is_there {
        true => access(path, Access::READ_OK | Access::WRITE_OK),
        false => Ok(()),
    });
    match (usable, is_there) {
        (Err(error), _) => {
            let says = format!("{path} can't be written ({error}); give it and its folder to the server's user");
            Finding::failed(ABOUT, says)
        }
        (Ok(()), false) => Finding::warning(ABOUT, format!("{path} is not there yet; the first start makes it")),
        (Ok(()), true) if is_served(path) => Finding::ok(ABOUT, format!("{path}, which a server has open")),
        (Ok(()), true) => Finding::ok(ABOUT, format!("{path}, which no server has open")),
    }
}

fn folder(path: &str) -> PathBuf {
    let folder = Path::new(path).parent().filter(|folder| *folder != Path::new(""));
    folder.unwrap_or_else(|| Path::new(".")).to_owned()
}

#[cfg(target_os = "linux")]
fn is_remote(folder: &Path) -> bool {
    statfs(folder).is_ok_and(|system| REMOTE.iter().any(|kind| i64::from(*kind) == system.f_type))
}

#[cfg(not(target_os = "linux"))]
fn is_remote(_: &Path) -> bool {
    false
}
