//! The clips of a synthetic archive and its estimated size, before it is written.

use super::motion::{self, Class};
use super::names::{self, Name};
use super::{SynthOptions, SynthSummary, clip_stream};
use crate::error::{Error, Result};
use crate::files::check_space;
use crate::formats::ntu::is_missing;
use crate::text::counted;

/// Compressed bytes per body and frame: measured as 1,051 to 1,058 in archives of 50 to 400 clips.
const BYTES: u64 = 1_060;

/// One clip to generate.
#[derive(Debug, Clone)]
pub(super) struct ClipSpec {
    pub name: Name,
    pub frames: usize,
    pub class: Class,
}

/// An archive that is not written yet.
#[derive(Debug)]
pub struct ArchivePlan {
    pub(super) options: SynthOptions,
    pub(super) specs: Vec<ClipSpec>,
}

impl ArchivePlan {
    /// Chooses the clips.
    ///
    /// # Errors
    /// [`Error::Setting`] for an impossible number of clips or classes, [`Error::Input`] for a faulty line of `like` and for
    /// a disk without enough free space.
    pub fn new(options: &SynthOptions) -> Result<Self> {
        let plan = ArchivePlan {
            specs: specs(options)?,
            options: options.clone(),
        };
        check_space(&options.out, plan.bytes())?;
        Ok(plan)
    }

    /// Estimated size of the archive, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let bodies = |spec: &ClipSpec| spec.frames as u64 * (1 + u64::from(spec.class.pair));
        self.specs.iter().map(bodies).sum::<u64>() * BYTES
    }

    /// The summary of the clips, without sizes.
    pub(super) fn summary(&self) -> SynthSummary {
        summary_of(&self.specs)
    }
}

fn specs(options: &SynthOptions) -> Result<Vec<ClipSpec>> {
    let mut specs: Vec<ClipSpec> = if let Some(like) = &options.like {
        let rows = names::read_csv(like)?;
        let clips = options.clips.unwrap_or(rows.len());
        if clips == 0 || clips > rows.len() {
            let what = format!(
                "cannot take {} from {}, which has {}",
                counted(clips, "clip"),
                like.display(),
                rows.len()
            );
            return Err(Error::setting(
                what,
                format!("set --clips to 1 to {}", rows.len()),
            ));
        }
        let pick = |i: usize| rows.get(i * rows.len() / clips).cloned();
        (0..clips)
            .filter_map(pick)
            .map(|(name, frames)| ClipSpec {
                name,
                frames,
                class: Class::action(name.action),
            })
            .collect()
    } else {
        let classes = options.classes;
        if !(2..=motion::CLASSES).contains(&classes) {
            let help = format!("set --classes to 2 to {}", motion::CLASSES);
            return Err(Error::setting(
                format!("cannot generate {}", counted(classes, "class")),
                help,
            ));
        }
        let most = classes * names::PER_CLASS;
        let clips = options.clips.unwrap_or(0);
        if clips == 0 || clips > most {
            let what = format!(
                "cannot generate {} of {classes} classes",
                counted(clips, "clip")
            );
            return Err(Error::setting(what, format!("set --clips to 1 to {most}")));
        }
        // Checked before the list is made: a list of a hundred million clips would itself take gigabytes.
        let pairs = (0..classes)
            .filter(|class| Class::numbered(*class).pair)
            .count();
        let bodies =
            names::mean_frames() * clips as f64 * (classes + pairs) as f64 / classes as f64;
        check_space(&options.out, (bodies * BYTES as f64 * 0.9) as u64)?;
        // Names on the list of missing skeletons are skipped, since `sinew prepare` would leave them out.
        let mut fresh: Vec<_> = (0..classes)
            .map(|class| (0..).map(move |number| names::numbered(class, number)))
            .map(|names| names.filter(|name| !is_missing(&name.to_string())))
            .collect();
        (0..clips)
            .filter_map(|i| {
                let class = i % classes;
                let name = fresh.get_mut(class)?.next()?;
                let frames = names::draw_frame_count(&mut clip_stream(options.seed, &name));
                Some(ClipSpec {
                    name,
                    frames,
                    class: Class::numbered(class),
                })
            })
            .collect()
    };
    specs.sort_by_key(|spec| spec.name);
    Ok(specs)
}

fn summary_of(specs: &[ClipSpec]) -> SynthSummary {
    let different = |key: fn(&ClipSpec) -> usize| {
        let mut keys: Vec<usize> = specs.iter().map(key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.len()
    };
    SynthSummary {
        clips: specs.len(),
        two_person: specs.iter().filter(|s| s.class.pair).count(),
        classes: different(|s| s.name.action),
        performers: different(|s| s.name.performer),
        frames: specs.iter().map(|s| s.frames).sum(),
        text_bytes: 0,
        bytes: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn names_are_unique_and_not_on_the_missing_list() {
        let options = SynthOptions {
            out: PathBuf::new(),
            clips: Some(20_000),
            classes: 60,
            seed: 1,
            like: None,
        };
        let specs = specs(&options).unwrap_or_default();
        assert_eq!(specs.len(), 20_000);
        assert!(specs.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(specs.iter().all(|spec| !is_missing(&spec.name.to_string())));
        let plain = (0..20_000).map(|i| names::numbered(i % 60, i / 60).to_string());
        assert!(
            plain.into_iter().any(|name| is_missing(&name)),
            "without the filter some would be"
        );
    }
}
