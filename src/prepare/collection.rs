//! Clips that a program has in memory, as prepared data.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::folder::Target;
use super::{Part, begin, few_enough, tally_of};
use crate::error::{Error, Place, Result, Warning};
use crate::formats::{Dataset, Recording, from_array};
use crate::shards::{Manifest, Prepared, ShardWriter};
use crate::skeleton::{About, Layout};

/// Prepared data in the making, from clips that a program hands over one by one. Memory holds one shard of them. Dropped
/// before [`Collection::finish`], it leaves nothing.
pub struct Collection {
    out: PathBuf,
    target: Target,
    manifest: Manifest,
    shard: ShardWriter,
    part: Part,
    names: HashSet<String>,
}

impl Collection {
    /// Begins prepared data in a new or empty folder: for clips of these joints, of classes with these names.
    ///
    /// # Errors
    /// A layout that contradicts itself, no class or one named twice, a folder that holds something or cannot be written.
    pub fn create(out: impl AsRef<Path>, layout: &Layout, classes: &[&str]) -> Result<Self> {
        let out = out.as_ref().to_path_buf();
        layout.check().map_err(|(key, what)| {
            let help = "correct it; Layout::from_toml derives what follows from the bones";
            Error::setting(format!("the layout's `{key}`: {what}"), help)
        })?;
        few_enough(classes.len(), &out)?;
        let distinct: HashSet<&&str> = classes.iter().collect();
        if classes.is_empty() || distinct.len() < classes.len() {
            let what = format!("{classes:?} are no names of classes");
            return Err(Error::setting(what, "give at least one, and none twice"));
        }
        let classes = classes.iter().map(ToString::to_string).collect();
        let (target, _) = Target::claim(&out, "a collection, which is not resumed")?;
        Ok(Collection {
            out,
            target,
            manifest: begin(Dataset::Clips, layout, classes),
            shard: ShardWriter::default(),
            part: Part {
                tally: tally_of(Dataset::Clips),
                ..Part::default()
            },
            names: HashSet::new(),
        })
    }

    /// Adds a clip: the class that it shows, an index into the names, and its coordinates as shape and numbers, the last
    /// axis fastest: [frames, joints, 2 or 3] or [people, frames, joints, 2 or 3] in the layout's unit, NaN where a joint
    /// or person is missing. `about.split` is `train`, `val` or `test` for the protocol `split`; `about.subject`, where
    /// known, keeps people of the training clips from the validation clips.
    ///
    /// # Errors
    /// A name that is taken, no such class or split, a shape that is none of those, a coordinate that is no position.
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
                &format!("they are 0 to {}", count - 1),
            );
        }
        let split = about.split.as_deref();
        if !matches!(split, Some("train" | "val" | "test")) {
            let what = format!("its split is {split:?}");
            return wrong(what, "choose train, val or test");
        }
        if self.names.contains(name) || name.is_empty() {
            return wrong(
                "the name is empty or taken".into(),
                "name each clip otherwise",
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

    /// What looks wrong about the clips that were added so far, and stops nothing: numbers that look like confidences and
    /// are taken for z, joints at exactly zero that were probably not found.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let tally = self.part.tally.as_ref();
        let warnings = tally.map(|t| t.warnings(&self.manifest.layout, &Place::file(&self.out)));
        warnings.unwrap_or_default()
    }

    /// Publishes the data and opens them.
    ///
    /// # Errors
    /// No clips; a disk that is full or cannot be written.
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
