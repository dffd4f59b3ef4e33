//! Prepared data from clips in memory.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::folder::Target;
use super::{Part, empty_manifest, few_enough, tally_of};
use crate::error::{Error, Place, Result, Warning};
use crate::formats::{Dataset, Recording, from_array};
use crate::shards::{Manifest, Prepared, ShardWriter};
use crate::skeleton::{About, Layout};

/// Writes prepared data from clips that a program passes one by one. At most one shard of clips is held in memory. If it is
/// dropped before [`Collection::finish`], nothing is left behind.
pub struct Collection {
    out: PathBuf,
    target: Target,
    manifest: Manifest,
    shard: ShardWriter,
    part: Part,
    names: HashSet<String>,
}

impl Collection {
    /// Starts prepared data in a new or empty folder, for clips with this layout and these class names.
    ///
    /// # Errors
    /// [`Error::Setting`] for an invalid layout, no classes, or duplicate class names; [`Error::Input`] for too many classes;
    /// [`Error::Exists`] for a folder that is not empty; [`Error::Locked`] where another process writes to it; [`Error::Io`]
    /// if it cannot be written.
    pub fn create(out: impl AsRef<Path>, layout: &Layout, classes: &[&str]) -> Result<Self> {
        let out = out.as_ref().to_path_buf();
        layout.check().map_err(|(key, what)| {
            let help =
                "correct the layout; Layout::from_toml derives all keys that follow from the bones";
            Error::setting(format!("the layout's `{key}`: {what}"), help)
        })?;
        few_enough(classes.len(), &out)?;
        let distinct: HashSet<&&str> = classes.iter().collect();
        if classes.is_empty() || distinct.len() < classes.len() {
            let what = format!("invalid class names: {classes:?}");
            return Err(Error::setting(
                what,
                "pass at least one, without duplicates",
            ));
        }
        let classes = classes.iter().map(ToString::to_string).collect();
        let (target, _) = Target::claim(&out, "a collection, which is not resumed")?;
        Ok(Collection {
            out,
            target,
            manifest: empty_manifest(Dataset::Clips, layout, classes),
            shard: ShardWriter::default(),
            part: Part {
                tally: tally_of(Dataset::Clips),
                ..Part::default()
            },
            names: HashSet::new(),
        })
    }

    /// Adds a clip. `class` is an index into the class names. `data` are its coordinates, row-major, of shape [frames, joints,
    /// 2 or 3] or [people, frames, joints, 2 or 3], in the layout's unit, NaN for missing joints and people. `about.split` is
    /// `train`, `val` or `test` for the protocol `split`; `about.subject`, if known, keeps people of training clips out of
    /// the validation split.
    ///
    /// # Errors
    /// [`Error::Input`] for an empty or duplicate name, an unknown class or split, another shape, or a coordinate out of
    /// range; [`Error::Io`] if a shard cannot be written.
    pub fn add(
        &mut self,
        name: &str,
        class: usize,
        about: About,
        shape: &[usize],
        data: &[f32],
    ) -> Result<()> {
        let place = Place::file(&self.out).entry(name);
        let wrong = |what: String, help: &str| Err(Error::input(place.clone(), what, help));
        if class >= self.manifest.classes.len() {
            let count = self.manifest.classes.len();
            return wrong(
                format!("there is no class {class}"),
                &format!("classes are 0 to {}", count - 1),
            );
        }
        let split = about.split.as_deref();
        if !matches!(split, Some("train" | "val" | "test")) {
            let what = format!("the split is {split:?}");
            return wrong(what, "use train, val or test");
        }
        if self.names.contains(name) || name.is_empty() {
            return wrong(
                "empty or duplicate name".into(),
                "give each clip a unique name",
            );
        }
        let layout = &self.manifest.layout;
        let Recording { clip, ids, about } =
            from_array(shape, data, name, class, about, layout, &place)?;
        self.names.insert(name.into());
        if let Some(tally) = &mut self.part.tally {
            tally.add(&clip);
        }
        let entry = self
            .shard
            .push(clip, ids, about, self.manifest.shards.len());
        self.part.clips.push(entry);
        if self.shard.is_full() {
            self.write()?;
        }
        Ok(())
    }

    /// Warnings about the clips added so far: values that look like confidence scores but are read as z, and joints at exactly
    /// zero that are probably missing.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let tally = self.part.tally.as_ref();
        let warnings = tally.map(|t| t.warnings(&self.manifest.layout, &Place::file(&self.out)));
        warnings.unwrap_or_default()
    }

    /// Completes the prepared data and opens it.
    ///
    /// # Errors
    /// [`Error::Input`] without clips; [`Error::Io`] if the data cannot be written.
    pub fn finish(mut self) -> Result<Prepared> {
        if self.names.is_empty() {
            let place = Place::file(&self.out);
            return Err(Error::input(place, "no clips were added", "add some"));
        }
        if !self.shard.is_empty() {
            self.write()?;
        }
        self.target.publish(&self.manifest)?;
        Prepared::open(&self.out)
    }

    fn write(&mut self) -> Result<()> {
        self.part.items = self.names.len();
        self.part
            .finish(&mut self.shard, &mut self.target, &mut self.manifest)
    }
}
