//! Float32 tensors in a safetensors file: written with everything in order, so that same contents are same bytes.

use super::AtomicFile;
use crate::error::{Error, Place, Result};
use safetensors::tensor::{Dtype, SafeTensors};
use serde_json::{Map, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use xxhash_rust::xxh3::Xxh3;

/// A tensor's shape and numbers, row by row.
pub type Numbers = (Vec<usize>, Vec<f32>);

/// What a file holds: text by key, tensors by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tensors {
    /// The header's metadata.
    pub metadata: BTreeMap<String, String>,
    /// The tensors.
    pub tensors: BTreeMap<String, Numbers>,
}

/// The metadata's key for the checksum of everything else in the file.
pub const CHECKSUM: &str = "checksum";

impl Tensors {
    /// xxh3-64 of all text and all numbers but the checksum itself, as 16 hexadecimal digits.
    fn checksum(&self) -> String {
        let mut hash = Xxh3::new();
        for (key, text) in self.metadata.iter().filter(|(key, _)| *key != CHECKSUM) {
            hash.update(key.as_bytes());
            hash.update(text.as_bytes());
        }
        for (name, (_, values)) in &self.tensors {
            hash.update(name.as_bytes());
            hash.update(&bytes(values));
        }
        format!("{:016x}", hash.digest())
    }

    /// Puts in the checksum, which [`Tensors::read`] then holds the file against.
    pub fn seal(&mut self) {
        self.metadata.insert(CHECKSUM.into(), self.checksum());
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut out = AtomicFile::create(path)?;
        self.write_to(&mut out)
            .map_err(|error| Error::io(path, "write", error))?;
        out.commit()
    }

    /// Writes what the file holds.
    ///
    /// # Errors
    /// What the system says.
    pub fn write_to(&self, out: &mut impl Write) -> std::io::Result<()> {
        let mut header = Map::new();
        if !self.metadata.is_empty() {
            header.insert("__metadata__".into(), json!(self.metadata));
        }
        let mut start = 0;
        for (name, (shape, values)) in &self.tensors {
            let end = start + values.len() * size_of::<f32>();
            let entry = json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, end] });
            header.insert(name.clone(), entry);
            start = end;
        }
        let mut header = serde_json::Value::Object(header).to_string().into_bytes();
        header.resize(header.len().next_multiple_of(8), b' ');
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        for (_, values) in self.tensors.values() {
            out.write_all(&bytes(values))?;
        }
        Ok(())
    }

    /// Reads a file and checks its structure.
    ///
    /// # Errors
    /// [`Error::Input`] for a file that is no safetensors file, is cut short, holds other than float32, or differs from
    /// its checksum where it has one.
    pub fn read(path: &Path) -> Result<Self> {
        let all = std::fs::read(path).map_err(|error| Error::io(path, "read", error))?;
        Self::parse(&all, path)
    }

    /// The same of bytes that came from `path`.
    ///
    /// # Errors
    /// As [`Tensors::read`].
    pub fn parse(all: &[u8], path: &Path) -> Result<Self> {
        let wrong = |what: String| {
            Error::input(
                Place::file(path),
                what,
                "use a whole file, as sinew writes it",
            )
        };
        let file = SafeTensors::deserialize(all)
            .map_err(|e| wrong(format!("damaged, or no safetensors file: {e}")))?;
        let (_, header) = SafeTensors::read_metadata(all).map_err(|e| wrong(e.to_string()))?;
        let metadata = header.metadata().iter().flatten();
        let mut tensors = BTreeMap::new();
        for (name, tensor) in file.iter() {
            if tensor.dtype() != Dtype::F32 {
                return Err(wrong(format!(
                    "{name} is {:?} and should be float32",
                    tensor.dtype()
                )));
            }
            let words = tensor.data().as_chunks::<4>().0;
            let values = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
            tensors.insert(name.to_string(), (tensor.shape().to_vec(), values));
        }
        let metadata = metadata
            .map(|(key, text)| (key.clone(), text.clone()))
            .collect();
        let file = Tensors { metadata, tensors };
        match file.metadata.get(CHECKSUM) {
            Some(sum) if *sum != file.checksum() => {
                Err(wrong("damaged: its checksum does not fit".into()))
            }
            _ => Ok(file),
        }
    }
}

/// Little-endian bytes of numbers; their own memory where the machine keeps them so.
pub fn bytes(values: &[f32]) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        Cow::Borrowed(bytemuck::cast_slice(values))
    } else {
        Cow::Owned(
            values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        )
    }
}
