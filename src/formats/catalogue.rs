//! What sources hold, before any clip is read: one list of clips over all archives and folders.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

use xxhash_rust::xxh3::Xxh3;

use super::archive::Archive;
use super::classes::CLASSES;
use super::dataset::{Dataset, guess, is_hidden, strip_extension};
use super::layout_beside::layout_beside;
use super::{classes, clips, ntu, sbu};
use crate::error::{Error, Place, Result, Warning};
use crate::skeleton::{About, Layout};

/// A clip that can be read.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its name; no two are the same.
    pub name: String,
    /// Class index; none where the name does not say it and it was not required.
    pub label: Option<usize>,
    /// What else is known.
    pub about: About,
    pub(super) archive: usize,
    pub(super) entry: usize,
}

/// All clips of some sources, sorted by name.
#[derive(Debug)]
pub struct Catalogue {
    /// Their kind.
    pub dataset: Dataset,
    /// Their joints.
    pub layout: Layout,
    /// Class names by index.
    pub classes: Vec<String>,
    /// The clips.
    pub items: Vec<Item>,
    /// Entries that cannot be clips though they should be, each an error.
    pub problems: Vec<Error>,
    /// What looks wrong about the sources and stops nothing.
    pub warnings: Vec<Warning>,
    /// Entries left out by the authors' missing list.
    pub missing: usize,
    /// Files that are no clips: tables, notes, pictures.
    pub ignored: usize,
    pub(super) archives: Vec<Archive>,
    /// Entries far larger than clips are go one at a time, so that many threads don't multiply their memory.
    pub(super) large: Mutex<()>,
}

impl Catalogue {
    /// Lists the clips of sources to learn from: each needs a label, the missing list applies.
    ///
    /// # Errors
    /// A source that cannot be opened, no clips at all, sources of several kinds. What is wrong with single entries
    /// is in [`Catalogue::problems`].
    pub fn open<P: AsRef<Path>>(sources: &[P], dataset: Option<Dataset>) -> Result<Self> {
        Self::list(sources, dataset, true, None)
    }

    /// Lists the clips of sources to look at: names may be any, and nothing is left out. Own clips are named by their
    /// table, which must be there.
    ///
    /// # Errors
    /// As [`Catalogue::open`].
    pub fn unlabelled<P: AsRef<Path>>(sources: &[P], dataset: Option<Dataset>) -> Result<Self> {
        Self::list(sources, dataset, false, None)
    }

    /// Lists the clips of sources to score, as [`Catalogue::unlabelled`]; `.npy` arrays without a table are taken for
    /// clips of this layout, unless a layout.toml lies beside them. Compare [`Catalogue::layout`] before scoring.
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
                "no source is named",
                "name an archive, a folder or a clip",
            ));
        };
        let known = dataset.or_else(|| archives.iter().find_map(|archive| guess(archive.names())));
        // Arrays are only taken by themselves where nothing says what they are.
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
            // A layout that lies beside the arrays says what they are; without one they are taken as asked for.
            (Some(layout), _) => layout_beside(&archives)?.unwrap_or_else(|| layout.clone()),
            (None, Dataset::Sbu) => Layout::sbu15(),
            (None, _) => Layout::ntu25(),
        };
        let mut list = Catalogue {
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
            Dataset::Ntu => list.ntu(&archives, labelled)?,
            Dataset::Sbu => list.sbu(&archives, labelled),
            Dataset::Clips if arrays.is_some() => list.arrays(&archives),
            Dataset::Clips => list.clips(&archives)?,
        }
        if list.items.is_empty() && list.problems.is_empty() && list.missing == 0 {
            let what = format!("it holds no clip of the kind {:?}", dataset.name());
            let help =
                "check --dataset, or name the archive or folder that holds the clips themselves";
            return Err(Error::input(Place::file(first.path()), what, help));
        }
        let passed_over = archives.iter().filter_map(Archive::warning);
        list.warnings.extend(passed_over.cloned());
        list.archives = archives;
        for (index, archive) in list.archives.iter().enumerate() {
            let gives = list.items.iter().any(|item| item.archive == index);
            if !gives && list.problems.is_empty() && list.missing == 0 {
                let what = format!("it holds no clips of the kind {}", list.dataset.name());
                let help = "prepare sources of one kind at a time, or name the kind with --dataset";
                return Err(Error::input(Place::file(archive.path()), what, help));
            }
        }
        list.distinct();
        Ok(list)
    }

    fn ntu(&mut self, archives: &[Archive], labelled: bool) -> Result<()> {
        let mut named: Option<Vec<String>> = None;
        for (archive, source) in archives.iter().enumerate() {
            for (entry, path) in source.names().enumerate() {
                let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
                let stem = strip_extension(file, ".skeleton").filter(|_| !is_hidden(path));
                let Some(stem) = stem else {
                    // Archives of other actions than NTU's say how they are called.
                    if file == CLASSES && !is_hidden(path) {
                        let text = source.reader().text(entry, classes::MOST_BYTES)?;
                        let place = source.place(entry);
                        let names = classes::names(&text, true, &place)?;
                        if named
                            .replace(names.clone())
                            .is_some_and(|other| other != names)
                        {
                            let what = "another classes.txt of the sources names other classes";
                            let help = "prepare sources of the same classes together";
                            return Err(Error::input(place, what, help));
                        }
                    } else {
                        self.ignored += 1;
                    }
                    continue;
                };
                if labelled && ntu::is_missing(stem) {
                    self.missing += 1;
                    continue;
                }
                match ntu::Name::parse(stem) {
                    Some(name) => self.push(stem, Some(name.label()), name.about(), archive, entry),
                    None if !labelled => self.push(stem, None, About::default(), archive, entry),
                    None => self.problems.push(Error::input(
                        source.place(entry),
                        "its name is not SsssCcccPpppRrrrAaaa with a class from 1 to 120",
                        "rename it, or leave it out",
                    )),
                }
            }
        }
        let all = self
            .items
            .iter()
            .any(|item| item.label.is_some_and(|label| label >= 60));
        let usual = || {
            let names = &ntu::classes()[..if all { 120 } else { 60 }];
            names.iter().map(ToString::to_string).collect()
        };
        self.classes = named.unwrap_or_else(usual);
        let count = self.classes.len();
        let beyond = |item: &Item| item.label.is_some_and(|label| label >= count);
        for item in self.items.iter().filter(|item| beyond(item)) {
            let what = format!(
                "its class is number {}, and classes.txt names {count}",
                item.label.unwrap_or(0) + 1
            );
            let place = archives[item.archive].place(item.entry);
            self.problems
                .push(Error::input(place, what, "add the class to classes.txt"));
        }
        self.items.retain(|item| !beyond(item));
        Ok(())
    }

    fn sbu(&mut self, archives: &[Archive], labelled: bool) {
        self.classes = sbu::classes().iter().map(ToString::to_string).collect();
        for (archive, source) in archives.iter().enumerate() {
            // The pair may be in the source's own path, where a single folder of the set is given.
            let above = source
                .path()
                .canonicalize()
                .unwrap_or_else(|_| source.path().to_path_buf());
            let above = if above.is_file() {
                above.with_extension("")
            } else {
                above
            };
            for (entry, path) in source.names().enumerate() {
                if path.rsplit(['/', '\\']).next() != Some(sbu::FILE) || is_hidden(path) {
                    self.ignored += 1;
                    continue;
                }
                let single = source.path().is_file() && source.len() == 1 && !path.contains('/');
                let full = if single {
                    source.place(entry).file
                } else {
                    above.join(path)
                };
                let full = full.canonicalize().unwrap_or(full);
                match sbu::Name::parse(&full.to_string_lossy()) {
                    Some(name) => {
                        let about = About {
                            pair: Some(name.pair),
                            ..About::default()
                        };
                        self.push(&name.name, Some(name.label), about, archive, entry);
                    }
                    None if !labelled => self.push(path, None, About::default(), archive, entry),
                    None => self.problems.push(Error::input(
                        source.place(entry),
                        "its folders are not sXXsYY/CC/NNN, so its class is unknown",
                        "keep the folders of the set, or leave it out",
                    )),
                }
            }
        }
    }

    fn clips(&mut self, archives: &[Archive]) -> Result<()> {
        let [source] = archives else {
            return Err(Error::setting(
                "own clips come from one folder or zip",
                "name one source",
            ));
        };
        let set = clips::open(source)?;
        self.layout = set.layout;
        self.classes = set.classes;
        self.problems = set.problems;
        self.warnings = set.warnings;
        self.ignored = source.len().saturating_sub(set.rows.len() + set.tables);
        for row in set.rows {
            self.push(&row.name, Some(row.label), row.about, 0, row.entry);
        }
        Ok(())
    }

    fn arrays(&mut self, archives: &[Archive]) {
        for (archive, source) in archives.iter().enumerate() {
            for (entry, name) in clips::arrays(source) {
                self.push(name, None, About::default(), archive, entry);
            }
        }
    }

    fn push(
        &mut self,
        name: &str,
        label: Option<usize>,
        about: About,
        archive: usize,
        entry: usize,
    ) {
        self.items.push(Item {
            name: name.into(),
            label,
            about,
            archive,
            entry,
        });
    }

    /// Sorts by name; of several entries of one name all but the first are problems.
    fn distinct(&mut self) {
        self.items
            .sort_by(|a, b| (&a.name, a.archive, a.entry).cmp(&(&b.name, b.archive, b.entry)));
        let mut first: HashMap<String, (usize, usize)> = HashMap::with_capacity(self.items.len());
        let archives = &self.archives;
        let problems = &mut self.problems;
        self.items.retain(|item| match first.get(&item.name) {
            // The format keeps this name for itself.
            _ if item.name == "__metadata__" => {
                let place = archives[item.archive].place(item.entry);
                problems.push(Error::input(
                    place,
                    "a clip cannot have this name",
                    "rename it",
                ));
                false
            }
            Some((archive, entry)) => {
                let what = format!(
                    "clip {} is there twice, also as {}",
                    item.name,
                    archives[*archive].place(*entry)
                );
                let help = "leave one of them out";
                problems.push(Error::input(
                    archives[item.archive].place(item.entry),
                    what,
                    help,
                ));
                false
            }
            None => {
                first.insert(item.name.clone(), (item.archive, item.entry));
                true
            }
        });
    }

    /// xxh3-64, as 16 hexadecimal digits, of all that decides what reading the sources gives, short of reading them: their kind,
    /// layout and classes, and each clip's name, label and [`Archive::stamp`].
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

    /// Bytes of the sources as they lie on disk.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.archives.iter().map(Archive::bytes).sum()
    }

    /// Bytes of the clips when they are unpacked, as the sources claim.
    #[must_use]
    pub fn unpacked_bytes(&self) -> u64 {
        let size = |item: &Item| self.archives.get(item.archive)?.stamp(item.entry);
        self.items
            .iter()
            .filter_map(size)
            .map(|(size, _)| size)
            .sum()
    }

    /// Where an item is found.
    #[must_use]
    pub fn place(&self, item: &Item) -> Place {
        self.archives
            .get(item.archive)
            .map_or_else(Place::default, |archive| archive.place(item.entry))
    }
}

/// What is said of sources in which no file is a clip's. `scored`: arrays alone would do. `arrays`: there are some.
fn no_clips(source: &Archive, scored: bool, arrays: bool) -> Error {
    let (what, help) = if arrays {
        (
            "it holds .npy arrays, and no clips.csv that says what they are",
            "write clips.csv (file, label, split) and layout.toml beside them",
        )
    } else if scored {
        (
            "it holds no clips: no .skeleton, no skeleton_pos.txt, no .npy and no clips.csv",
            "name the archive or folder that holds the clips themselves",
        )
    } else {
        (
            "it holds no clips: no .skeleton, no skeleton_pos.txt and no clips.csv",
            "name the archive or folder that holds the clips themselves",
        )
    };
    Error::input(Place::file(source.path()), what, help)
}
