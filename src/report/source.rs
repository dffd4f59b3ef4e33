//! Clips that can be looked at, wherever they are.

use std::path::{Path, PathBuf};

use crate::check::{PathKind, path_kind};
use crate::error::{Error, Place, Result};
use crate::formats::{Catalogue, Dataset, Item, Recording, ntu};
use crate::shards::Prepared;
use crate::skeleton::Layout;
use crate::text::edit_distance;

/// Prepared data, or an archive, a folder or a single clip.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    pub(super) clips: Clips,
}

/// Where the clips are.
#[derive(Debug)]
pub(super) enum Clips {
    /// In shards.
    Prepared(Prepared),
    /// In archives and folders.
    Listed(Catalogue),
}

/// A clip that was looked up.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Coordinates, ids and what else is known.
    pub recording: Recording,
    /// Name of its class; none where the source does not say it.
    pub class: Option<String>,
}

/// Names that an error suggests.
const SUGGESTED: usize = 3;

impl Source {
    /// Opens a path to look at: clips may have any name, and none is left out.
    ///
    /// # Errors
    /// A run; what [`Prepared::open`] and [`Catalogue::unlabelled`] say.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let clips = match path_kind(&path) {
            PathKind::Prepared => Clips::Prepared(Prepared::open(&path)?),
            PathKind::Source | PathKind::Weights => {
                Clips::Listed(Catalogue::unlabelled(&[&path], None)?)
            }
            PathKind::Run => {
                let what = "it is a run, which holds no clips";
                let help = "name the data; `sinew eval` shows what a run has learned";
                return Err(Error::input(Place::file(&path), what, help));
            }
        };
        Ok(Source { path, clips })
    }

    /// The path that was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `ntu`, `sbu` or `clips`.
    #[must_use]
    pub fn dataset(&self) -> Dataset {
        match &self.clips {
            Clips::Prepared(data) => data.manifest().dataset,
            Clips::Listed(list) => list.dataset,
        }
    }

    /// The joints of all clips, their unit and the way up.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        match &self.clips {
            Clips::Prepared(data) => &data.manifest().layout,
            Clips::Listed(list) => &list.layout,
        }
    }

    /// Class names by index.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        match &self.clips {
            Clips::Prepared(data) => &data.manifest().classes,
            Clips::Listed(list) => &list.classes,
        }
    }

    /// Reads the clip of a name.
    ///
    /// # Errors
    /// No such clip, with the nearest names; what is wrong with its entry.
    pub fn clip(&self, name: &str) -> Result<Found> {
        let class = |label: Option<usize>| self.classes().get(label?).cloned();
        match &self.clips {
            Clips::Prepared(data) => {
                let clips = &data.manifest().clips;
                let Some(index) = clips.iter().position(|clip| clip.name == name) else {
                    return Err(self.unknown(name, clips.iter().map(|clip| clip.name.as_str())));
                };
                let recording = Recording {
                    clip: data.clip(index)?,
                    ids: clips[index].ids.clone(),
                    about: clips[index].about.clone(),
                };
                let class = class(Some(clips[index].label));
                Ok(Found { recording, class })
            }
            Clips::Listed(list) => {
                let Some(item) = list.items.iter().find(|item| item.name == name) else {
                    return Err(self.unknown(name, list.items.iter().map(|i| i.name.as_str())));
                };
                let recording = list.reader().read(item)?;
                let class = class(item.label);
                Ok(Found { recording, class })
            }
        }
    }

    fn unknown<'a>(&self, name: &str, names: impl Iterator<Item = &'a str>) -> Error {
        let mut near: Vec<(usize, &str)> = names
            .map(|known| (edit_distance(name, known), known))
            .collect();
        near.sort_unstable();
        near.truncate(SUGGESTED);
        let near: Vec<&str> = near.into_iter().map(|(_, known)| known).collect();
        let help = match near.as_slice() {
            [] => "it holds no clips".into(),
            [only] => format!("the nearest is {only}"),
            several => format!("the nearest are {}", several.join(", ")),
        };
        Error::input(
            Place::file(&self.path),
            format!("there is no clip {name:?}"),
            help,
        )
    }
}

/// The clips of a catalogue that count: those on the authors' missing list do not.
pub(super) fn counted(list: &Catalogue) -> Vec<&Item> {
    let left_out = |item: &&Item| list.dataset == Dataset::Ntu && ntu::is_missing(&item.name);
    list.items.iter().filter(|item| !left_out(item)).collect()
}
