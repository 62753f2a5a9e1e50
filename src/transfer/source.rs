//! Where rows come from: NDJSON or CSV, perhaps packed, or standard input.

use super::Error;
use super::fields::Fields;
use flate2::bufread::MultiGzDecoder;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The longest line or record, in bytes; what is longer is read past.
const LONGEST: usize = 1 << 20;
/// How much is read at once.
const BUFFER: usize = 1 << 18;

/// What is imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, whose form its ending tells.
    File(PathBuf),
    /// Standard input, NDJSON.
    StandardInput,
}

impl From<&str> for Source {
    /// A path, or `-` for standard input.
    fn from(name: &str) -> Self {
        match name {
            "-" => Self::StandardInput,
            path => Self::File(path.into()),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::StandardInput => f.write_str("standard input"),
        }
    }
}

/// How a file is packed.
#[derive(Clone, Copy)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

impl Source {
    /// Opens it for reading.
    pub(super) fn open(&self) -> Result<Reader, Error> {
        let failed = |cause| Error::Read {
            name: self.to_string(),
            cause,
        };
        let path = match self {
            Self::StandardInput => {
                return Reader::plain(Box::new(io::stdin()), false).map_err(failed);
            }
            Self::File(path) => path,
        };
        let (packing, is_csv) = self.form()?;
        let file = File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        if about.is_dir() {
            return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let size = about.is_file().then_some(about.len());
        Reader::new(Box::new(file), packing, is_csv, size).map_err(failed)
    }

    /// How the file is packed, and whether it is CSV.
    fn form(&self) -> Result<(Packing, bool), Error> {
        let name = self.to_string().to_ascii_lowercase();
        let (name, packing) = match (name.strip_suffix(".gz"), name.strip_suffix(".zst")) {
            (Some(name), _) => (name, Packing::Gzip),
            (_, Some(name)) => (name, Packing::Zstd),
            _ => (name.as_str(), Packing::None),
        };
        if name.ends_with(".csv") {
            return Ok((packing, true));
        }
        if [".ndjson", ".jsonl", ".json"]
            .iter()
            .any(|ending| name.ends_with(ending))
        {
            return Ok((packing, false));
        }
        Err(Error::Form(self.to_string()))
    }
}

/// Counts what is read of a file as it lies there.
struct Counted {
    inner: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Reads row after row.
pub(super) struct Reader {
    lines: Lines,
    header: Option<Vec<String>>,
    is_csv: bool,
    size: Option<u64>,
    position: Arc<AtomicU64>,
}

/// A row with the line that it began on, or what is wrong with it.
type Found = (u64, Result<Fields, String>);

impl Reader {
    /// Rows that are not packed, of an unknown number of bytes.
    pub(super) fn plain(inner: Box<dyn Read + Send>, is_csv: bool) -> io::Result<Self> {
        Self::new(inner, Packing::None, is_csv, None)
    }

    fn new(inner: Box<dyn Read + Send>, packing: Packing, is_csv: bool, size: Option<u64>) -> io::Result<Self> {
        let position = Arc::<AtomicU64>::default();
        let read = Arc::clone(&position);
        let file = BufReader::with_capacity(BUFFER, Counted { inner, read });
        let bytes: Box<dyn BufRead + Send> = match packing {
            Packing::None => Box::new(file),
            Packing::Gzip => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file))),
            Packing::Zstd => Box::new(BufReader::with_capacity(
                BUFFER,
                zstd::stream::read::Decoder::with_buffer(file)?,
            )),
        };
        Ok(Self {
            lines: Lines::new(bytes),
            header: None,
            is_csv,
            size,
            position,
        })
    }

    /// How many bytes the file has, where that is known.
    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    /// How many of them have been read.
    pub(super) fn position(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.position)
    }

    /// The next row. Empty lines are none.
    pub(super) fn next(&mut self) -> io::Result<Option<Found>> {
        loop {
            let Some(line) = self.lines.next(self.is_csv)? else {
                return Ok(None);
            };
            if line.too_long {
                return Ok(Some((line.number, Err(format!("longer than {LONGEST} bytes")))));
            }
            let text = line.text.trim_ascii();
            if text.is_empty() {
                continue;
            }
            if !self.is_csv {
                return Ok(Some((line.number, Fields::from_json(text))));
            }
            let cells = cells(line.text);
            match &self.header {
                Some(header) => return Ok(Some((line.number, cells.and_then(|cells| pair(header, &cells))))),
                None => self.header = Some(cells.map_err(io::Error::other)?),
            }
        }
    }
}

/// The cells of one CSV record.
fn cells(record: &[u8]) -> Result<Vec<String>, String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(record);
    let mut cells = csv::StringRecord::new();
    match reader.read_record(&mut cells) {
        Ok(_) => Ok(cells.iter().map(str::to_owned).collect()),
        Err(_) => Err("not UTF-8".to_owned()),
    }
}

fn pair(header: &[String], cells: &[String]) -> Result<Fields, String> {
    if cells.len() != header.len() {
        return Err(format!("{} cells where the header has {}", cells.len(), header.len()));
    }
    let names = header.iter().map(|name| name.trim());
    Ok(Fields::from_cells(names.zip(cells.iter().map(String::as_str))))
}

/// What a line that can't be read is reported as.
pub(super) fn unreadable(form: &str, column: usize) -> String {
    format!("not {form}, at character {column}")
}

/// Lines in bounded memory.
struct Lines {
    bytes: Box<dyn BufRead + Send>,
    buffer: Vec<u8>,
    number: u64,
}

/// A line, or a CSV record of several.
struct Line<'l> {
    text: &'l [u8],
    number: u64,
    too_long: bool,
}

impl Lines {
    fn new(bytes: Box<dyn BufRead + Send>) -> Self {
        Self {
            bytes,
            buffer: Vec::new(),
            number: 0,
        }
    }

    /// The next line; in CSV, line ends within quotes belong to the record.
    fn next(&mut self, is_csv: bool) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let number = self.number + 1;
        let mut quotes = Quotes::default();
        let mut too_long = false;
        loop {
            let Some(kept) = self.append(&mut quotes)? else {
                if number > self.number {
                    return Ok(None);
                }
                break;
            };
            too_long |= !kept;
            // A quote that nothing closes may not swallow the rest of the file.
            if !is_csv || too_long || !quotes.open() {
                break;
            }
        }
        let bom: &[u8] = if number == 1 { b"\xEF\xBB\xBF" } else { b"" };
        let text = self.buffer.strip_prefix(bom).unwrap_or(&self.buffer);
        Ok(Some(Line { text, number, too_long }))
    }

    /// Appends what is left of a physical line, and tells whether it was kept whole.
    fn append(&mut self, quotes: &mut Quotes) -> io::Result<Option<bool>> {
        let mut kept = true;
        let mut any = false;
        loop {
            let bytes = match self.bytes.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if bytes.is_empty() {
                break;
            }
            any = true;
            let end = bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            let (part, _) = bytes.split_at(end.unwrap_or(bytes.len()));
            kept &= self.buffer.len() + part.len() <= LONGEST;
            if kept {
                self.buffer.extend_from_slice(part);
                quotes.pass(part);
            }
            let passed = part.len();
            self.bytes.consume(passed);
            if end.is_some() {
                break;
            }
        }
        self.number += u64::from(any);
        Ok(any.then_some(kept))
    }
}

/// Where in a CSV record the reading stands.
#[derive(Clone, Copy, Default, PartialEq)]
enum Quotes {
    #[default]
    CellStart,
    Bare,
    Quoted,
    /// Behind a quote within quotes: the end of the cell, or the first of two.
    Closing,
}

impl Quotes {
    fn open(self) -> bool {
        self == Self::Quoted
    }

    fn pass(&mut self, bytes: &[u8]) {
        for byte in bytes {
            *self = match (*self, byte) {
                (Self::Quoted, b'"') => Self::Closing,
                (Self::Quoted, _) | (Self::CellStart | Self::Closing, b'"') => Self::Quoted,
                (_, b',') => Self::CellStart,
                _ => Self::Bare,
            };
        }
    }
}
