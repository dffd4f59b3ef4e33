//! How each dataset's clips are found among the entries of its sources.

use std::collections::HashMap;

use super::{Catalogue, Item};
use crate::error::{Error, Place, Result};
use crate::formats::archive::Archive;
use crate::formats::classes::{self, CLASSES};
use crate::formats::dataset::{is_hidden, strip_extension};
use crate::formats::{clips, ntu, sbu};
use crate::shards::MANIFEST;
use crate::skeleton::About;
use crate::text::counted;

impl Catalogue {
    /// NTU RGB+D: `.skeleton` files, and `classes.txt` in archives with other actions.
    pub(super) fn list_ntu(&mut self, archives: &[Archive], labelled: bool) -> Result<()> {
        let mut named: Option<Vec<String>> = None;
        for (archive, source) in archives.iter().enumerate() {
            for (entry, path) in source.names().enumerate() {
                let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
                let stem = strip_extension(file, ".skeleton").filter(|_| !is_hidden(path));
                let Some(stem) = stem else {
                    // An archive with other actions than those of NTU RGB+D names them.
                    if file == CLASSES && !is_hidden(path) {
                        let text = source.reader().text(entry, classes::MOST_BYTES)?;
                        let place = source.place(entry);
                        let names = classes::names(&text, true, &place)?;
                        if named
                            .replace(names.clone())
                            .is_some_and(|other| other != names)
                        {
                            let what = "differs from the classes.txt of another source";
                            let help = "prepare only sources with the same classes together";
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
                        "the name is not SsssCcccPpppRrrrAaaa with a class from 1 to 120",
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
                "class number {} is beyond the {} in classes.txt",
                item.label.unwrap_or(0) + 1,
                counted(count, "class")
            );
            let place = archives[item.archive].place(item.entry);
            self.problems
                .push(Error::input(place, what, "add the class to classes.txt"));
        }
        self.items.retain(|item| !beyond(item));
        Ok(())
    }

    /// SBU: `sXXsYY/CC/NNN/skeleton_pos.txt`.
    pub(super) fn list_sbu(&mut self, archives: &[Archive], labelled: bool) {
        self.classes = sbu::classes().iter().map(ToString::to_string).collect();
        for (archive, source) in archives.iter().enumerate() {
            // If a single folder of the dataset is given, the pair may be in the path of the source itself.
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
                        "the folders are not sXXsYY/CC/NNN, so the class is unknown",
                        "keep the folders of the dataset, or leave it out",
                    )),
                }
            }
        }
    }

    /// The clips that `clips.csv` of one source lists.
    pub(super) fn list_clips(&mut self, archives: &[Archive]) -> Result<()> {
        let [source] = archives else {
            return Err(Error::setting(
                "several sources of type clips",
                "pass one folder or zip archive",
            ));
        };
        let set = clips::open(source)?;
        self.layout = set.layout;
        self.classes = set.classes;
        self.problems = set.problems;
        self.warnings = set.warnings;
        self.ignored = source.len().saturating_sub(set.clips.len() + set.tables);
        for clip in set.clips {
            self.push(&clip.name, Some(clip.label), clip.about, 0, clip.entry);
        }
        Ok(())
    }

    /// All `.npy` arrays, without `clips.csv`.
    pub(super) fn list_arrays(&mut self, archives: &[Archive]) {
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

    /// Sorts by name. Of several entries with the same name all but the first become problems.
    pub(super) fn sort_and_deduplicate(&mut self) {
        self.items
            .sort_by(|a, b| (&a.name, a.archive, a.entry).cmp(&(&b.name, b.archive, b.entry)));
        let mut first: HashMap<String, (usize, usize)> = HashMap::with_capacity(self.items.len());
        let archives = &self.archives;
        let problems = &mut self.problems;
        self.items.retain(|item| match first.get(&item.name) {
            // The safetensors format reserves this name.
            _ if item.name == "__metadata__" => {
                let place = archives[item.archive].place(item.entry);
                problems.push(Error::input(
                    place,
                    "the name __metadata__ is reserved",
                    "rename the clip",
                ));
                false
            }
            Some((archive, entry)) => {
                let what = format!(
                    "duplicate clip {}, also at {}",
                    item.name,
                    archives[*archive].place(*entry)
                );
                let help = "leave one of the two out";
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
}

/// The error for sources without clips. `scored`: arrays without `clips.csv` would have been accepted; `arrays`: there are
/// some.
pub(super) fn no_clips(source: &Archive, scored: bool, arrays: bool) -> Error {
    let ending = source.path().extension().and_then(|ending| ending.to_str());
    let pickle = source.path().is_file() && matches!(ending, Some("pkl" | "pickle"));
    let (what, help) = if pickle {
        (
            "is a pickle, which sinew does not read",
            "convert it first: scripts/convert_pyskl.py FILE.pkl --out clips",
        )
    } else if source.path().join(MANIFEST).exists() {
        ("this is prepared data already", "use it with `sinew train`")
    } else if arrays {
        (
            "contains .npy arrays but no clips.csv that lists them",
            "add clips.csv (file, label, split) and layout.toml to their folder",
        )
    } else if scored {
        (
            "contains no clips: no .skeleton, no skeleton_pos.txt, no .npy and no clips.csv",
            "pass the archive or folder that contains the clips",
        )
    } else {
        (
            "contains no clips: no .skeleton, no skeleton_pos.txt and no clips.csv",
            "pass the archive or folder that contains the clips",
        )
    };
    Error::input(Place::file(source.path()), what, help)
}
