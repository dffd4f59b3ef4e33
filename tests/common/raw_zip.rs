//! Zip archives byte by byte, so that each of their claims can be a lie. Layouts: APPNOTE 4.3.7, 4.3.12, 4.3.16.

use std::ops::Range;

/// An entry: what its bytes are, and what is said of them.
#[derive(Clone)]
pub struct Entry {
    pub name: Vec<u8>,
    /// The name in the directory.
    pub listed: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    /// Bytes as packed, and as claimed.
    pub packed: Vec<u8>,
    pub claim_packed: u32,
    pub claim: u32,
    /// An extra field of the directory.
    pub extra: Vec<u8>,
    /// Where the directory says that the entry begins; none where it does begin.
    pub start: Option<u32>,
}

/// A sound entry, not compressed.
pub fn stored(name: &str, contents: &[u8]) -> Entry {
    Entry {
        name: name.into(),
        listed: name.into(),
        flags: 0,
        method: 0,
        crc: crc32fast::hash(contents),
        packed: contents.into(),
        claim_packed: contents.len() as u32,
        claim: contents.len() as u32,
        extra: Vec::new(),
        start: None,
    }
}

impl Entry {
    /// What both headers share.
    fn facts(&self, name: &[u8], extra: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [20, self.flags, self.method, 0, 0x21] {
            bytes.extend(word.to_le_bytes());
        }
        for word in [self.crc, self.claim_packed, self.claim] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend((name.len() as u16).to_le_bytes());
        bytes.extend((extra.len() as u16).to_le_bytes());
        bytes
    }

    fn header(&self) -> Vec<u8> {
        [b"PK\x03\x04", &self.facts(&self.name, b"")[..], &self.name].concat()
    }

    fn row(&self, start: u32) -> Vec<u8> {
        let facts = self.facts(&self.listed, &self.extra);
        let start = self.start.unwrap_or(start).to_le_bytes();
        // No comment, the first disk, no attributes.
        let rest = [&[0; 10][..], &start, &self.listed, &self.extra].concat();
        [b"PK\x01\x02\x14\x00", &facts[..], &rest].concat()
    }
}

/// An archive of these entries.
pub fn archive(entries: &[Entry]) -> Vec<u8> {
    let (mut bytes, mut rows) = (Vec::new(), Vec::new());
    for entry in entries {
        rows.extend(entry.row(bytes.len() as u32));
        bytes.extend(entry.header());
        bytes.extend(&entry.packed);
    }
    let start = bytes.len() as u32;
    let mut end = b"PK\x05\x06\x00\x00\x00\x00".to_vec();
    end.extend((entries.len() as u16).to_le_bytes());
    end.extend((entries.len() as u16).to_le_bytes());
    end.extend((rows.len() as u32).to_le_bytes());
    end.extend(start.to_le_bytes());
    end.extend([0, 0]);
    [bytes, rows, end].concat()
}

/// Where the record at the end of an archive without a comment counts its entries.
pub fn counts(bytes: &[u8]) -> Range<usize> {
    bytes.len() - 14..bytes.len() - 10
}
