//! The event files of a run, read by a decoder of its own, bit by bit.
#![allow(dead_code, reason = "each test uses its own part")]

use std::fs;
use std::path::{Path, PathBuf};

/// A number as the file has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    pub tag: String,
    pub step: u64,
    pub value: f32,
}

pub fn files(run: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(run.join("tensorboard")).expect("the folder");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

/// All numbers of a run, by tag and in the order of the files.
pub fn scalars(run: &Path) -> Vec<Scalar> {
    let mut all = Vec::new();
    for path in files(run) {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.contains("tfevents"), "{name}");
        let bytes = fs::read(&path).expect("its bytes");
        let mut rest = &bytes[..];
        let mut first = true;
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            assert_eq!(
                rest[8..12],
                masked(&rest[..8]),
                "{name}: a length's checksum"
            );
            let data = &rest[12..12 + length];
            assert_eq!(
                rest[12 + length..16 + length],
                masked(data),
                "{name}: a checksum"
            );
            rest = &rest[16 + length..];
            let event = message(data);
            let field = |number: u64| event.iter().find(|(n, _)| *n == number).map(|(_, v)| v);
            if first {
                assert_eq!(field(3), Some(&Field::Bytes(b"brain.Event:2".to_vec())));
                first = false;
            }
            let Some(Field::Fixed(time)) = field(1) else {
                panic!("{name}: no time");
            };
            assert!(f64::from_le_bytes(time[..].try_into().unwrap()) > 1e9);
            let Some(Field::Bytes(summary)) = field(5) else {
                continue;
            };
            let [(1, Field::Bytes(value))] = &message(summary)[..] else {
                panic!("{name}: one value a summary");
            };
            let [(1, Field::Bytes(tag)), (2, Field::Fixed(value))] = &message(value)[..] else {
                panic!("{name}: a tag and a number");
            };
            let Some(Field::Number(step)) = field(2) else {
                panic!("{name}: no step");
            };
            all.push(Scalar {
                tag: String::from_utf8(tag.clone()).unwrap(),
                step: *step,
                value: f32::from_le_bytes(value[..].try_into().unwrap()),
            });
        }
    }
    all.sort_by(|a, b| a.tag.cmp(&b.tag));
    all
}

#[derive(Debug, PartialEq)]
enum Field {
    Number(u64),
    Bytes(Vec<u8>),
    Fixed(Vec<u8>),
}

fn message(mut rest: &[u8]) -> Vec<(u64, Field)> {
    fn number(rest: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = rest[0];
            *rest = &rest[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let key = number(&mut rest);
        let length = match key & 7 {
            0 => {
                fields.push((key >> 3, Field::Number(number(&mut rest))));
                continue;
            }
            1 => 8,
            2 => number(&mut rest) as usize,
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (bytes, after) = rest.split_at(length);
        rest = after;
        let bytes = bytes.to_vec();
        let field = if key & 7 == 2 {
            Field::Bytes(bytes)
        } else {
            Field::Fixed(bytes)
        };
        fields.push((key >> 3, field));
    }
    fields
}

/// CRC-32C (Castagnoli) bit by bit, masked as TFRecord wants it.
fn masked(bytes: &[u8]) -> [u8; 4] {
    let mut sum = !0u32;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ if sum & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
    }
    (!sum)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
        .to_le_bytes()
}

/// What no clock decides.
pub fn repeatable(run: &Path) -> Vec<Scalar> {
    let mut all = scalars(run);
    all.retain(|scalar| !scalar.tag.starts_with("speed/"));
    all
}
