//! An archive that was made to harm, or came to harm, is refused or read rightly, within bounds.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::raw_zip::{Entry, archive, counts, stored};
use crate::skeleton_text::{prepared, refused, simple};
use sinew::error::Result;
use sinew::formats::archive::Archive;
use tempfile::{TempDir, tempdir};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

/// Most bytes of an entry here.
const MOST: usize = 1 << 20;

/// The names and contents of everything in a file, or the first refusal.
fn read(path: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let archive = Archive::open(path)?;
    let mut reader = archive.reader();
    let names = archive.names().map(String::from).enumerate();
    names
        .map(|(entry, name)| {
            let mut buffer = Vec::new();
            reader.read(entry, MOST, &mut buffer)?;
            Ok((name, buffer))
        })
        .collect()
}

/// As [`read`], of these bytes.
fn read_bytes(dir: &TempDir, bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>> {
    let path = dir.path().join("some.zip");
    fs::write(&path, bytes).unwrap();
    read(&path)
}

/// The one line with which these bytes are refused, by the archive reader and by `prepare`.
fn line(bytes: &[u8]) -> String {
    let dir = tempdir().unwrap();
    let message = read_bytes(&dir, bytes).unwrap_err().to_string();
    assert!(!message.contains(char::is_control), "{message:?}");
    refused(&dir.path().join("some.zip"), &dir.path().join("out"));
    message
}

fn deflated(contents: &[u8]) -> Vec<u8> {
    let mut zip = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    zip.write_all(contents).unwrap();
    zip.finish().unwrap()
}

/// Names and contents of three clips, one compressed.
fn sound() -> (Vec<Entry>, Vec<(String, Vec<u8>)>) {
    let name = |index: usize| format!("a/S001C001P00{}R001A001.skeleton", index + 1);
    let texts = [simple(1), simple(2), simple(3)];
    let mut entries: Vec<Entry> = (0..3)
        .map(|index| stored(&name(index), texts[index].as_bytes()))
        .collect();
    entries[1].packed = deflated(texts[1].as_bytes());
    entries[1].claim_packed = entries[1].packed.len() as u32;
    entries[1].method = 8;
    let contents = texts.map(String::into_bytes).into_iter().enumerate();
    let contents = contents.map(|(index, text)| (name(index), text));
    (entries, contents.collect())
}

#[test]
fn a_sound_archive_is_read_whatever_stands_around_it() {
    let (entries, contents) = sound();
    let dir = tempdir().unwrap();
    let plain = archive(&entries);
    let junk = vec![7; 5000];
    for bytes in [
        plain.clone(),
        [&junk[..], &plain].concat(),
        [&plain[..], &junk].concat(),
        [&plain[..], b"\r\n"].concat(),
    ] {
        assert!(read_bytes(&dir, &bytes).unwrap() == contents);
    }
    // With a comment, which looks like the end of an archive.
    let mut commented = plain.clone();
    let length = commented.len();
    commented[length - 2] = 22;
    commented.extend(&plain[length - 22..]);
    assert!(read_bytes(&dir, &commented).is_ok_and(|found| found == contents));
}

#[test]
fn what_windows_packs_is_read() {
    // Deflate64 has deflate's blocks of stored bytes; a longer text takes several.
    let packed = |contents: &[u8]| {
        let mut packer =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::none());
        packer.write_all(contents).unwrap();
        packer.finish().unwrap()
    };
    let long = simple(200);
    assert!(long.len() > 4 << 16);
    let (name, text) = ("a/S001C001P001R001A001.skeleton", long.as_bytes());
    let sound = Entry {
        method: 9,
        packed: packed(text),
        claim_packed: packed(text).len() as u32,
        ..stored(name, text)
    };
    let dir = tempdir().unwrap();
    let found = read_bytes(&dir, &archive(std::slice::from_ref(&sound))).unwrap();
    assert_eq!(found, [(name.to_string(), text.to_vec())]);
    type Change = fn(&mut Entry);
    let changes: [(Change, &str); 6] = [
        (|e| e.crc ^= 1, "damaged: Invalid checksum"),
        (
            |e| e.claim -= 1,
            "damaged: File is larger than its declared",
        ),
        (|e| e.claim += 1, "its uncompressed size is not the"),
        (|e| e.claim = 2 << 20, "larger than 1 MiB"),
        (|e| e.packed[0] = 7, "damaged"),
        (
            |e| {
                e.packed.truncate(1000);
                e.claim_packed = 1000;
            },
            "damaged",
        ),
    ];
    for (change, what) in changes {
        let mut entry = sound.clone();
        change(&mut entry);
        let message = read_bytes(&dir, &archive(&[entry]))
            .unwrap_err()
            .to_string();
        assert!(message.contains(what), "{what}: {message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

#[test]
fn names_in_utf_8_need_not_say_so() {
    // macOS does not set the flag.
    let dir = tempdir().unwrap();
    for (listed, name) in [
        (
            "Mu\u{308}ller/走る.npy".as_bytes(),
            "Mu\u{308}ller/走る.npy",
        ),
        (b"M\x81ller.npy", "M\u{fc}ller.npy"),
    ] {
        let entry = Entry {
            name: listed.to_vec(),
            listed: listed.to_vec(),
            ..stored("", b"mine")
        };
        let found = read_bytes(&dir, &archive(&[entry])).unwrap();
        assert_eq!(found, [(name.to_string(), b"mine".to_vec())]);
    }
}

#[test]
fn large_archives_are_read() {
    // zip64: sizes of 64 bits, and more entries than 16 bits count.
    let dir = tempdir().unwrap();
    let path = dir.path().join("large.zip");
    let mut zip = ZipWriter::new(fs::File::create(&path).unwrap());
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .large_file(true);
    for index in 0..70_000 {
        zip.start_file(format!("notes/{index}.txt"), options)
            .unwrap();
    }
    zip.start_file("S001C001P001R001A001.skeleton", options)
        .unwrap();
    zip.write_all(simple(2).as_bytes()).unwrap();
    zip.finish().unwrap();
    let found = read(&path).unwrap();
    assert_eq!(found.len(), 70_001);
    assert_eq!(found[0].1, simple(2).as_bytes());
    let summary = prepared(&path, &dir.path().join("out")).unwrap();
    assert_eq!((summary.counts.clips, summary.ignored), (1, 70_000));
}

#[test]
fn a_million_entries_are_counted_and_an_archive_that_counts_fewer_is_refused() {
    let entries: Vec<Entry> = (0..1_000_000)
        .map(|index| stored(&format!("{index:07}.skeleton"), b""))
        .collect();
    // Sixteen bits count modulo 65,536; without zip64 the others would be lost in silence.
    let bytes = archive(&entries);
    drop(entries);
    assert!(line(&bytes).contains("the directory lists more entries than it counts"));
    let dir = tempdir().unwrap();
    let path = dir.path().join("some.zip");
    fs::write(&path, with_zip64_count(&bytes, 1_000_000)).unwrap();
    drop(bytes);
    let archive = Archive::open(&path).unwrap();
    assert_eq!(archive.len(), 1_000_000);
    // None of them is a clip, and that is said without a million lines.
    let message = refused(&path, &dir.path().join("out"));
    assert!(message.lines().count() < 150, "{}", message.lines().count());
}

/// The archive with an end that counts with 64 bits. APPNOTE 4.3.14 and 4.3.15.
fn with_zip64_count(bytes: &[u8], count: u64) -> Vec<u8> {
    let (body, end) = bytes.split_at(bytes.len() - 22);
    let number = |at: usize| u64::from(u32::from_le_bytes(end[at..at + 4].try_into().unwrap()));
    let mut made = body.to_vec();
    made.extend(b"PK\x06\x06");
    made.extend(44u64.to_le_bytes());
    made.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for word in [count, count, number(12), number(16)] {
        made.extend(word.to_le_bytes());
    }
    made.extend(b"PK\x06\x07\x00\x00\x00\x00");
    made.extend((body.len() as u64).to_le_bytes());
    made.extend([1, 0, 0, 0]);
    made.extend(b"PK\x05\x06\x00\x00\x00\x00");
    made.extend([0xff; 12]);
    made.extend([0; 2]);
    made
}

#[test]
fn counts_that_are_wrong_are_noticed() {
    let plain = archive(&sound().0);
    for (count, what) in [
        (0u8, "lists more entries than it counts"),
        (1, "lists more entries than it counts"),
        (2, "lists more entries than it counts"),
        (4, "truncated or damaged"),
    ] {
        let mut bytes = plain.clone();
        for byte in counts(&plain).step_by(2) {
            bytes[byte] = count;
        }
        let message = line(&bytes);
        assert!(message.contains(what), "{count}: {message}");
    }
}

#[test]
fn entries_that_share_bytes_are_refused() {
    let (entries, _) = sound();
    let overlap = "entries overlap";
    // The same bytes under two names.
    let mut twice = entries.clone();
    twice[1] = Entry {
        start: Some(0),
        listed: twice[1].name.clone(),
        ..twice[0].clone()
    };
    assert!(line(&archive(&twice)).contains(overlap));
    // An entry that holds the next one, header and all, as in a bomb of nested entries.
    let mut nested = entries.clone();
    nested[0].claim_packed += 40;
    nested[0].claim += 40;
    assert!(line(&archive(&nested)).contains(overlap));
    // One that runs into the directory, and one far beyond the file.
    for more in [1, 1 << 30] {
        let mut last = entries.clone();
        last[2].claim_packed += more;
        last[2].claim += more;
        let message = line(&archive(&last));
        assert!(
            message.contains(overlap) || message.contains("damaged"),
            "{message}"
        );
    }
    // The directory alone does not show it: an extra field beside the bytes moves them into the next entry's.
    let mut bytes = archive(&entries[..2]);
    bytes[28] = 9;
    let message = line(&bytes);
    assert!(
        message.contains("its data overlaps the next entry") && message.contains("P001R001A001"),
        "{message}"
    );
}

#[test]
fn claims_beyond_all_bounds_are_refused_unread() {
    let (mut entries, _) = sound();
    // 100 GB, which takes the extra field of zip64 in the directory. APPNOTE 4.5.3.
    let claim = 100_000_000_000u64.to_le_bytes();
    entries[0].claim = u32::MAX;
    entries[0].extra = [&[1, 0, 8, 0][..], &claim].concat();
    let message = line(&archive(&entries));
    assert!(message.contains("larger than"), "{message}");
    // Packed as large as that.
    entries[0].claim_packed = u32::MAX;
    entries[0].extra = [&[1, 0, 16, 0][..], &claim, &claim].concat();
    assert!(line(&archive(&entries)).contains("entries overlap"));
    // Few bytes that become many, truly claimed or not.
    let zeros = vec![0; 300 << 20];
    let packed = deflated(&zeros);
    for (claim, what) in [
        (zeros.len() as u32, "larger than"),
        (1000, "its uncompressed size is not the 1000 bytes"),
    ] {
        let bomb = Entry {
            method: 8,
            claim,
            claim_packed: packed.len() as u32,
            crc: crc32fast::hash(&zeros),
            packed: packed.clone(),
            ..stored("S001C001P001R001A001.skeleton", b"")
        };
        let message = line(&archive(&[bomb]));
        assert!(message.contains(what), "{message}");
    }
}

#[test]
fn names_lead_nowhere() {
    let dir = tempdir().unwrap();
    let text = simple(2);
    let name = "S001C001P001R001A001.skeleton";
    for path in [
        format!("../../../{name}"),
        format!("/{name}"),
        format!("C:\\{name}"),
        format!("..\\..\\{name}"),
        format!("a/./../{name}"),
    ] {
        let inside = dir.path().join("deep/deeper");
        fs::create_dir_all(&inside).unwrap();
        let source = inside.join("a.zip");
        fs::write(&source, archive(&[stored(&path, text.as_bytes())])).unwrap();
        prepared(&source, &inside.join("out")).unwrap();
        let list = |folder: &Path| {
            let names = fs::read_dir(folder).unwrap();
            let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(list(dir.path()), ["deep"], "{path}");
        assert_eq!(list(&dir.path().join("deep")), ["deeper"], "{path}");
        assert_eq!(list(&inside), ["a.zip", "out"], "{path}");
        fs::remove_dir_all(&inside).unwrap();
    }
    // What a name says to a terminal stays unsaid.
    let (mut entries, _) = sound();
    let evil = b"\x1b[2J\n\x07/S001C001P001R001A001.skeleton".to_vec();
    (entries[0].name, entries[0].listed) = (evil.clone(), evil);
    entries[0].crc ^= 1;
    assert!(line(&archive(&entries)).contains("wrong CRC"));
}

#[test]
fn what_cannot_be_unpacked_says_so() {
    type Change = fn(&mut Entry);
    let changes: [(Change, &str); 7] = [
        (|e| e.flags |= 1, "encrypted"),
        (|e| (e.flags, e.method) = (e.flags | 1, 99), "encrypted"),
        (|e| e.method = 12, "pack it again with deflate"),
        (|e| e.method = 14, "pack it again with deflate"),
        (|e| e.method = 93, "pack it again with deflate"),
        (|e| e.crc ^= 0x8000, "wrong CRC"),
        (
            |e| e.listed[2] = b'T',
            "its name differs between directory and local header",
        ),
    ];
    for (change, what) in changes {
        for entry in 0..3 {
            let (mut entries, _) = sound();
            change(&mut entries[entry]);
            let message = line(&archive(&entries));
            assert!(message.contains(what), "{what}: {message}");
        }
    }
    let (entries, _) = sound();
    let twins = [entries[0].clone(), entries[0].clone()];
    assert!(line(&archive(&twins)).contains("two entries have the same name"));
}

#[test]
fn other_files_called_zip_are_told_apart() {
    let mut tar = vec![0; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    for (bytes, what) in [
        (
            &b"<!DOCTYPE html><title>Google Drive - Quota exceeded</title>"[..],
            "this is a web page",
        ),
        (b"\n\n  <HTML><body>Log in</body>", "this is a web page"),
        (
            b"<?xml version='1.0'?><Error>AccessDenied</Error>",
            "this is a web page",
        ),
        (b"\x1f\x8b\x08\x00and so on", "this is a gzip file"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "this is a 7z archive"),
        (b"Rar!\x1a\x07\x01\x00", "this is a RAR archive"),
        (b"BZh91AY&SY", "this is a bzip2 file"),
        (b"\xfd7zXZ\x00\x00", "this is an xz file"),
        (&tar, "this is a tar archive"),
        (b"{\"error\": 404}", ".zip: not a zip archive"),
        (&[0; 4096], ".zip: not a zip archive"),
    ] {
        let message = line(bytes);
        assert!(message.contains(what), "{message}");
        assert_eq!(message.lines().count(), 1);
    }
}

#[test]
fn cut_at_any_byte_it_is_refused() {
    let (entries, _) = sound();
    let bytes = archive(&entries);
    let dir = tempdir().unwrap();
    for cut in 0..bytes.len() {
        let found = read_bytes(&dir, &bytes[..cut]);
        assert!(found.is_err(), "cut at {cut} of {}", bytes.len());
    }
}

#[test]
fn with_any_byte_changed_it_is_refused_or_the_same() {
    let (entries, contents) = sound();
    let bytes = archive(&entries);
    let dir = tempdir().unwrap();
    let mut refusals = 0;
    for at in 0..bytes.len() {
        for change in [1, 0x20, 0x80, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] ^= change;
            match read_bytes(&dir, &bytes) {
                // Times, versions and attributes are nobody's concern.
                Ok(found) => {
                    let names = found.iter().map(|(name, _)| name);
                    let names: Vec<_> = names.collect();
                    let start = bytes.len() - at;
                    assert!(
                        found == contents,
                        "{change:#x} at {at}, {start} from the end: {names:?}"
                    );
                }
                Err(_) => refusals += 1,
            }
        }
    }
    let texts: usize = entries.iter().map(|entry| entry.packed.len()).sum();
    assert!(refusals >= 4 * texts, "{refusals}");
}
