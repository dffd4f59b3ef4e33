//! A source of entries: a zip archive, a folder, or a single file.

mod listing;
mod zipped;

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use self::listing::Listing;
use self::zipped::{Unpacker, Zipped};
use crate::error::{Error, Place, Result, Warning};

/// An open source with the list of its entries.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    zip: Option<Zipped>,
    /// Path inside the source, separated by `/`, and the location of the entry.
    entries: Vec<(String, Location)>,
    /// Skipped folders: path inside the source, and the system's error message.
    unread: Vec<(String, String)>,
    warning: Option<Warning>,
}

#[derive(Debug, Clone)]
enum Location {
    /// Index in the zip's directory.
    Zipped(usize),
    /// A file.
    File(PathBuf),
}

const AGAIN: &str = "download it again";

impl Archive {
    /// Opens a zip archive, a folder (recursively) or a single file, and lists its entries by name. Backslashes in the
    /// names inside a zip are folder separators, as some Windows programs write them.
    ///
    /// # Errors
    /// [`Error::Input`] for a truncated or damaged archive, or a web page saved under its name; [`Error::Io`] if the path
    /// cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let metadata = fs::metadata(&path).map_err(|error| Error::io(&path, "read", error))?;
        let mut zip = None;
        let mut listing = Listing::default();
        if !metadata.is_dir() && !metadata.is_file() {
            let help = "pass an archive, a folder or a clip";
            return Err(Error::input(
                Place::file(&path),
                "neither a file nor a folder",
                help,
            ));
        }
        if metadata.is_dir() {
            listing = Listing::of(&path)?;
        } else if is_zip(&path)? {
            let opened = Zipped::open(&path)?;
            let found =
                |(index, name): (usize, String)| (name.replace('\\', "/"), Location::Zipped(index));
            let files = opened.names().enumerate().map(found);
            listing.entries = files.filter(|(name, _)| !name.ends_with('/')).collect();
            zip = Some(opened);
        } else {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            listing.entries.push((name, Location::File(path.clone())));
        }
        let warning = listing.warning(&path);
        let Listing {
            mut entries,
            unread,
            ..
        } = listing;
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Archive {
            path,
            zip,
            entries,
            unread,
            warning,
        })
    }

    /// The archive, folder or file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The warning about skipped folders or links, if any.
    pub(super) fn warning(&self) -> Option<&Warning> {
        self.warning.as_ref()
    }

    /// The reason why a path inside the source is unknown: one of its parent folders cannot be read.
    pub(super) fn unread_above(&self, name: &str) -> Option<String> {
        let above = |folder: &str| {
            name.strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        let (folder, why) = self.unread.iter().find(|(folder, _)| above(folder))?;
        Some(format!("{folder} cannot be read: {why}"))
    }

    /// Size of the archive, or of all files of the folder, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let size = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        if self.zip.is_some() {
            return size(&self.path);
        }
        let files = self.entries.iter().map(|(_, found)| match found {
            Location::File(path) => size(path),
            Location::Zipped(_) => 0,
        });
        files.sum()
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries' paths inside the source, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }

    /// The place of an entry, for error messages.
    #[must_use]
    pub fn place(&self, entry: usize) -> Place {
        match self.entries.get(entry) {
            Some((_, Location::File(path))) => Place::file(path),
            Some((name, Location::Zipped(_))) => {
                Place::file(&self.path).entry(name.escape_debug().to_string())
            }
            None => Place::file(&self.path),
        }
    }

    /// What identifies an entry's contents without reading it: the uncompressed size, and the CRC of a zip entry or the
    /// modification time of a file in nanoseconds since 1970. `None` if there is no such entry.
    #[must_use]
    pub fn stamp(&self, entry: usize) -> Option<(u64, u128)> {
        match (&self.entries.get(entry)?.1, &self.zip) {
            (Location::File(path), _) => {
                let metadata = fs::metadata(path).ok()?;
                let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
                Some((metadata.len(), changed.as_nanos()))
            }
            (Location::Zipped(index), Some(zip)) => {
                let (size, crc) = zip.claims(*index)?;
                Some((size, crc.into()))
            }
            _ => None,
        }
    }

    /// A reader of the entries. Each thread needs its own; creating one is cheap.
    #[must_use]
    pub fn reader(&self) -> EntryReader<'_> {
        EntryReader {
            archive: self,
            zip: self.zip.as_ref().map(Zipped::unpacker),
        }
    }
}

/// Reads entries of an [`Archive`].
#[derive(Debug)]
pub struct EntryReader<'a> {
    archive: &'a Archive,
    zip: Option<Unpacker<'a>>,
}

impl EntryReader<'_> {
    /// The uncompressed size that an entry declares, in bytes; 0 if there is no such entry.
    #[must_use]
    pub fn size(&self, entry: usize) -> u64 {
        self.archive.stamp(entry).map_or(0, |(size, _)| size)
    }

    /// Reads a whole entry into a buffer, replacing its contents. The CRC of a zip entry is verified.
    ///
    /// # Errors
    /// [`Error::Input`] for more than `most` bytes, whatever size the entry declares, and for an encrypted, damaged or
    /// missing entry, an unsupported compression or a wrong CRC; [`Error::Io`] if a file cannot be read.
    pub fn read(&mut self, entry: usize, most: usize, buffer: &mut Vec<u8>) -> Result<()> {
        self.read_or(
            entry,
            most,
            "remove it, since no clip is that large",
            buffer,
        )
    }

    /// Reads a text file that accompanies the clips: UTF-8, with or without a byte order mark.
    ///
    /// # Errors
    /// As [`EntryReader::read`]; not UTF-8.
    pub(super) fn text(&mut self, entry: usize, most: usize) -> Result<String> {
        let mut bytes = Vec::new();
        self.read_or(entry, most, "shorten it", &mut bytes)?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(text.trim_start_matches('\u{feff}').to_string()),
            Err(_) => Err(Error::input(
                self.archive.place(entry),
                "not UTF-8 text",
                "save it as UTF-8",
            )),
        }
    }

    /// [`EntryReader::read`] with the advice to give for an entry that is too large.
    fn read_or(
        &mut self,
        entry: usize,
        most: usize,
        too_large: &str,
        buffer: &mut Vec<u8>,
    ) -> Result<()> {
        buffer.clear();
        let place = self.archive.place(entry);
        match (self.archive.entries.get(entry), &mut self.zip) {
            (Some((_, Location::File(path))), _) => {
                let refused = |error| Error::io(path, "read", error);
                let file = File::open(path).map_err(refused)?;
                let read = file.take(most as u64 + 1).read_to_end(buffer);
                if read.map_err(refused)? > most {
                    return Err(too_big(&place, most, too_large));
                }
                Ok(())
            }
            (Some((_, Location::Zipped(index))), Some(zip)) => {
                zip.read(*index, most, &place, too_large, buffer)
            }
            _ => {
                let what = format!("there is no entry {entry}");
                Err(Error::input(place, what, AGAIN))
            }
        }
    }
}

/// The error for an entry larger than `most` bytes.
fn too_big(place: &Place, most: usize, help: &str) -> Error {
    let what = format!("larger than {} MiB", most >> 20);
    Error::input(place.clone(), what, help)
}

/// True for a file with the signature or the extension of a zip archive.
fn is_zip(path: &Path) -> Result<bool> {
    let mut start = [0; 4];
    let mut file = File::open(path).map_err(|error| Error::io(path, "read", error))?;
    let read = file
        .read(&mut start)
        .map_err(|error| Error::io(path, "read", error))?;
    let called = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
    Ok(called || (read == 4 && start.starts_with(b"PK")))
}
