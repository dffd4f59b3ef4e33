//! A source of entries: a zip archive, a folder, or one file. A zip is read where it lies, through a memory map.

use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use memmap2::Mmap;
use zip::ZipArchive;
use zip::result::ZipError;

use crate::error::{Error, Place, Result};

/// The bytes of a zip archive, shared by all its readers.
#[derive(Debug, Clone)]
struct Bytes(Arc<Mmap>);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

type Zip = ZipArchive<Cursor<Bytes>>;

/// A source of entries, listed.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    zip: Option<Zip>,
    /// Path inside the source with `/` between folders, and where the entry is found.
    entries: Vec<(String, Found)>,
}

#[derive(Debug, Clone)]
enum Found {
    /// Index in the zip's directory.
    Zipped(usize),
    /// A file.
    File(PathBuf),
}

/// Folders in folders that are looked into; also what ends a circle of links.
const DEEPEST: usize = 16;
const AGAIN: &str = "download it again";

impl Archive {
    /// Opens a zip archive, a folder with all below it, or a single file, and lists the entries by name.
    ///
    /// # Errors
    /// Nothing there, an archive that is cut short or damaged, a page saved as an archive, or what the system says.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let metadata = fs::metadata(&path).map_err(|error| Error::io(&path, "read", error))?;
        let mut zip = None;
        let mut entries = Vec::new();
        if !metadata.is_dir() && !metadata.is_file() {
            let help = "name an archive, a folder or a clip";
            return Err(Error::input(
                Place::file(&path),
                "neither a file nor a folder",
                help,
            ));
        }
        if metadata.is_dir() {
            list(&path, "", 0, &mut entries)?;
        } else if is_zip(&path)? {
            let opened = open_zip(&path)?;
            let name = |index| match opened.name_for_index(index) {
                Some(Ok(name)) => name.into_owned(),
                _ => format!("entry {index}"),
            };
            entries = (0..opened.len())
                .map(|index| (name(index), Found::Zipped(index)))
                .collect();
            entries.retain(|(name, _)| !name.ends_with(['/', '\\']));
            zip = Some(opened);
        } else {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            entries.push((name, Found::File(path.clone())));
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Archive { path, zip, entries })
    }

    /// The archive, folder or file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the archive, or of all its files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let size = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        if self.zip.is_some() {
            return size(&self.path);
        }
        let files = self.entries.iter().map(|(_, found)| match found {
            Found::File(path) => size(path),
            Found::Zipped(_) => 0,
        });
        files.sum()
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True without entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries' paths inside the source, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }

    /// The place of an entry, for messages.
    #[must_use]
    pub fn place(&self, entry: usize) -> Place {
        match self.entries.get(entry) {
            Some((_, Found::File(path))) => Place::file(path),
            Some((name, Found::Zipped(_))) => {
                Place::file(&self.path).entry(name.escape_debug().to_string())
            }
            None => Place::file(&self.path),
        }
    }

    /// What an entry is told by without reading it: its size, and a zip entry's CRC or a file's time of change in
    /// nanoseconds since 1970. None where there is no such entry.
    #[must_use]
    pub fn stamp(&self, entry: usize) -> Option<(u64, u128)> {
        match (&self.entries.get(entry)?.1, &self.zip) {
            (Found::File(path), _) => {
                let metadata = fs::metadata(path).ok()?;
                let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
                Some((metadata.len(), changed.as_nanos()))
            }
            (Found::Zipped(index), Some(zip)) => {
                let entry = zip.by_index_data(*index).ok()?;
                Some((entry.size(), entry.crc32().into()))
            }
            _ => None,
        }
    }

    /// A reader of the entries; each thread takes its own, which is cheap.
    #[must_use]
    pub fn reader(&self) -> EntryReader<'_> {
        EntryReader {
            archive: self,
            zip: self.zip.clone(),
        }
    }
}

/// Reads entries of an [`Archive`].
#[derive(Debug)]
pub struct EntryReader<'a> {
    archive: &'a Archive,
    zip: Option<Zip>,
}

impl EntryReader<'_> {
    /// The size that an entry claims to have when it is unpacked; 0 where there is no such entry.
    #[must_use]
    pub fn size(&self, entry: usize) -> u64 {
        match (self.archive.entries.get(entry), &self.zip) {
            (Some((_, Found::File(path))), _) => {
                fs::metadata(path).map_or(0, |metadata| metadata.len())
            }
            (Some((_, Found::Zipped(index))), Some(zip)) => {
                zip.by_index_data(*index).map_or(0, |entry| entry.size())
            }
            _ => 0,
        }
    }

    /// Reads a whole entry into a buffer, in place of what it held. A zip entry's CRC is verified.
    ///
    /// # Errors
    /// More than `most` bytes, whatever the entry claims; an encrypted entry, an unknown compression, a wrong CRC, a
    /// damaged or missing entry, or what the system says.
    pub fn read(&mut self, entry: usize, most: usize, buffer: &mut Vec<u8>) -> Result<()> {
        buffer.clear();
        let place = self.archive.place(entry);
        let too_big = || {
            let what = format!("it holds more than {} MiB", most >> 20);
            Err(Error::input(
                place.clone(),
                what,
                "leave it out: no clip is that large",
            ))
        };
        let read = match (self.archive.entries.get(entry), &mut self.zip) {
            (Some((_, Found::File(path))), _) => {
                let file = File::open(path).map_err(|error| Error::io(path, "read", error))?;
                file.take(most as u64 + 1)
                    .read_to_end(buffer)
                    .map_err(|error| Error::io(path, "read", error))?
            }
            (Some((_, Found::Zipped(index))), Some(zip)) => {
                let mut file = zip
                    .by_index(*index)
                    .map_err(|error| entry_fault(&place, error))?;
                if file.size() > most as u64 {
                    return too_big();
                }
                // No more than it claims, which is within the limit; one byte beyond shows the claim to be false.
                let claim = file.size();
                buffer.reserve(claim as usize + 1);
                let read = (&mut file).take(claim + 1).read_to_end(buffer);
                let read = read.map_err(|error| entry_fault(&place, ZipError::Io(error)))?;
                if read as u64 != claim {
                    let what =
                        format!("it inflates to other than the {claim} bytes that it claims");
                    return Err(Error::input(place, what, AGAIN));
                }
                read
            }
            _ => {
                return Err(Error::input(
                    place,
                    format!("it has no entry {entry}"),
                    AGAIN,
                ));
            }
        };
        if read > most { too_big() } else { Ok(()) }
    }
}

/// True for a file that begins as a zip archive does, or is called one.
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

/// Maps an archive and reads its directory.
fn open_zip(path: &Path) -> Result<Zip> {
    let refused = |error| Error::io(path, "read", error);
    let fault = |what: &str, help: &str| Error::input(Place::file(path), what, help);
    let file = File::open(path).map_err(refused)?;
    if file.metadata().map_err(refused)?.len() == 0 {
        return Err(fault("the file is empty", AGAIN));
    }
    // SAFETY: the archive is only read. If somebody else cuts the file short meanwhile the process ends with a
    // signal; it does not read foreign memory.
    let bytes = Bytes(Arc::new(unsafe { Mmap::map(&file) }.map_err(refused)?));
    let start = bytes
        .0
        .get(..1024)
        .unwrap_or(&bytes.0)
        .trim_ascii_start()
        .to_ascii_lowercase();
    if start.starts_with(b"<!doctype") || start.starts_with(b"<html") || start.starts_with(b"<?xml")
    {
        let help =
            "open it in a browser to see what it says (log in?), and download the archive itself";
        return Err(fault("it is a web page, not a zip archive", help));
    }
    let zipped = start.starts_with(b"pk");
    ZipArchive::new(Cursor::new(bytes)).map_err(|error| match error {
        ZipError::Io(error) if error.raw_os_error().is_some() => refused(error),
        _ if !zipped => fault(
            "it is not a zip archive",
            "give the archive, a folder of clips, or a clip",
        ),
        error => fault(
            &format!("the zip archive is cut short or damaged: {}", plain(&error)),
            AGAIN,
        ),
    })
}

/// What is wrong with one entry.
fn entry_fault(place: &Place, error: ZipError) -> Error {
    let (what, help) = match &error {
        ZipError::UnsupportedArchive(why) if why.to_lowercase().contains("password") => (
            "it is encrypted".into(),
            "unpack the archive with its password and give the folder",
        ),
        ZipError::UnsupportedArchive(why) => (
            format!("it cannot be unpacked here ({why})"),
            "pack it again with the usual compression (deflate)",
        ),
        ZipError::Io(io) if io.to_string().contains("checksum") => {
            ("its CRC is wrong: it is damaged".into(), AGAIN)
        }
        _ => (format!("it is damaged: {}", plain(&error)), AGAIN),
    };
    Error::input(place.clone(), what, help)
}

/// An error of the zip reader, on one line.
fn plain(error: &ZipError) -> String {
    error.to_string().replace('\n', " ")
}

/// Lists the files of a folder and those below, links followed.
fn list(
    folder: &Path,
    within: &str,
    depth: usize,
    entries: &mut Vec<(String, Found)>,
) -> Result<()> {
    let refused = |error| Error::io(folder, "read the folder", error);
    if depth > DEEPEST {
        let what = format!("more than {DEEPEST} folders in one another");
        return Err(Error::input(
            Place::file(folder),
            what,
            "give a folder nearer to the clips",
        ));
    }
    for entry in fs::read_dir(folder).map_err(refused)? {
        let entry = entry.map_err(refused)?;
        let path = entry.path();
        let name = format!("{within}{}", entry.file_name().to_string_lossy());
        let metadata = fs::metadata(&path).map_err(|error| Error::io(&path, "read", error))?;
        if metadata.is_dir() {
            list(&path, &format!("{name}/"), depth + 1, entries)?;
        } else if metadata.is_file() {
            entries.push((name, Found::File(path)));
        }
    }
    Ok(())
}
