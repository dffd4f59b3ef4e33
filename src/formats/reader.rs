//! Reading of the clips that a catalogue lists.

use std::sync::{MutexGuard, PoisonError};

use super::archive::{Archive, EntryReader};
use super::catalogue::{Catalogue, Item};
use super::dataset::Dataset;
use super::{MOST_BYTES, Recording, clips, ntu, sbu};
use crate::error::{Error, Result};
use crate::skeleton::Clip;

/// Reads clips of a [`Catalogue`].
#[derive(Debug)]
pub struct Reader<'a> {
    catalogue: &'a Catalogue,
    archives: Vec<EntryReader<'a>>,
    buffer: Vec<u8>,
}

impl Catalogue {
    /// A reader of the clips. Each thread needs its own.
    #[must_use]
    pub fn reader(&self) -> Reader<'_> {
        let archives = self.archives.iter().map(Archive::reader).collect();
        Reader {
            catalogue: self,
            archives,
            buffer: Vec::new(),
        }
    }
}

/// Size in bytes above which entries are read one at a time and their buffer is freed.
const LARGE: usize = 8 << 20;

impl<'a> Reader<'a> {
    /// Decompresses one clip's entry and verifies its CRC, without parsing it; returns its size in bytes.
    ///
    /// # Errors
    /// If the entry cannot be read.
    pub fn inflate(&mut self, item: &Item) -> Result<usize> {
        self.load(item)?;
        Ok(self.buffer.len())
    }

    /// Reads an entry into the buffer; for a large one, returns the guard that keeps other large ones waiting.
    fn load(&mut self, item: &Item) -> Result<Option<MutexGuard<'a, ()>>> {
        let Some(archive) = self.archives.get_mut(item.archive) else {
            return Err(Error::input(
                self.catalogue.place(item),
                "this clip is from another catalogue",
                "use the catalogue that lists it",
            ));
        };
        let catalogue = self.catalogue;
        let guard = (archive.size(item.entry) > LARGE as u64).then(|| {
            catalogue
                .large
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        });
        archive.read(item.entry, MOST_BYTES, &mut self.buffer)?;
        Ok(guard)
    }

    /// Reads and parses one clip; an item without a label gets class 0.
    ///
    /// # Errors
    /// [`Error::Input`] at the line of a problem in the entry; [`Error::Io`] if it cannot be read.
    pub fn read(&mut self, item: &Item) -> Result<Recording> {
        let guard = self.load(item)?;
        let place = self.catalogue.place(item);
        let (name, label, about) = (&item.name, item.label.unwrap_or(0), item.about.clone());
        let recording = match self.catalogue.dataset {
            Dataset::Ntu => ntu::parse(&self.buffer, &place).map(|tracks| Recording {
                ids: tracks.ids.iter().map(u64::to_string).collect(),
                clip: Clip {
                    name: name.clone(),
                    label,
                    bodies: tracks.ids.len(),
                    frames: tracks.frames,
                    joints: self.catalogue.layout.len(),
                    data: tracks.data,
                },
                about,
            }),
            Dataset::Sbu => sbu::parse(&self.buffer, name, label, about, &place),
            Dataset::Clips => clips::parse(
                &self.buffer,
                name,
                label,
                about,
                &self.catalogue.layout,
                &place,
            ),
        };
        if self.buffer.capacity() > LARGE {
            self.buffer = Vec::new();
        }
        drop(guard);
        recording
    }
}
