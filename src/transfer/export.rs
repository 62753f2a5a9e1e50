//! Export: everything as it stands at one moment, in files that import takes.

use super::{Error, Kind};
use crate::store::Store;
use crate::store::export::Part;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A file of an export.
#[derive(Clone, Copy, Debug)]
pub struct Content {
    /// Its name without the ending.
    pub name: &'static str,
    /// What its rows are.
    pub kind: Kind,
    /// The rows that it holds, one kind behind the other.
    parts: &'static [Part],
}

/// The files of an export, in the order in which they are imported: each refers only to those
/// before it.
pub const FILES: &[Content] = &[
    Content {
        name: "entities",
        kind: Kind::Entities,
        parts: &[Part::Tombstones, Part::Objects, Part::Hashtags],
    },
    Content {
        name: "users",
        kind: Kind::Users,
        parts: &[Part::Users],
    },
    // Before the tweets, which then are matched as they come.
    Content {
        name: "walls",
        kind: Kind::Walls,
        parts: &[Part::Walls],
    },
    Content {
        name: "tweets",
        kind: Kind::Tweets,
        parts: &[Part::Tweets, Part::Retweets, Part::WaitingRetweets],
    },
    Content {
        name: "follows",
        kind: Kind::Follows,
        parts: &[Part::Follows, Part::Spans],
    },
    Content {
        name: "likes",
        kind: Kind::Likes,
        parts: &[Part::Likes, Part::WaitingLikes],
    },
    Content {
        name: "actions",
        kind: Kind::Actions,
        parts: &[Part::Actions],
    },
    Content {
        name: "marks",
        kind: Kind::Marks,
        parts: &[Part::Marks],
    },
];

/// Writes everything into a folder, which is made when missing, and tells how many rows are done.
/// Returns how many there were.
///
/// # Errors
/// [`Error`], when the folder holds something already or can't be written, or the database fails.
pub async fn export(
    store: &Store,
    folder: &Path,
    with_passwords: bool,
    mut told: impl FnMut(u64),
) -> Result<u64, Error> {
    prepare(folder)?;
    let snapshot = store.background_snapshot().await?;
    let mut rows = 0;
    for content in FILES {
        let path = folder.join(format!("{}.ndjson", content.name));
        let failed = |cause| written(&path, cause);
        let mut file = BufWriter::new(create(&path).map_err(failed)?);
        for part in content.parts {
            let mut after = None;
            loop {
                let page = snapshot.export(*part, after, with_passwords).await?;
                write(&mut file, &page.lines).map_err(failed)?;
                rows += page.lines.len() as u64;
                told(rows);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
    }
    Ok(rows)
}

/// What an export adds to nothing else: it is not mixed with an older one.
fn prepare(folder: &Path) -> Result<(), Error> {
    let failed = |cause| written(folder, cause);
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(Error::NotEmpty(folder.display().to_string())),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => fs::create_dir_all(folder).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

fn written(path: &Path, cause: io::Error) -> Error {
    Error::Write {
        name: path.display().to_string(),
        cause,
    }
}

/// A file that only its owner reads: there may be private actions in it, and hashes of passwords.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn write(file: &mut impl Write, lines: &[String]) -> io::Result<()> {
    for line in lines {
        file.write_all(line.as_bytes())?;
        file.write_all(b"\n")?;
    }
    Ok(())
}
