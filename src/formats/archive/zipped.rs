//! A zip archive, memory-mapped. Entries are listed by the central directory; the local headers must agree with it.

use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use flate2::{Decompress, FlushDecompress, Status};
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::{AGAIN, too_big};
use crate::error::{Error, Place, Result};
use crate::files::{MappedFile, regular};

/// The mapped bytes of a zip archive, shared by all readers.
#[derive(Debug, Clone)]
struct Bytes(Arc<MappedFile>);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

type Zip = ZipArchive<Cursor<Bytes>>;

/// A zip archive with its central directory.
#[derive(Debug)]
pub(super) struct Zipped {
    bytes: Bytes,
    zip: Zip,
    /// Upper bound on the end of each entry's data: the start of the next entry or of the directory.
    ends: Vec<u64>,
}

/// Size of the fixed part of a local header, in bytes; the name and an extra field follow (APPNOTE 4.3.7).
const HEADER: u64 = 30;
const HEADER_SIGNATURE: &[u8] = b"PK\x03\x04";
/// Size of the fixed part of a central directory record, in bytes; the lengths of the fields that follow are at offsets 28
/// to 34 (APPNOTE 4.3.12).
const ROW: usize = 46;
const ROW_SIGNATURE: &[u8] = b"PK\x01\x02";

impl Zipped {
    /// Maps an archive and reads its central directory.
    pub fn open(path: &Path) -> Result<Self> {
        let refused = |error| Error::io(path, "read", error);
        let fault = |what: &str, help: &str| Error::input(Place::file(path), what, help);
        if regular(path)? == 0 {
            return Err(fault("the file is empty", AGAIN));
        }
        let bytes = Bytes(Arc::new(MappedFile::open(path)?));
        let damaged = |what: &str| {
            let what = format!("truncated or damaged zip archive: {what}");
            fault(&what, AGAIN)
        };
        let opened = ZipArchive::new(Cursor::new(bytes.clone()));
        let zip = opened.map_err(|error| match (error, stranger(&bytes.0)) {
            (ZipError::Io(error), _) if error.raw_os_error().is_some() => refused(error),
            (_, Some((what, help))) => fault(what, help),
            (error, None) => damaged(&plain(&error)),
        })?;
        if zip.has_duplicate_names() {
            return Err(damaged("two entries have the same name"));
        }
        if unlisted(&zip, &bytes.0) {
            return Err(damaged("the directory lists more entries than it counts"));
        }
        let ends = ends(&zip).ok_or_else(|| damaged("entries overlap"))?;
        Ok(Zipped { bytes, zip, ends })
    }

    /// The names of the entries, in directory order. They are read as UTF-8 even if the flag for it is not set, as macOS
    /// leaves it out.
    pub fn names(&self) -> impl Iterator<Item = String> {
        (0..self.zip.len()).map(|index| match self.zip.name_for_index(index) {
            Some(Ok(name)) => name.into_owned(),
            _ => format!("entry {index}"),
        })
    }

    /// The uncompressed size and the CRC that the directory states for an entry.
    pub fn claims(&self, index: usize) -> Option<(u64, u32)> {
        let entry = self.zip.by_index_data(index).ok()?;
        Some((entry.size(), entry.crc32()))
    }

    /// A decompressor of entries; each thread needs its own.
    pub fn unpacker(&self) -> Unpacker<'_> {
        Unpacker {
            zipped: self,
            zip: self.zip.clone(),
            inflater: Decompress::new(false),
        }
    }
}

/// Decompresses entries of a [`Zipped`].
#[derive(Debug)]
pub(super) struct Unpacker<'a> {
    zipped: &'a Zipped,
    zip: Zip,
    inflater: Decompress,
}

impl Unpacker<'_> {
    /// Decompresses an entry of at most `most` bytes into an empty buffer and verifies its CRC. `too_large` is the advice
    /// to give for a larger one.
    pub fn read(
        &mut self,
        index: usize,
        most: usize,
        place: &Place,
        too_large: &str,
        buffer: &mut Vec<u8>,
    ) -> Result<()> {
        let damaged = |what: &str| Error::input(place.clone(), what, AGAIN);
        // Opening an entry reads its local header and rejects unsupported compression.
        let entry = self.zip.by_index(index);
        let entry = entry.map_err(|error| entry_fault(place, &error))?;
        let (claim, packed, crc) = (entry.size(), entry.compressed_size(), entry.crc32());
        if claim > most as u64 {
            return Err(too_big(place, most, too_large));
        }
        let bytes: &[u8] = self.zipped.bytes.as_ref();
        let span = |start: u64, length: u64| {
            let end = start.checked_add(length)?;
            let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
            bytes.get(start..end)
        };
        // The length of the name is at offset 26, the name itself after the fixed part.
        let name = entry.name_raw();
        let length = span(entry.header_start() + 26, 2);
        let beside = span(entry.header_start() + HEADER, name.len() as u64);
        if length != Some(&(name.len() as u16).to_le_bytes()) || beside != Some(name) {
            return Err(damaged(
                "its name differs between directory and local header",
            ));
        }
        let end = self.zipped.ends.get(index).copied().unwrap_or(0);
        let start = entry
            .data_start()
            .filter(|start| start.checked_add(packed).is_some_and(|last| last <= end));
        let Some(packed) = start.and_then(|start| span(start, packed)) else {
            return Err(damaged("its data overlaps the next entry"));
        };
        match entry.compression() {
            CompressionMethod::Stored if packed.len() as u64 == claim => {
                buffer.extend_from_slice(packed);
            }
            CompressionMethod::Stored => return Err(damaged(&other_size(claim))),
            CompressionMethod::Deflated => {
                // Room for one byte more than declared, so that a wrong size is noticed.
                buffer.reserve(claim as usize + 1);
                self.inflater.reset(false);
                let status = self
                    .inflater
                    .decompress_vec(packed, buffer, FlushDecompress::Finish);
                let status = status.map_err(|error| damaged(&format!("damaged: {error}")))?;
                let size = buffer.len() as u64;
                if size > claim || (size < claim && status == Status::StreamEnd) {
                    return Err(damaged(&other_size(claim)));
                }
                if status != Status::StreamEnd {
                    return Err(damaged("damaged: its data ends early"));
                }
            }
            // Windows Explorer uses it for files beyond 2 GiB.
            CompressionMethod::Deflate64 => {
                let unpacked = entry.take(claim + 1).read_to_end(buffer);
                let size = unpacked.map_err(|error| {
                    let why = error.to_string().replace('\n', " ");
                    damaged(&format!("damaged: {why}"))
                })?;
                if size as u64 != claim {
                    return Err(damaged(&other_size(claim)));
                }
            }
            other => return Err(unknown(place, &other.to_string())),
        }
        if crc32fast::hash(buffer) != crc {
            return Err(damaged("damaged: wrong CRC"));
        }
        Ok(())
    }
}

fn other_size(claim: u64) -> String {
    format!("its uncompressed size is not the {claim} bytes that it declares")
}

/// Identifies a file that is not a zip archive by its first bytes: what it is, and what to do. `None` if it starts like a
/// zip archive.
fn stranger(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    if bytes.starts_with(b"PK") {
        return None;
    }
    let start = bytes.get(..1024).unwrap_or(bytes).trim_ascii_start();
    let begins = |with: &[u8]| {
        start
            .get(..with.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    if begins(b"version https://git-lfs") {
        let help = "run `git lfs pull` in the cloned repository, or download the archive itself";
        return Some(("this is a Git LFS pointer, not the archive", help));
    }
    if [&b"<!doctype"[..], b"<html", b"<?xml"]
        .into_iter()
        .any(begins)
    {
        let help =
            "open it in a browser (it may be a login page), then download the archive itself";
        return Some(("this is a web page, not a zip archive", help));
    }
    let kinds: [(usize, &[u8], &str); 6] = [
        (0, b"\x1f\x8b", "this is a gzip file, not a zip archive"),
        (
            0,
            b"7z\xbc\xaf\x27\x1c",
            "this is a 7z archive, not a zip archive",
        ),
        (0, b"Rar!", "this is a RAR archive, not a zip archive"),
        (0, b"BZh", "this is a bzip2 file, not a zip archive"),
        (0, b"\xfd7zXZ", "this is an xz file, not a zip archive"),
        // The signature of tar follows the header of its first file.
        (257, b"ustar", "this is a tar archive, not a zip archive"),
    ];
    for (at, magic, what) in kinds {
        if bytes.get(at..at + magic.len()) == Some(magic) {
            return Some((what, "unpack it and pass the folder"));
        }
    }
    Some((
        "not a zip archive",
        "pass a zip archive, a folder of clips, or a clip",
    ))
}

/// True if more records follow the last one that the directory counts: a writer without zip64 counts modulo 65,536.
fn unlisted(zip: &Zip, bytes: &[u8]) -> bool {
    let rows = (0..zip.len()).filter_map(|index| zip.by_index_data(index).ok());
    let Some(last) = rows.map(|row| row.central_header_start()).max() else {
        return bytes.starts_with(HEADER_SIGNATURE);
    };
    let row = usize::try_from(last)
        .ok()
        .and_then(|last| bytes.get(last..));
    let Some((row, fixed)) = row.and_then(|row| Some((row, row.get(28..34)?))) else {
        return false;
    };
    let length = |at: usize| usize::from(u16::from_le_bytes([fixed[at], fixed[at + 1]]));
    let end = ROW + length(0) + length(2) + length(4);
    row.get(end..)
        .is_some_and(|rest| rest.starts_with(ROW_SIGNATURE))
}

/// Upper bound on the end of each entry's data; `None` if entries overlap according to the directory.
fn ends(zip: &Zip) -> Option<Vec<u64>> {
    let mut spans = Vec::with_capacity(zip.len());
    for index in 0..zip.len() {
        let entry = zip.by_index_data(index).ok()?;
        let start = entry.header_start();
        let least = HEADER + entry.name_raw().len() as u64;
        let end = start
            .checked_add(least)?
            .checked_add(entry.compressed_size())?;
        spans.push((start, end, index));
    }
    spans.sort_unstable();
    let mut ends = vec![0; spans.len()];
    let mut next = zip.central_directory_start();
    for (start, end, index) in spans.into_iter().rev() {
        if end > next {
            return None;
        }
        ends[index] = next;
        next = start;
    }
    Some(ends)
}

/// The error for an entry that cannot be opened.
fn entry_fault(place: &Place, error: &ZipError) -> Error {
    let (what, help) = match error {
        ZipError::UnsupportedArchive(why) if why.to_lowercase().contains("password") => (
            "encrypted".into(),
            "unpack the archive with its password and pass the folder",
        ),
        ZipError::UnsupportedArchive(why) => return unknown(place, why),
        _ => (format!("damaged: {}", plain(error)), AGAIN),
    };
    Error::input(place.clone(), what, help)
}

/// The error for a compression method that is not supported.
fn unknown(place: &Place, which: &str) -> Error {
    let what = format!("unsupported compression ({which})");
    let help = "pack it again with deflate, the usual compression";
    Error::input(place.clone(), what, help)
}

/// An error of the zip crate, on one line.
fn plain(error: &ZipError) -> String {
    error.to_string().replace('\n', " ")
}
