//! Safetensors files of float32 tensors. Keys are written in order, so equal contents give equal bytes.

use super::{AtomicFile, Header};
use crate::error::{Error, Place, Result};
use safetensors::Dtype;
use serde_json::{Map, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::Xxh3;

/// Shape and values of a tensor, row-major.
pub type Numbers = (Vec<usize>, Vec<f32>);

/// The contents of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tensors {
    /// The metadata of the header.
    pub metadata: BTreeMap<String, String>,
    /// The tensors by name.
    pub tensors: BTreeMap<String, Numbers>,
}

/// The metadata key of the checksum over everything else in the file.
pub const CHECKSUM: &str = "checksum";

impl Tensors {
    /// xxh3-64 of all metadata except the checksum, and of all tensors, as 16 hexadecimal digits.
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

    /// Adds the checksum that [`Tensors::read`] verifies.
    pub fn seal(&mut self) {
        self.metadata.insert(CHECKSUM.into(), self.checksum());
    }

    /// Writes the file atomically.
    ///
    /// # Errors
    /// As [`AtomicFile::create`] and [`AtomicFile::commit`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut out = AtomicFile::create(path)?;
        self.write_to(&mut out)
            .map_err(|error| Error::io(path, "write", error))?;
        out.commit()
    }

    /// Writes the contents of the file to `out`.
    ///
    /// # Errors
    /// Any error of `out`.
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

    /// Reads a file, checks its structure and verifies its checksum if it has one.
    ///
    /// # Errors
    /// As [`TensorFile::open`] and [`TensorFile::read`].
    pub fn read(path: &Path) -> Result<Self> {
        TensorFile::open(path)?.read()
    }

    /// Parses bytes that were read from `path`.
    ///
    /// # Errors
    /// As [`Tensors::read`].
    pub fn parse(all: &[u8], path: &Path) -> Result<Self> {
        let header = Header::parse(all, path)?;
        only_float32(&header, path)?;
        let mut tensors = BTreeMap::new();
        for (name, info) in &header.tensors {
            // `Header::parse` checked the ranges against the length of the bytes.
            let [start, end] = [info.bytes.start, info.bytes.end].map(|at| at as usize);
            let values = numbers(all.get(start..end).unwrap_or_default());
            tensors.insert(name.clone(), (info.shape.clone(), values));
        }
        Self::whole(header.metadata, tensors, path)
    }

    /// Verifies the checksum.
    fn whole(
        metadata: BTreeMap<String, String>,
        tensors: BTreeMap<String, Numbers>,
        path: &Path,
    ) -> Result<Self> {
        let file = Tensors { metadata, tensors };
        match file.metadata.get(CHECKSUM) {
            Some(sum) if *sum != file.checksum() => {
                let help = "use an intact copy; if another program changed the weights on purpose, update the checksum \
                            with scripts/seal_weights.py";
                let what = "damaged: wrong checksum";
                Err(Error::input(Place::file(path), what, help))
            }
            _ => Ok(file),
        }
    }
}

/// An open file of which only the header was read, so that it can be checked before the tensors take memory.
#[derive(Debug)]
pub struct TensorFile {
    path: PathBuf,
    header: Header,
    file: File,
}

impl TensorFile {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// As [`Header::read`]; also [`Error::Input`] for tensors that are not float32.
    pub fn open(path: &Path) -> Result<Self> {
        let (header, file) = Header::read(path)?;
        only_float32(&header, path)?;
        Ok(TensorFile {
            path: path.to_path_buf(),
            header,
            file,
        })
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Reads the tensors.
    ///
    /// # Errors
    /// [`Error::Input`] if the file has a checksum and it is wrong; [`Error::Io`] if the file cannot be read, for example
    /// because it was truncated in the meantime.
    pub fn read(mut self) -> Result<Tensors> {
        let refused = |error| Error::io(&self.path, "read", error);
        let mut order: Vec<_> = self.header.tensors.into_iter().collect();
        order.sort_by_key(|(_, info)| info.bytes.start);
        let (mut tensors, mut bytes) = (BTreeMap::new(), Vec::new());
        for (name, info) in order {
            let length = info.bytes.end - info.bytes.start;
            self.file
                .seek(SeekFrom::Start(info.bytes.start))
                .map_err(refused)?;
            bytes.resize(length as usize, 0);
            self.file.read_exact(&mut bytes).map_err(refused)?;
            tensors.insert(name, (info.shape, numbers(&bytes)));
        }
        Tensors::whole(self.header.metadata, tensors, &self.path)
    }
}

fn only_float32(header: &Header, path: &Path) -> Result<()> {
    let mut tensors = header.tensors.iter();
    match tensors.find(|(_, info)| info.dtype != Dtype::F32) {
        None => Ok(()),
        Some((name, info)) => {
            let what = format!("{name} is {:?} instead of float32", info.dtype);
            let help = "convert it to float32";
            Err(Error::input(Place::file(path), what, help))
        }
    }
}

/// Values from little-endian bytes.
fn numbers(bytes: &[u8]) -> Vec<f32> {
    let words = bytes.as_chunks::<4>().0;
    words.iter().map(|word| f32::from_le_bytes(*word)).collect()
}

/// Values as little-endian bytes, without a copy on little-endian machines.
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
