//! Counts of what a dataset contains.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::Serialize;

use super::source::{Clips, Source, without_missing};
use crate::error::Error;
use crate::skeleton::{About, Axis};

/// All counts of a dataset.
#[derive(Debug, Serialize)]
pub struct Contents {
    /// Counts from the list of clips.
    #[serde(flatten)]
    pub listed: Listed,
    /// Counts from the clips themselves.
    #[serde(flatten)]
    pub measured: Measured,
}

/// Counts that are known without reading clips.
#[derive(Debug, Serialize)]
pub struct Listed {
    /// `prepared` or `source`.
    pub kind: &'static str,
    /// `ntu`, `sbu` or `clips`.
    pub dataset: String,
    /// Number of clips, without those on the authors' list of missing skeletons.
    pub clips: usize,
    /// Axes of a clip's tensor.
    pub axes: [&'static str; 4],
    /// Element type of the tensor.
    pub dtype: &'static str,
    /// Name of the layout.
    pub layout: String,
    /// Number of joints per body.
    pub joints: usize,
    /// Unit of the coordinates.
    pub unit: String,
    /// The direction of up.
    pub up: Axis,
    /// Number of clips of each class.
    pub classes: Vec<ClassCount>,
    /// Number of clips of unknown class.
    pub without_class: usize,
    /// Number of clips by performer, camera, setup and so on, if the source states them.
    pub by: BTreeMap<&'static str, BTreeMap<Key, usize>>,
    /// Number of clips on the authors' list of missing skeletons, which are left out.
    pub missing: usize,
    /// Number of entries that the preparation left out because they cannot be used.
    pub skipped: usize,
    /// Number of files that are not clips.
    pub ignored: usize,
}

/// One class.
#[derive(Debug, Serialize)]
pub struct ClassCount {
    /// Name of the class.
    pub name: String,
    /// Number of clips.
    pub clips: usize,
}

/// A value that clips are counted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum Key {
    /// A number, 1-based.
    Number(u32),
    /// A name.
    Name(String),
}

/// Counts that require reading all clips; for prepared data they are in the manifest.
#[derive(Debug, Default, Serialize)]
pub struct Measured {
    /// Number of clips read without errors.
    pub read: usize,
    /// Number of entries that cannot be read, including those without any body.
    pub unreadable: usize,
    /// Number of frames of all clips.
    pub frames: usize,
    /// Number of tracked bodies of all clips.
    pub bodies: usize,
    /// Number of clips by their number of tracked bodies.
    pub bodies_per_clip: BTreeMap<usize, usize>,
    /// Lengths of the clips; `None` without clips.
    pub lengths: Option<Lengths>,
    /// The error of the first entry that cannot be read.
    #[serde(skip)]
    pub first_problem: Option<Error>,
}

/// Lengths of clips, in frames.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lengths {
    /// Minimum.
    pub min: usize,
    /// Median.
    pub median: f64,
    /// Maximum.
    pub max: usize,
    /// Histogram with bins of equal width.
    pub histogram: Vec<Bin>,
}

/// A bin of a histogram.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bin {
    /// Lower bound, in frames.
    pub from: usize,
    /// Upper bound, inclusive, in frames.
    pub to: usize,
    /// Number of clips.
    pub clips: usize,
}

/// Maximum number of bins.
const BINS: usize = 12;

impl Listed {
    /// Counts the list of clips, without reading them.
    #[must_use]
    pub fn of(source: &Source) -> Self {
        let layout = source.layout();
        let mut listed = Listed {
            kind: "prepared",
            dataset: source.dataset().name().into(),
            clips: 0,
            axes: ["bodies", "frames", "joints", "xyz"],
            dtype: "float32",
            layout: layout.name.clone(),
            joints: layout.len(),
            unit: layout.unit.clone(),
            up: layout.up,
            classes: Vec::new(),
            without_class: 0,
            by: BTreeMap::new(),
            missing: 0,
            skipped: 0,
            ignored: 0,
        };
        let class = |name: &String| ClassCount {
            name: name.clone(),
            clips: 0,
        };
        listed.classes = source.classes().iter().map(class).collect();
        match &source.clips {
            Clips::Prepared(data) => {
                let manifest = data.manifest();
                listed.missing = manifest.counts.missing;
                listed.skipped = manifest.skipped.len();
                listed.unit.clone_from(&manifest.unit);
                listed.up = manifest.up;
                for clip in &manifest.clips {
                    listed.add(Some(clip.label), &clip.about);
                }
            }
            Clips::Listed(list) => {
                let items = without_missing(list);
                listed.kind = "source";
                listed.missing = list.items.len() - items.len();
                listed.ignored = list.ignored;
                for item in items {
                    listed.add(item.label, &item.about);
                }
            }
        }
        listed
    }

    fn add(&mut self, label: Option<usize>, about: &About) {
        self.clips += 1;
        match label.and_then(|label| self.classes.get_mut(label)) {
            Some(class) => class.clips += 1,
            None => self.without_class += 1,
        }
        let pair = about
            .pair
            .map(|[a, b]| Key::Name(format!("s{a:02}s{b:02}")));
        let keys = [
            ("performer", about.performer.map(Key::Number)),
            ("camera", about.camera.map(Key::Number)),
            ("setup", about.setup.map(Key::Number)),
            ("replication", about.replication.map(Key::Number)),
            ("pair", pair),
            ("subject", about.subject.clone().map(Key::Name)),
            ("split", about.split.clone().map(Key::Name)),
        ];
        for (by, key) in keys {
            if let Some(key) = key {
                *self.by.entry(by).or_default().entry(key).or_default() += 1;
            }
        }
    }
}

impl Measured {
    /// Counts all clips: reads every entry of a source on all cores, but only the manifest of prepared data. `progress`
    /// receives (clips done, total clips).
    #[must_use]
    pub fn of(source: &Source, progress: &(dyn Fn(usize, usize) + Sync)) -> Self {
        let mut measured = Measured::default();
        let mut lengths = Vec::new();
        match &source.clips {
            Clips::Prepared(data) => {
                for clip in &data.manifest().clips {
                    measured.add(clip.bodies, clip.frames, &mut lengths);
                }
            }
            Clips::Listed(list) => {
                let items = without_missing(list);
                let done = AtomicUsize::new(0);
                let sizes: Vec<_> = items
                    .par_iter()
                    .map_init(
                        || list.reader(),
                        |reader, item| {
                            let recording = reader.read(item);
                            progress(done.fetch_add(1, Ordering::Relaxed) + 1, items.len());
                            recording.map(|r| (r.clip.bodies, r.clip.frames))
                        },
                    )
                    .collect();
                measured.unreadable = list.problems.len();
                measured.first_problem = list.problems.first().map(copy_of);
                for size in sizes {
                    match size {
                        Ok((bodies, frames)) => measured.add(bodies, frames, &mut lengths),
                        Err(error) => {
                            measured.unreadable += 1;
                            measured.first_problem.get_or_insert(error);
                        }
                    }
                }
            }
        }
        measured.lengths = Lengths::of(lengths);
        measured
    }

    fn add(&mut self, bodies: usize, frames: usize, lengths: &mut Vec<usize>) {
        self.read += 1;
        self.bodies += bodies;
        self.frames += frames;
        *self.bodies_per_clip.entry(bodies).or_default() += 1;
        lengths.push(frames);
    }
}

/// A copy of an error. I/O errors cannot be cloned, so only their message is kept.
fn copy_of(error: &Error) -> Error {
    match error {
        Error::Input { place, what, help } => Error::input(place.clone(), what, help),
        other => Error::failed(other.to_string(), "run `sinew check` for a full list"),
    }
}

impl Lengths {
    /// Summarises numbers of frames, in any order; `None` if there are none.
    #[must_use]
    pub fn of(mut lengths: Vec<usize>) -> Option<Self> {
        lengths.sort_unstable();
        let (&min, &max) = (lengths.first()?, lengths.last()?);
        let middle = |at: usize| lengths.get(at).copied().unwrap_or(min) as f64;
        let median = f64::midpoint(middle((lengths.len() - 1) / 2), middle(lengths.len() / 2));
        let width = width(min, max);
        let start = min / width * width;
        let bins = (max - start) / width + 1;
        let mut histogram: Vec<Bin> = (0..bins)
            .map(|bin| Bin {
                from: start + bin * width,
                to: start + (bin + 1) * width - 1,
                clips: 0,
            })
            .collect();
        for length in lengths {
            if let Some(bin) = histogram.get_mut((length - start) / width) {
                bin.clips += 1;
            }
        }
        Some(Lengths {
            min,
            median,
            max,
            histogram,
        })
    }
}

/// The smallest width of 1, 2, 5, 10, 20, … that needs at most [`BINS`] bins.
fn width(min: usize, max: usize) -> usize {
    let mut width = 1;
    for factor in [2, 5, 10].iter().cycle() {
        if max / width - min / width < BINS {
            break;
        }
        let decade = 10usize.pow(width.ilog10());
        width = decade.saturating_mul(*factor);
    }
    width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_few_and_cover_every_clip() {
        for (min, max, expected) in [
            (7, 7, 1),
            (1, 12, 1),
            (1, 13, 2),
            (10, 46, 5),
            (26, 300, 50),
        ] {
            assert_eq!(width(min, max), expected, "{min} to {max}");
        }
        let lengths = Lengths::of(vec![300, 26, 99, 100]).unwrap();
        assert_eq!((lengths.min, lengths.median, lengths.max), (26, 99.5, 300));
        let clips: Vec<_> = lengths
            .histogram
            .iter()
            .map(|b| (b.from, b.to, b.clips))
            .collect();
        let expected = [
            (0, 49, 1),
            (50, 99, 1),
            (100, 149, 1),
            (150, 199, 0),
            (200, 249, 0),
            (250, 299, 0),
            (300, 349, 1),
        ];
        assert_eq!(clips, expected);
        assert_eq!(Lengths::of(Vec::new()), None);
    }
}
