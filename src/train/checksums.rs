//! `checksums.json`: size and checksum of every file of a run, so that a byte that changes in any of them is noticed.
//!
//! It is written last, after what it describes, and before a file is cut back: a kill at any moment leaves one that is
//! still right. Bytes appended since are not covered by it, nor are files written since, which carry a checksum of their
//! own; files removed since are listed in vain.

use super::checkpoint;
use super::folder::{BEST, CHECKPOINTS, CHECKSUMS, CONFIG, EVENTS, GROWING};
use super::tensorboard;
use crate::error::{Error, Place, Result};
use crate::files;
use crate::limits::CHECKSUMS_BYTES;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

const FORMAT: &str = "sinew-checksums";
const VERSION: u32 = 1;
const NO_CHECKSUM: &str = "0000000000000000";

/// Size and checksum of a file; one that only grows may have become longer since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSum {
    /// Bytes, from the file's start, that the checksum covers.
    pub bytes: u64,
    /// xxh3-64 of those bytes, as 16 hexadecimal digits.
    pub xxh3: String,
}

impl FileSum {
    /// That of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        FileSum {
            bytes: bytes.len() as u64,
            xxh3: hexadecimal(xxh3_64(bytes)),
        }
    }

    /// Whether a file that begins with these bytes still has what the checksum covers.
    #[must_use]
    pub fn covers(&self, bytes: &[u8]) -> bool {
        let covered = usize::try_from(self.bytes)
            .ok()
            .and_then(|n| bytes.get(..n));
        covered.is_some_and(|covered| FileSum::of(covered) == *self)
    }

    /// Whether a file is exactly these bytes.
    #[must_use]
    pub fn is(&self, bytes: &[u8]) -> bool {
        FileSum::of(bytes) == *self
    }
}

/// What `checksums.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checksums {
    format: String,
    version: u32,
    /// By the file's path in the run's folder, its parts separated by `/`.
    pub files: BTreeMap<String, FileSum>,
    /// The `config.toml` that is about to replace the one in `files`: either may be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_config: Option<FileSum>,
    /// xxh3-64 of this file with sixteen zeros in this place; the zeros while in memory.
    checksum: String,
}

impl Default for Checksums {
    fn default() -> Self {
        Checksums {
            format: FORMAT.into(),
            version: VERSION,
            files: BTreeMap::new(),
            next_config: None,
            checksum: NO_CHECKSUM.into(),
        }
    }
}

impl Checksums {
    /// Reads and verifies the file of a run's folder; none where there is none, as in runs of earlier versions.
    ///
    /// # Errors
    /// [`Error::Input`] for a damaged file or one of another version, [`Error::Io`] where it cannot be read.
    pub fn of_run(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(CHECKSUMS);
        match files::text(&path, CHECKSUMS_BYTES) {
            Ok(text) => Self::parse(&text, &path).map(Some),
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
            Err(Error::Input { place, what, .. }) => Err(Error::input(place, what, ANEW)),
            Err(error) => Err(error),
        }
    }

    /// The same of text that came from `path`.
    ///
    /// # Errors
    /// As [`Checksums::of_run`].
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let wrong = |what: String| Error::input(Place::file(path), what, ANEW);
        let mut sums: Checksums =
            serde_json::from_str(text).map_err(|e| wrong(format!("damaged: {e}")))?;
        if (sums.format.as_str(), sums.version) != (FORMAT, VERSION) {
            let (format, version) = (&sums.format, sums.version);
            let what = format!(
                "of format {format:?}, version {version}; this program reads {FORMAT:?}, {VERSION}"
            );
            return Err(wrong(what));
        }
        let sum = sums.checksum.as_str();
        let blank = text
            .strip_suffix('\n')
            .and_then(|text| text.rsplit_once(sum))
            .filter(|_| sum.len() == NO_CHECKSUM.len());
        let blank = blank.map(|(before, after)| format!("{before}{NO_CHECKSUM}{after}"));
        if blank.is_none_or(|blank| checksum(&blank) != sum) {
            return Err(wrong("damaged: its checksum does not match".into()));
        }
        sums.checksum = NO_CHECKSUM.into();
        Ok(sums)
    }

    /// Whether a `config.toml` is listed at all.
    #[must_use]
    pub fn lists_config(&self) -> bool {
        self.files.contains_key(CONFIG) || self.next_config.is_some()
    }

    /// Whether the program wrote this `config.toml`.
    #[must_use]
    pub fn knows_config(&self, bytes: &[u8]) -> bool {
        let listed = self.files.get(CONFIG).into_iter().chain(&self.next_config);
        listed.into_iter().any(|sum| sum.is(bytes))
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|e| Error::failed(e.to_string(), "report this defect"))?;
        // The checksum is the last field, so the last sixteen zeros are its own.
        let sum = checksum(&text);
        let (before, after) = text.rsplit_once(NO_CHECKSUM).unwrap_or((&text, ""));
        let text = format!("{before}{sum}{after}\n");
        files::write(folder.join(CHECKSUMS), text.as_bytes())
    }
}

/// What to do about a damaged list.
const ANEW: &str = "`sinew train --resume RUN` or `sinew check RUN --mend` writes it anew";

fn checksum(text: &str) -> String {
    hexadecimal(xxh3_64(text.as_bytes()))
}

fn hexadecimal(hash: u64) -> String {
    format!("{hash:016x}")
}

/// The hash of a growing file as far as it is listed.
struct Hash(Xxh3);

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash")
    }
}

/// Keeps the `checksums.json` of an open run up to date.
#[derive(Debug)]
pub(super) struct ChecksumWriter {
    folder: PathBuf,
    sums: Checksums,
    /// Of growing files.
    hashes: BTreeMap<String, Hash>,
    /// Files that were replaced since they were listed.
    replaced: BTreeSet<String>,
}

impl ChecksumWriter {
    /// For a new run, whose folder may hold the list of one that was broken off.
    pub(super) fn create(folder: &Path) -> Result<Self> {
        let path = folder.join(CHECKSUMS);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io(&path, "remove", e)),
            _ => Ok(Self::with(folder, Checksums::default())),
        }
    }

    /// For a run that exists. A damaged list is told, and replaced by a new one.
    pub(super) fn open(folder: &Path) -> (Self, Option<Error>) {
        match Checksums::of_run(folder) {
            Ok(sums) => (Self::with(folder, sums.unwrap_or_default()), None),
            Err(error) => (Self::with(folder, Checksums::default()), Some(error)),
        }
    }

    fn with(folder: &Path, sums: Checksums) -> Self {
        ChecksumWriter {
            folder: folder.to_path_buf(),
            sums,
            hashes: BTreeMap::new(),
            replaced: BTreeSet::new(),
        }
    }

    /// Whether a growing file still has what is listed of it; none where it is not listed.
    pub(super) fn covers(&self, name: &str, bytes: &[u8]) -> Option<bool> {
        Some(self.sums.files.get(name)?.covers(bytes))
    }

    /// Notes that a file was replaced by another.
    pub(super) fn replaced(&mut self, name: String) {
        self.hashes.remove(&name);
        self.replaced.insert(name);
    }

    /// Notes that a growing file will be cut back or replaced, and lists as much of it as stays the same. Returns whether
    /// the list must be written before that happens.
    pub(super) fn will_change(&mut self, name: &str, old: &[u8], new: &[u8]) -> bool {
        let same = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        let mut hash = Xxh3::new();
        hash.update(&new[..same]);
        self.hashes.insert(name.into(), Hash(hash));
        let sum = FileSum::of(&new[..same]);
        let before = self.sums.files.insert(name.into(), sum);
        before.is_some_and(|before| !before.covers(&new[..same]))
    }

    /// Notes that `config.toml` will be replaced, and writes it down where there is a list to write it in.
    pub(super) fn will_replace_config(&mut self, new: &[u8]) -> Result<()> {
        self.sums.next_config = Some(FileSum::of(new));
        self.sums.write(&self.folder)
    }

    /// Writes the list as it is, less what is named.
    pub(super) fn write_without(&mut self, names: &[String]) -> Result<()> {
        for name in names {
            self.sums.files.remove(name);
            self.hashes.remove(name);
            self.replaced.remove(name);
        }
        self.sums.write(&self.folder)
    }

    /// Lists every file as it is now, once the run has settings.
    pub(super) fn write(&mut self) -> Result<()> {
        if !self.folder.join(CONFIG).exists() {
            return Ok(());
        }
        let mut listed = BTreeMap::new();
        for name in names(&self.folder)? {
            if let Some(sum) = self.sum(&name)? {
                listed.insert(name, sum);
            }
        }
        self.hashes.retain(|name, _| listed.contains_key(name));
        self.replaced.clear();
        if listed != self.sums.files
            || self.sums.next_config.is_some()
            || !self.folder.join(CHECKSUMS).exists()
        {
            self.sums.files = listed;
            self.sums.next_config = None;
            self.sums.write(&self.folder)?;
        }
        Ok(())
    }

    /// What a file is now; none where it is not there. A file that has not changed since it was listed is not read: had
    /// it been damaged, that would go unnoticed.
    fn sum(&mut self, name: &str) -> Result<Option<FileSum>> {
        let listed = self.sums.files.get(name);
        let grows = grows(name);
        if let (Some(sum), false, false) = (listed, grows, self.replaced.contains(name)) {
            return Ok(Some(sum.clone()));
        }
        let path = self.folder.join(name);
        let refused = |e| Error::io(&path, "read", e);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(refused(e)),
        };
        let (mut hash, mut bytes) = match (self.hashes.remove(name), listed) {
            (Some(Hash(hash)), Some(sum)) => (hash, sum.bytes),
            _ => (Xxh3::new(), 0),
        };
        let length = file.metadata().map_err(refused)?.len();
        if let Some(sum) = listed.filter(|sum| grows && length < sum.bytes) {
            // Somebody else cut it short; that is for a check to find.
            return Ok(Some(sum.clone()));
        }
        file.seek(SeekFrom::Start(bytes)).map_err(refused)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer).map_err(refused)? {
                0 => break,
                read => {
                    hash.update(&buffer[..read]);
                    bytes += read as u64;
                }
            }
        }
        let xxh3 = hexadecimal(hash.digest());
        if grows {
            self.hashes.insert(name.into(), Hash(hash));
        }
        Ok(Some(FileSum { bytes, xxh3 }))
    }
}

/// Whether a file only grows while a run goes on.
pub(super) fn grows(name: &str) -> bool {
    GROWING.contains(&name) || name.starts_with(EVENTS)
}

/// The name of a file of a run in the list.
pub(super) fn listed_name(folder: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    let parts = inside.components();
    let parts: Vec<_> = parts
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

/// The files of a run that are listed.
fn names(folder: &Path) -> Result<Vec<String>> {
    let mut paths: Vec<PathBuf> = [CONFIG, BEST]
        .iter()
        .chain(&GROWING)
        .map(|name| folder.join(name))
        .filter(|path| path.exists())
        .collect();
    paths.extend(checkpoint::list(&folder.join(CHECKPOINTS))?);
    paths.extend(tensorboard::list(&folder.join(EVENTS))?);
    Ok(paths.iter().map(|path| listed_name(folder, path)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_the_list_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut sums = Checksums::default();
        sums.files.insert(CONFIG.into(), FileSum::of(b"settings"));
        sums.next_config = Some(FileSum::of(b"others"));
        sums.write(folder.path()).expect("written");
        let read = Checksums::of_run(folder.path())
            .expect("whole")
            .expect("there");
        assert_eq!(read, sums);
        assert!(read.knows_config(b"settings") && read.knows_config(b"others"));
        let path = folder.path().join(CHECKSUMS);
        let whole = std::fs::read(&path).expect("bytes");
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                std::fs::write(&path, bytes).expect("written");
                assert!(Checksums::of_run(folder.path()).is_err(), "byte {at}");
            }
        }
    }
}
