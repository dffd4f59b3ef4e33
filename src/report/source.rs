//! Clips for inspection, from prepared data or from sources.

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

/// The storage of the clips.
#[derive(Debug)]
pub(super) enum Clips {
    /// Shards.
    Prepared(Prepared),
    /// Archives, folders or single files.
    Listed(Catalogue),
}

/// A clip and its class.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundClip {
    /// Coordinates, body ids and metadata.
    pub recording: Recording,
    /// Name of its class, if known.
    pub class: Option<String>,
}

/// Number of names that an error suggests.
const SUGGESTED: usize = 3;

impl Source {
    /// Opens a path for inspection: clips may have any name, and none is left out.
    ///
    /// # Errors
    /// [`Error::Input`] for a run; otherwise as [`Prepared::open`] and [`Catalogue::unlabelled`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let clips = match path_kind(&path) {
            PathKind::Prepared => Clips::Prepared(Prepared::open(&path)?),
            PathKind::Source | PathKind::Weights => {
                Clips::Listed(Catalogue::unlabelled(&[&path], None)?)
            }
            PathKind::Run => {
                let what = "this is a run folder";
                let help = "pass the data folder instead; `sinew eval` evaluates a run";
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

    /// The layout of all clips.
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

    /// Reads a clip by name.
    ///
    /// # Errors
    /// [`Error::Input`] if there is no such clip, with the closest names, or if its entry is faulty.
    pub fn clip(&self, name: &str) -> Result<FoundClip> {
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
                Ok(FoundClip { recording, class })
            }
            Clips::Listed(list) => {
                let Some(item) = list.items.iter().find(|item| item.name == name) else {
                    return Err(self.unknown(name, list.items.iter().map(|i| i.name.as_str())));
                };
                let recording = list.reader().read(item)?;
                let class = class(item.label);
                Ok(FoundClip { recording, class })
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
            [] => "there are no clips".into(),
            [only] => format!("did you mean {only}?"),
            several => format!("the closest names are {}", several.join(", ")),
        };
        Error::input(
            Place::file(&self.path),
            format!("there is no clip {name:?}"),
            help,
        )
    }
}

/// The clips of a catalogue without those on the authors' list of missing skeletons.
pub(super) fn without_missing(list: &Catalogue) -> Vec<&Item> {
    let left_out = |item: &&Item| list.dataset == Dataset::Ntu && ntu::is_missing(&item.name);
    list.items.iter().filter(|item| !left_out(item)).collect()
}
