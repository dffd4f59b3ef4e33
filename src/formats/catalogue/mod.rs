//! The catalogue: one list of clips over all sources, made before any clip is read.

mod listing;

use std::path::Path;
use std::sync::Mutex;

use xxhash_rust::xxh3::Xxh3;

use self::listing::no_clips;
use super::archive::Archive;
use super::clips;
use super::dataset::{Dataset, guess};
use super::layout_beside::layout_beside;
use crate::error::{Error, Place, Result, Warning};
use crate::skeleton::{About, Layout};

/// A clip that can be read.
#[derive(Debug, Clone)]
pub struct Item {
    /// Unique name.
    pub name: String,
    /// Class index; `None` if the name does not contain it and it was not required.
    pub label: Option<usize>,
    /// Everything else that is known.
    pub about: About,
    pub(in crate::formats) archive: usize,
    pub(in crate::formats) entry: usize,
}

/// All clips of one or more sources, sorted by name.
#[derive(Debug)]
pub struct Catalogue {
    /// The type of the sources.
    pub dataset: Dataset,
    /// The skeleton of all clips.
    pub layout: Layout,
    /// Class names by index.
    pub classes: Vec<String>,
    /// The clips.
    pub items: Vec<Item>,
    /// One error for each entry that should be a clip and cannot be used.
    pub problems: Vec<Error>,
    /// What looks wrong about the sources but does not prevent their use.
    pub warnings: Vec<Warning>,
    /// Number of entries left out because the authors list their skeletons as missing.
    pub missing: usize,
    /// Number of files that are not clips, such as tables, notes and images.
    pub ignored: usize,
    pub(in crate::formats) archives: Vec<Archive>,
    /// Held while an unusually large entry is read, so that many threads do not multiply its memory.
    pub(in crate::formats) large: Mutex<()>,
}

impl Catalogue {
    /// Lists the clips of sources for training: every clip needs a label, and clips on the authors' list of missing
    /// skeletons are left out. Without `dataset` the file names decide the type.
    ///
    /// # Errors
    /// If a source cannot be opened, contains no clips, or is of another type than the first. Problems of single entries
    /// are in [`Catalogue::problems`].
    pub fn open<P: AsRef<Path>>(sources: &[P], dataset: Option<Dataset>) -> Result<Self> {
        Self::list(sources, dataset, true, None)
    }

    /// Lists the clips of sources for inspection: clips may have any name and none is left out. Clips of the type `clips`
    /// still need their `clips.csv`.
    ///
    /// # Errors
    /// As [`Catalogue::open`].
    pub fn unlabelled<P: AsRef<Path>>(sources: &[P], dataset: Option<Dataset>) -> Result<Self> {
        Self::list(sources, dataset, false, None)
    }

    /// Lists the clips of sources for prediction, like [`Catalogue::unlabelled`]; `.npy` arrays without `clips.csv` are read
    /// as clips of `layout`, unless there is a `layout.toml` in their folder. Compare [`Catalogue::layout`] before scoring.
    ///
    /// # Errors
    /// As [`Catalogue::open`].
    pub fn of_layout<P: AsRef<Path>>(sources: &[P], layout: &Layout) -> Result<Self> {
        Self::list(sources, None, false, Some(layout))
    }

    fn list<P: AsRef<Path>>(
        sources: &[P],
        dataset: Option<Dataset>,
        labelled: bool,
        arrays: Option<&Layout>,
    ) -> Result<Self> {
        let archives = sources
            .iter()
            .map(Archive::open)
            .collect::<Result<Vec<_>>>()?;
        let Some(first) = archives.first() else {
            return Err(Error::setting(
                "no source given",
                "pass an archive, a folder or a clip",
            ));
        };
        let known = dataset.or_else(|| archives.iter().find_map(|archive| guess(archive.names())));
        // Arrays are clips by themselves only if nothing states what they are.
        let arrays = arrays.filter(|_| known.is_none());
        let there = archives
            .iter()
            .any(|archive| clips::arrays(archive).next().is_some());
        let dataset = match known {
            Some(dataset) => dataset,
            None if arrays.is_some() && there => Dataset::Clips,
            None => return Err(no_clips(first, arrays.is_some(), there)),
        };
        let layout = match (arrays, dataset) {
            // A layout.toml in the folder of the arrays describes them; without one they have the layout asked for.
            (Some(layout), _) => layout_beside(&archives)?.unwrap_or_else(|| layout.clone()),
            (None, Dataset::Sbu) => Layout::sbu15(),
            (None, _) => Layout::ntu25(),
        };
        let mut catalogue = Catalogue {
            dataset,
            layout,
            classes: Vec::new(),
            items: Vec::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
            missing: 0,
            ignored: 0,
            archives: Vec::new(),
            large: Mutex::new(()),
        };
        match dataset {
            Dataset::Ntu => catalogue.list_ntu(&archives, labelled)?,
            Dataset::Sbu => catalogue.list_sbu(&archives, labelled),
            Dataset::Clips if arrays.is_some() => catalogue.list_arrays(&archives),
            Dataset::Clips => catalogue.list_clips(&archives)?,
        }
        if catalogue.items.is_empty() && catalogue.problems.is_empty() && catalogue.missing == 0 {
            let what = format!("contains no clips of type {}", dataset.name());
            let help = "check --dataset, or pass the archive or folder that contains the clips";
            return Err(Error::input(Place::file(first.path()), what, help));
        }
        let passed_over = archives.iter().filter_map(Archive::warning);
        catalogue.warnings.extend(passed_over.cloned());
        catalogue.archives = archives;
        let mut gives = vec![false; catalogue.archives.len()];
        catalogue
            .items
            .iter()
            .for_each(|item| gives[item.archive] = true);
        for (archive, gives) in catalogue.archives.iter().zip(gives) {
            if !gives && catalogue.problems.is_empty() && catalogue.missing == 0 {
                let what = format!("contains no clips of type {}", catalogue.dataset.name());
                let help = "prepare sources of one type at a time, or set the type with --dataset";
                return Err(Error::input(Place::file(archive.path()), what, help));
            }
        }
        catalogue.sort_and_deduplicate();
        Ok(catalogue)
    }

    /// Identifies the contents of the sources without reading them: xxh3-64, as 16 hexadecimal digits, of their type, layout
    /// and classes and of each clip's name, label and [`Archive::stamp`].
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Xxh3::new();
        let whole = (self.dataset, &self.layout, &self.classes, self.missing);
        hash.update(format!("{whole:?}").as_bytes());
        for item in &self.items {
            let stamp = self
                .archives
                .get(item.archive)
                .map(|archive| archive.stamp(item.entry));
            let clip = (&item.name, item.label, &item.about, stamp);
            hash.update(format!("{clip:?}").as_bytes());
        }
        format!("{:016x}", hash.digest())
    }

    /// Size of the sources on disk, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.archives.iter().map(Archive::bytes).sum()
    }

    /// Uncompressed size of all clips, in bytes, as the sources declare it.
    #[must_use]
    pub fn unpacked_bytes(&self) -> u64 {
        let size = |item: &Item| self.archives.get(item.archive)?.stamp(item.entry);
        self.items
            .iter()
            .filter_map(size)
            .map(|(size, _)| size)
            .sum()
    }

    /// The place of an item, for error messages.
    #[must_use]
    pub fn place(&self, item: &Item) -> Place {
        self.archives
            .get(item.archive)
            .map_or_else(Place::default, |archive| archive.place(item.entry))
    }
}
