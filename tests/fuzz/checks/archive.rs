//! Zip archives: any bytes are read within bounds or refused, and what was packed comes out as it went in.
//!
//! An input is tried as the bytes of an archive, and as the contents of entries that are packed here, so that sizes and
//! sums are right: each entry a byte for its name and compression, its contents, and a zero byte.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use sinew::formats::archive::Archive;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::refusal;

/// Most bytes of an entry here.
const MOST: usize = 1 << 16;
/// Most entries that are read.
const ENTRIES: usize = 32;

pub fn check(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("some.zip");
    fs::write(&path, bytes).expect("written");
    any(&path);
    let entries = entries(bytes);
    fs::write(&path, packed(&entries)).expect("written");
    whole(&path, &entries);
}

/// Whatever the bytes are, reading stays within bounds and gives the same twice.
fn any(path: &Path) {
    let archive = match Archive::open(path) {
        Ok(archive) => archive,
        Err(error) => return refusal(&error),
    };
    let names: Vec<_> = archive.names().collect();
    assert!(names.is_sorted());
    assert_eq!(names.len(), archive.len());
    let (mut reader, mut other) = (archive.reader(), archive.reader());
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for entry in 0..names.len().min(ENTRIES) {
        assert!(!archive.place(entry).to_string().contains(char::is_control));
        match reader.read(entry, MOST, &mut first) {
            Ok(()) => {
                assert!(first.len() <= MOST);
                assert_eq!(reader.size(entry), first.len() as u64);
                other
                    .read(entry, MOST, &mut second)
                    .expect("it was read before");
                assert_eq!(first, second);
            }
            Err(error) => refusal(&error),
        }
    }
    refusal(
        &reader
            .read(names.len(), MOST, &mut first)
            .expect_err("no such entry"),
    );
}

/// An entry's name, its compression and its contents.
type Entry<'a> = (String, CompressionMethod, &'a [u8]);

fn entries<'a>(bytes: &'a [u8]) -> Vec<Entry<'a>> {
    let parts = bytes.split(|byte| *byte == 0).take(ENTRIES);
    let entry = |(index, part): (usize, &'a [u8])| {
        let (first, contents) = part.split_first().unwrap_or((&0, part));
        let method = if first & 1 == 0 {
            CompressionMethod::Stored
        } else {
            CompressionMethod::Deflated
        };
        (format!("{index:02}"), method, contents)
    };
    parts.enumerate().map(entry).collect()
}

fn packed(entries: &[Entry]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, method, contents) in entries {
        let options = SimpleFileOptions::default().compression_method(*method);
        zip.start_file(name.as_str(), options)
            .expect("a sound name");
        zip.write_all(contents).expect("written");
    }
    zip.finish().expect("written").into_inner()
}

/// What was packed comes out, where the limit allows.
fn whole(path: &Path, entries: &[Entry]) {
    let archive = Archive::open(path).expect("a sound archive");
    let names = entries.iter().map(|(name, ..)| name.as_str());
    assert!(archive.names().eq(names));
    let mut reader = archive.reader();
    let mut buffer = Vec::new();
    for (entry, (_, _, contents)) in entries.iter().enumerate() {
        reader
            .read(entry, contents.len(), &mut buffer)
            .expect("a sound entry");
        assert_eq!(buffer, *contents);
        if let Some(less) = contents.len().checked_sub(1) {
            refusal(
                &reader
                    .read(entry, less, &mut buffer)
                    .expect_err("it is larger"),
            );
        }
    }
}
