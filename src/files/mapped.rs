//! Memory-mapped files, with a registry from addresses to file names. If another program truncates a mapped file, reading it
//! raises a bus error; the registry lets the signal handler name the file.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use memmap2::Mmap;

use super::regular;
use crate::error::{Error, Result, one_line};

/// One mapping. Entries are never freed, since a signal handler may read them at any time; an unused one is reused by the next
/// mapping of the same path.
struct Entry {
    /// The path, printable.
    name: String,
    start: AtomicUsize,
    /// Length in bytes; 0 if unused, [`CLAIMED`] while `start` is being written.
    length: AtomicUsize,
    next: Option<&'static Entry>,
}

/// Longer than any mapping.
const CLAIMED: usize = usize::MAX;

/// The newest entry of the list; entries are only added.
static NEWEST: AtomicPtr<Entry> = AtomicPtr::new(ptr::null_mut());

/// All entries, the newest first.
fn entries() -> impl Iterator<Item = &'static Entry> {
    let newest = NEWEST.load(Ordering::Acquire);
    // SAFETY: an entry is leaked before its address is stored, and afterwards only its atomic fields change.
    std::iter::successors(unsafe { newest.as_ref() }, |entry| entry.next)
}

/// Claims an unused entry with this name, or adds one.
fn claim(name: String) -> &'static Entry {
    let free = |entry: &&Entry| {
        let claimed = || {
            let length = &entry.length;
            length.compare_exchange(0, CLAIMED, Ordering::Acquire, Ordering::Relaxed)
        };
        entry.name == name && claimed().is_ok()
    };
    if let Some(entry) = entries().find(free) {
        return entry;
    }
    let entry = Box::leak(Box::new(Entry {
        name,
        start: AtomicUsize::new(0),
        length: AtomicUsize::new(CLAIMED),
        next: None,
    }));
    let mut newest = NEWEST.load(Ordering::Acquire);
    loop {
        // SAFETY: as in `entries`.
        entry.next = unsafe { newest.as_ref() };
        let put = NEWEST.compare_exchange_weak(newest, entry, Ordering::AcqRel, Ordering::Acquire);
        match put {
            Ok(_) => return entry,
            Err(other) => newest = other,
        }
    }
}

/// The name of the mapped file that contains an address. Async-signal-safe: it takes no lock and does not allocate.
#[must_use]
pub fn mapped_at(address: usize) -> Option<&'static str> {
    let holds = |entry: &&Entry| {
        let length = entry.length.load(Ordering::Acquire);
        let start = entry.start.load(Ordering::Acquire);
        length != CLAIMED && address.checked_sub(start).is_some_and(|at| at < length)
    };
    entries().find(holds).map(|entry| entry.name.as_str())
}

/// A file mapped for reading.
pub struct MappedFile {
    bytes: Mmap,
    entry: &'static Entry,
}

impl MappedFile {
    /// Maps a whole regular file.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) for anything but a regular file; [`Error::Io`] if it cannot be mapped.
    pub fn open(path: &Path) -> Result<Self> {
        regular(path)?;
        let mapped = File::open(path).and_then(|file| Self::of(&file, path));
        mapped.map_err(|error| Error::io(path, "read", error))
    }

    fn of(file: &File, path: &Path) -> io::Result<Self> {
        // SAFETY: the bytes are only read, as plain integers. If another process modifies the file, other values are read; if
        // it truncates the file, this process ends with a bus error. Neither accesses memory outside the mapping.
        let bytes = unsafe { Mmap::map(file) }?;
        let entry = claim(one_line(&path.display().to_string()));
        entry.start.store(bytes.as_ptr().addr(), Ordering::Release);
        // An empty file stays claimed, since it contains no address.
        let length = if bytes.is_empty() {
            CLAIMED
        } else {
            bytes.len()
        };
        entry.length.store(length, Ordering::Release);
        Ok(MappedFile { bytes, entry })
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for MappedFile {
    fn drop(&mut self) {
        self.entry.length.store(0, Ordering::Release);
    }
}

impl std::fmt::Debug for MappedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MappedFile({}, {} bytes)", self.entry.name, self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_map_to_file_names() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        for path in [&a, &b] {
            std::fs::write(path, [7; 10_000]).unwrap();
        }
        let [a_name, b_name] = [&a, &b].map(|path| path.display().to_string());
        let count = || {
            let ours = |e: &&Entry| e.name == a_name || e.name == b_name;
            entries().filter(ours).count()
        };
        let [first, second] = [&a, &b].map(|path| MappedFile::open(path).unwrap());
        let last = |file: &MappedFile| file.as_ptr().addr() + 9_999;
        assert_eq!(mapped_at(first.as_ptr().addr()), Some(&a_name[..]));
        assert_eq!(mapped_at(last(&second)), Some(&b_name[..]));
        let gone = last(&first);
        drop(first);
        assert_ne!(mapped_at(gone), Some(&a_name[..]));
        let again = [MappedFile::open(&a), MappedFile::open(&a)].map(Result::unwrap);
        assert_eq!(mapped_at(last(&again[0])), Some(&a_name[..]));
        assert_eq!(mapped_at(last(&again[1])), Some(&a_name[..]));
        drop(again);
        drop(MappedFile::open(&a).unwrap());
        assert_eq!(count(), 3, "unused entries are reused");
    }
}
