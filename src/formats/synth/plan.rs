//! Which clips an archive will hold, and about how large it will be.

use super::motion::{self, Class};
use super::names::{self, Name};
use super::{Options, Summary, clip_stream};
use crate::error::{Error, Result};
use crate::files::check_space;
use crate::formats::ntu::is_missing;

/// Bytes of the archive that one body in one frame takes: 1,051 to 1,058 in archives of 50 to 400 clips.
const BYTES: u64 = 1_060;

/// One clip to make.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    pub name: Name,
    pub frames: usize,
    pub class: Class,
}

/// An archive that is not written yet.
#[derive(Debug)]
pub struct Plan {
    pub(super) options: Options,
    pub(super) specs: Vec<Spec>,
}

impl Plan {
    /// Decides on the clips.
    ///
    /// # Errors
    /// [`Error::Setting`] for counts that cannot be met, [`Error::Input`] for a line of `like` that is no clip name and
    /// frame count, and for a disk with less room than the archive will take.
    pub fn new(options: &Options) -> Result<Self> {
        let plan = Plan {
            specs: specs(options)?,
            options: options.clone(),
        };
        check_space(&options.out, plan.bytes())?;
        Ok(plan)
    }

    /// About how many bytes the archive will have.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let bodies = |spec: &Spec| spec.frames as u64 * (1 + u64::from(spec.class.pair));
        self.specs.iter().map(bodies).sum::<u64>() * BYTES
    }

    /// What will be made, without sizes.
    pub(super) fn summary(&self) -> Summary {
        summary_of(&self.specs)
    }
}

fn specs(options: &Options) -> Result<Vec<Spec>> {
    let mut specs: Vec<Spec> = if let Some(like) = &options.like {
        let rows = names::read(like)?;
        let clips = options.clips.unwrap_or(rows.len());
        if clips == 0 || clips > rows.len() {
            let what = format!(
                "{clips} clips are asked for and {} has {}",
                like.display(),
                rows.len()
            );
            return Err(Error::setting(what, format!("ask for 1 to {}", rows.len())));
        }
        let pick = |i: usize| rows.get(i * rows.len() / clips).cloned();
        (0..clips)
            .filter_map(pick)
            .map(|(name, frames)| Spec {
                name,
                frames,
                class: Class::action(name.action),
            })
            .collect()
    } else {
        let classes = options.classes;
        if !(2..=motion::CLASSES).contains(&classes) {
            let help = format!("choose 2 to {}", motion::CLASSES);
            return Err(Error::setting(
                format!("{classes} classes cannot be made"),
                help,
            ));
        }
        let most = classes * names::PER_CLASS;
        let clips = options.clips.unwrap_or(0);
        if clips == 0 || clips > most {
            let what = format!("{clips} clips of {classes} classes cannot be named");
            return Err(Error::setting(what, format!("ask for 1 to {most} clips")));
        }
        // The list of a hundred million clips would take gigabytes itself.
        let pairs = (0..classes)
            .filter(|class| Class::plain(*class).pair)
            .count();
        let bodies =
            names::mean_frames() * clips as f64 * (classes + pairs) as f64 / classes as f64;
        check_space(&options.out, (bodies * BYTES as f64 * 0.9) as u64)?;
        // A name on the list of missing skeletons would be left out when the archive is prepared.
        let mut fresh: Vec<_> = (0..classes)
            .map(|class| (0..).map(move |number| names::plain(class, number)))
            .map(|names| names.filter(|name| !is_missing(&name.to_string())))
            .collect();
        (0..clips)
            .filter_map(|i| {
                let class = i % classes;
                let name = fresh.get_mut(class)?.next()?;
                let frames = names::frames(&mut clip_stream(options.seed, &name));
                Some(Spec {
                    name,
                    frames,
                    class: Class::plain(class),
                })
            })
            .collect()
    };
    specs.sort_by_key(|spec| spec.name);
    Ok(specs)
}

fn summary_of(specs: &[Spec]) -> Summary {
    let different = |key: fn(&Spec) -> usize| {
        let mut keys: Vec<usize> = specs.iter().map(key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.len()
    };
    Summary {
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
    fn names_are_new_and_on_no_list() {
        let options = Options {
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
        let plain = (0..20_000).map(|i| names::plain(i % 60, i / 60).to_string());
        assert!(
            plain.into_iter().any(|name| is_missing(&name)),
            "some would have been"
        );
    }
}
