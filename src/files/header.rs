//! The header of a safetensors file: its length in eight bytes, then JSON with the type, shape and byte range of each tensor.
//!
//! It is read without the tensors, so that a file can be rejected before they take memory. The safetensors crate parses only
//! whole files in memory, and does not limit the number of tensors and dimensions.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use safetensors::Dtype;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{foreign, regular};
use crate::error::{Error, Place, Result};
use crate::limits::{DIMENSIONS, HEADER_BYTES, TENSORS};

/// The header of a safetensors file. The tensors are contiguous and fill the rest of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Header {
    /// Metadata by key.
    pub metadata: BTreeMap<String, String>,
    /// Tensors by name.
    pub tensors: BTreeMap<String, TensorInfo>,
}

/// One tensor of a header.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorInfo {
    /// Element type.
    pub dtype: Dtype,
    /// Shape.
    pub shape: Vec<usize>,
    /// Byte range, counted from the start of the file.
    pub bytes: Range<u64>,
}

/// Size of the header's length field, in bytes.
const LENGTH: usize = 8;

impl Header {
    /// Reads the header of a regular file. The returned file is positioned after the header.
    ///
    /// # Errors
    /// [`Error::Input`] for anything but a regular file, a file of another type, a size that does not match the header, more
    /// than [`TENSORS`] tensors, or a header larger than [`HEADER_BYTES`]; [`Error::Io`] if it cannot be read.
    pub fn read(path: &Path) -> Result<(Self, File)> {
        let bytes = regular(path)?;
        let refused = |error| Error::io(path, "read", error);
        let mut file = File::open(path).map_err(refused)?;
        let mut start = Vec::new();
        let first = (&mut file).take(LENGTH as u64).read_to_end(&mut start);
        first.map_err(refused)?;
        let length = Self::length(&start, bytes);
        let length = length.map_err(|what| {
            // The first bytes identify files of another type.
            let _ = (&mut file).take(1024).read_to_end(&mut start);
            wrong(path, &start, what)
        })?;
        let mut json = Vec::new();
        let read = (&mut file).take(length).read_to_end(&mut json);
        read.map_err(refused)?;
        match Self::of(&json, bytes) {
            Ok(header) => Ok((header, file)),
            Err(what) => {
                start.append(&mut json);
                Err(wrong(path, &start, what))
            }
        }
    }

    /// Parses the header of a whole file in memory, which was read from `path`.
    ///
    /// # Errors
    /// As [`Header::read`].
    pub fn parse(file: &[u8], path: &Path) -> Result<Self> {
        let bytes = file.len() as u64;
        let parsed = Self::length(file, bytes).and_then(|length| {
            let json = file
                .get(LENGTH..)
                .and_then(|rest| rest.get(..length as usize));
            Self::of(json.unwrap_or_default(), bytes)
        });
        parsed.map_err(|what| wrong(path, file, what))
    }

    /// The length of the header, from the start of a file and its size in bytes.
    fn length(start: &[u8], bytes: u64) -> std::result::Result<u64, String> {
        let Some(length) = start.first_chunk::<LENGTH>() else {
            return Err(format!("only {bytes} bytes"));
        };
        let length = u64::from_le_bytes(*length);
        if length > HEADER_BYTES {
            let most = HEADER_BYTES >> 20;
            return Err(format!(
                "the header would have {length} bytes, more than {most} MiB"
            ));
        }
        match length > bytes.saturating_sub(LENGTH as u64) {
            true => Err("truncated within the header".into()),
            false => Ok(length),
        }
    }

    /// Parses the JSON of a header and compares it with the size of the file.
    fn of(json: &[u8], bytes: u64) -> std::result::Result<Self, String> {
        let raw: Raw = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let first = (LENGTH + json.len()) as u64;
        let mut order: Vec<(&String, &RawTensor)> = raw.tensors.iter().collect();
        order.sort_by_key(|(_, tensor)| tensor.data_offsets);
        let mut end = 0;
        for (name, tensor) in order {
            let [from, to] = tensor.data_offsets;
            let Some(size) = tensor.size() else {
                return Err(format!("the shape of {name:?} is too large"));
            };
            if from != end || to.checked_sub(from) != Some(size) {
                return Err(format!(
                    "the byte range of {name:?}, {from} to {to}, does not match its shape or the previous tensor"
                ));
            }
            end = to;
        }
        let there = bytes.saturating_sub(first);
        if end != there {
            let how = if end > there { "truncated" } else { "too long" };
            return Err(format!(
                "{how}: the tensors need {end} bytes, but the file has {there}"
            ));
        }
        let tensors = raw.tensors.into_iter().map(|(name, tensor)| {
            let [from, to] = tensor.data_offsets;
            let info = TensorInfo {
                dtype: tensor.dtype,
                shape: tensor.shape.0,
                bytes: first + from..first + to,
            };
            (name, info)
        });
        Ok(Header {
            tensors: tensors.collect(),
            metadata: raw.metadata,
        })
    }
}

/// The error for a file that is not a valid safetensors file, from its first bytes.
fn wrong(path: &Path, start: &[u8], what: String) -> Error {
    let (what, help) = match foreign(start) {
        Some((what, help)) => (what.to_string(), help),
        None => (
            format!("damaged, or not a safetensors file: {what}"),
            "use a complete file written by sinew",
        ),
    };
    Error::input(Place::file(path), what, help)
}

/// The JSON of a header, parsed within the limits.
#[derive(Default)]
struct Raw {
    metadata: BTreeMap<String, String>,
    tensors: BTreeMap<String, RawTensor>,
}

#[derive(Deserialize)]
struct RawTensor {
    dtype: Dtype,
    shape: Shape,
    data_offsets: [u64; 2],
}

impl RawTensor {
    /// Size of the tensor, in bytes; `None` on overflow or if it is not a whole number of bytes.
    fn size(&self) -> Option<u64> {
        let mut sides = self.shape.0.iter();
        let numbers = sides.try_fold(1u64, |product, side| product.checked_mul(*side as u64))?;
        let bits = numbers.checked_mul(self.dtype.bitsize() as u64)?;
        bits.is_multiple_of(8).then_some(bits / 8)
    }
}

/// A shape of at most [`DIMENSIONS`] dimensions.
struct Shape(Vec<usize>);

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Sides;
        impl<'de> Visitor<'de> for Sides {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a shape of at most {DIMENSIONS} dimensions")
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut all: A,
            ) -> std::result::Result<Shape, A::Error> {
                let mut sides = Vec::new();
                while let Some(side) = all.next_element()? {
                    if sides.len() == DIMENSIONS {
                        return Err(A::Error::custom("a tensor has too many dimensions"));
                    }
                    sides.push(side);
                }
                Ok(Shape(sides))
            }
        }
        from.deserialize_seq(Sides)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object that names tensors")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut all: A,
            ) -> std::result::Result<Raw, A::Error> {
                let mut raw = Raw::default();
                let mut described = false;
                while let Some(name) = all.next_key::<String>()? {
                    let twice = if name == "__metadata__" {
                        raw.metadata = all.next_value()?;
                        std::mem::replace(&mut described, true)
                    } else {
                        if raw.tensors.len() == TENSORS {
                            let what = format!("more than {TENSORS} tensors");
                            return Err(A::Error::custom(what));
                        }
                        raw.tensors
                            .insert(name.clone(), all.next_value()?)
                            .is_some()
                    };
                    if twice {
                        let what = format!("duplicate key {name:?}");
                        return Err(A::Error::custom(what));
                    }
                }
                Ok(raw)
            }
        }
        from.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(json: &str, data: usize) -> Vec<u8> {
        let mut file = (json.len() as u64).to_le_bytes().to_vec();
        file.extend(json.bytes());
        file.resize(file.len() + data, 0);
        file
    }

    fn refusal(file: &[u8]) -> String {
        let refused = Header::parse(file, Path::new("w")).expect_err("refused");
        refused.to_string()
    }

    #[test]
    fn a_header_is_read() {
        let json = r#"{"__metadata__":{"a":"b"},"x":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]},
            "y":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}  "#;
        let header = Header::parse(&file(json, 28), Path::new("w")).unwrap();
        assert_eq!(header.metadata["a"], "b");
        let x = &header.tensors["x"];
        assert_eq!((x.dtype, &x.shape[..]), (Dtype::F32, &[2, 3][..]));
        let start = 8 + json.len() as u64;
        assert_eq!(x.bytes, start + 4..start + 28);
    }

    #[test]
    fn inconsistent_headers_are_refused() {
        let tensor = |name: &str, shape: &str, [from, to]: [u64; 2]| {
            format!(r#""{name}":{{"dtype":"F32","shape":[{shape}],"data_offsets":[{from},{to}]}}"#)
        };
        let huge = "18446744073709551615";
        for (entries, data, said) in [
            (
                vec![tensor("a", "2", [0, 4])],
                4,
                "does not match its shape",
            ),
            (vec![tensor("a", "1", [4, 0])], 4, "does not match"),
            (vec![tensor("a", "1", [4, 8])], 8, "does not match"),
            (vec![tensor("a", "1", [0, 4])], 3, "truncated"),
            (vec![tensor("a", "1", [0, 4])], 5, "too long"),
            (
                vec![tensor("a", &format!("{huge},{huge}"), [0, 0])],
                0,
                "is too large",
            ),
            (vec![tensor("a", huge, [0, 0])], 0, "is too large"),
            (
                vec![tensor("a", "1,1,1,1,1,1,1,1,1", [0, 4])],
                4,
                "too many dimensions",
            ),
            (
                vec![tensor("a", "1", [0, 4]), tensor("a", "1", [0, 4])],
                4,
                "duplicate key",
            ),
            (
                vec![tensor("a", "1", [0, 4]), tensor("b", "1", [0, 4])],
                4,
                "the previous tensor",
            ),
        ] {
            let json = format!("{{{}}}", entries.join(","));
            let error = refusal(&file(&json, data));
            assert!(error.contains(said), "{json}: {error}");
        }
        let many: Vec<String> = (0..=TENSORS)
            .map(|n| tensor(&n.to_string(), "0", [0, 0]))
            .collect();
        let error = refusal(&file(&format!("{{{}}}", many.join(",")), 0));
        assert!(error.contains("more than 65536 tensors"), "{error}");
        let mut long = file("{}", 0);
        long[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(refusal(&long).contains("more than 64 MiB"));
        long[..8].copy_from_slice(&3u64.to_le_bytes());
        assert!(refusal(&long).contains("truncated within the header"));
        assert!(refusal(b"abc").contains("only 3 bytes"));
        assert!(refusal(&file("[]", 0)).contains("an object that names tensors"));
    }

    #[test]
    fn other_file_types_are_named() {
        for (start, said) in [
            (
                "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
                "a Git LFS pointer",
            ),
            ("<!DOCTYPE html><title>Log in</title>", "a web page"),
            ("PK\x03\x04archive/data.pkl", "a zip archive"),
        ] {
            let error = refusal(start.as_bytes());
            assert!(error.contains(said), "{error}");
        }
    }
}
