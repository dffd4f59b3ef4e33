//! An archive that is cut short, damaged or no archive is refused in one line, and nothing is published.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::skeleton_text::{refused, simple, sound, zip};
use tempfile::tempdir;
use zip::write::{SimpleFileOptions, ZipWriter};

/// One line that names the file.
fn line(source: &Path, out: &Path) -> String {
    let message = refused(source, out);
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(message.contains(&source.display().to_string()), "{message}");
    message
}

#[test]
fn an_archive_cut_anywhere_is_refused() {
    let dir = tempdir().unwrap();
    let whole = fs::read(zip(&dir.path().join("whole.zip"), &sound(3))).unwrap();
    let source = dir.path().join("cut.zip");
    let cuts = (0..whole.len())
        .step_by(101)
        .chain(whole.len() - 400..whole.len());
    for cut in cuts {
        fs::write(&source, &whole[..cut]).unwrap();
        let message = line(&source, &dir.path().join("out"));
        assert!(
            message.contains("download it again") || message.contains("not a zip"),
            "{cut}: {message}"
        );
    }
    fs::write(&source, &whole[..whole.len() / 2]).unwrap();
    assert!(line(&source, &dir.path().join("out")).contains("truncated"));
}

#[test]
fn what_is_no_archive_is_refused() {
    let dir = tempdir().unwrap();
    let source = dir.path().join("skeletons.zip");
    for (bytes, what) in [
        (&b""[..], "the file is empty"),
        (b"just some text", "not a zip archive"),
        (
            b"\n<!DOCTYPE html><html><body>Please log in</body></html>",
            "this is a web page",
        ),
    ] {
        fs::write(&source, bytes).unwrap();
        let message = line(&source, &dir.path().join("out"));
        assert!(message.contains(what), "{message}");
    }
    let message = refused(&dir.path().join("absent.zip"), &dir.path().join("out"));
    assert!(
        message.contains("absent.zip") && message.contains("check the path"),
        "{message}"
    );
}

#[test]
fn a_wrong_crc_is_found() {
    let dir = tempdir().unwrap();
    let source = dir.path().join("stored.zip");
    let mut archive = ZipWriter::new(fs::File::create(&source).unwrap());
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    archive
        .start_file("S001C001P001R001A001.skeleton", stored)
        .unwrap();
    archive.write_all(simple(20).as_bytes()).unwrap();
    archive.finish().unwrap();
    let mut bytes = fs::read(&source).unwrap();
    // A digit of a number that no parser would stumble over.
    let at = bytes
        .windows(5)
        .position(|window| window == b"277.4")
        .unwrap();
    bytes[at] = b'3';
    fs::write(&source, bytes).unwrap();
    let message = line(&source, &dir.path().join("out"));
    assert!(message.contains("wrong CRC"), "{message}");
    assert!(
        message.contains("S001C001P001R001A001.skeleton"),
        "{message}"
    );
}

#[test]
fn an_encrypted_entry_is_refused() {
    let dir = tempdir().unwrap();
    let source = zip(&dir.path().join("secret.zip"), &sound(1));
    let mut bytes = fs::read(&source).unwrap();
    // Bit 0 of the general purpose flags, in the local header and in the directory.
    bytes[6] |= 1;
    let directory = bytes
        .windows(4)
        .position(|window| window == b"PK\x01\x02")
        .unwrap();
    bytes[directory + 8] |= 1;
    fs::write(&source, bytes).unwrap();
    let message = line(&source, &dir.path().join("out"));
    assert!(message.contains("encrypted"), "{message}");
}

#[test]
fn an_entry_that_claims_too_much_or_too_little_is_refused() {
    let dir = tempdir().unwrap();
    let source = zip(&dir.path().join("claims.zip"), &sound(1));
    let whole = fs::read(&source).unwrap();
    let directory = whole
        .windows(4)
        .position(|window| window == b"PK\x01\x02")
        .unwrap();
    for (claim, what) in [
        (4_000_000_000u32, "larger than 64 MiB"),
        (100, "not the 100 bytes"),
        (1 << 20, "not the 1048576 bytes"),
    ] {
        let mut bytes = whole.clone();
        bytes[22..26].copy_from_slice(&claim.to_le_bytes());
        bytes[directory + 24..directory + 28].copy_from_slice(&claim.to_le_bytes());
        fs::write(&source, bytes).unwrap();
        let message = line(&source, &dir.path().join("out"));
        assert!(message.contains(what), "{message}");
    }
}
