//! Who trains and who is tested.

use std::collections::BTreeMap;

use super::purpose;
use crate::error::{Error, Result};
use crate::rng::Rng;
use crate::settings::Dataset;
use crate::shards::{ClipEntry, Manifest};

pub use crate::settings::Protocol;

/// Clip numbers of a protocol, each in increasing order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// Clips that train.
    pub train: Vec<usize>,
    /// Training clips held out to choose the best checkpoint.
    pub validation: Vec<usize>,
    /// Clips that are tested.
    pub test: Vec<usize>,
}

/// Setups of NTU RGB+D's first part, which the 60-class protocols keep to.
const FIRST_PART: u32 = 17;

/// Training performers of the 60-class cross-subject protocol (Shahroudy et al., CVPR 2016).
const XSUB: [u32; 20] = [
    1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38,
];

/// Training performers that the 120-class protocol adds (Liu et al., TPAMI 2019).
const XSUB120: [u32; 33] = [
    45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85, 86, 89,
    91, 92, 93, 94, 95, 97, 98, 100, 103,
];

/// Ordered pairs of people of SBU's five test folds (Yun et al., CVPRW 2012).
const FOLDS: [&[[u32; 2]]; 5] = [
    &[[1, 2], [3, 4], [5, 2], [6, 4]],
    &[[2, 3], [2, 7], [3, 5], [5, 3]],
    &[[1, 3], [1, 7], [7, 1], [7, 3]],
    &[[2, 1], [2, 6], [3, 2], [3, 6]],
    &[[4, 2], [4, 3], [4, 6], [6, 2], [6, 3]],
];

/// The names of a dataset's protocols, for messages.
fn protocols(dataset: Dataset) -> &'static str {
    match dataset {
        Dataset::Sbu => "fold1 to fold5",
        Dataset::Ntu => "xsub, xview, xsub120 or xset120",
        Dataset::Clips => "split",
    }
}

/// What a protocol does with a clip.
#[derive(PartialEq)]
enum Side {
    Train,
    Validation,
    Test,
}

impl Protocol {
    /// The folds of data whose published protocol is a cross-validation, in order.
    ///
    /// # Errors
    /// [`Error::Setting`] for data of another kind.
    pub fn folds(manifest: &Manifest) -> Result<Vec<Protocol>> {
        if manifest.dataset == Dataset::Sbu {
            return Ok((1..=FOLDS.len() as u8).map(Protocol::Fold).collect());
        }
        let what = format!("the dataset {} has no folds", manifest.dataset);
        let help = match manifest.dataset {
            Dataset::Clips => "use `sinew train --protocol split`".to_string(),
            dataset => format!("use `sinew train` with --protocol {}", protocols(dataset)),
        };
        Err(Error::setting(what, help))
    }

    /// Divides the clips of prepared data.
    ///
    /// About `validation` (0 to below 1) of the training clips are held out: whole people where the data know them
    /// (performers of NTU, pairs of SBU in either order, subjects of own clips), single clips where not. Clips that
    /// a `split` column calls `val` are held out instead, whatever the share. The same seed holds out the same clips.
    ///
    /// # Errors
    /// A protocol of another dataset, data without any clip of it, a share that is none.
    pub fn split(self, manifest: &Manifest, validation: f64, seed: u64) -> Result<Split> {
        if !(0.0..1.0).contains(&validation) {
            let what = format!("train.validation = {validation} is no share of the training clips");
            return Err(Error::setting(what, "choose 0 or more and less than 1"));
        }
        let dataset = match self {
            Protocol::Fold(_) => Dataset::Sbu,
            Protocol::Split => Dataset::Clips,
            _ => Dataset::Ntu,
        };
        if manifest.dataset != dataset {
            let fitting = protocols(manifest.dataset);
            let what = format!(
                "protocol {self} is for the dataset {dataset}, and this data is of the dataset {}",
                manifest.dataset
            );
            return Err(Error::setting(what, format!("use --protocol {fitting}")));
        }
        let mut split = Split::default();
        for (index, clip) in manifest.clips.iter().enumerate() {
            match self.side(clip) {
                Some(Side::Train) => split.train.push(index),
                Some(Side::Validation) => split.validation.push(index),
                Some(Side::Test) => split.test.push(index),
                None => {}
            }
        }
        if split.train.is_empty() && split.test.is_empty() {
            let (what, help) = match self {
                Protocol::Xsub | Protocol::Xview => (
                    format!(
                        "protocol {self} is for setups 1 to {FIRST_PART}, and these data have none of them"
                    ),
                    "choose xsub120 or xset120, or prepare the first archive as well",
                ),
                _ => (
                    format!("protocol {self} finds no clips in these data"),
                    "choose another protocol, or prepare the part that is missing",
                ),
            };
            return Err(Error::setting(what, help));
        }
        if split.validation.is_empty() && validation > 0.0 {
            hold_out(&mut split, manifest, validation, seed);
        }
        Ok(split)
    }

    /// None for a clip that the protocol leaves out.
    fn side(self, clip: &ClipEntry) -> Option<Side> {
        let about = &clip.about;
        let sixty = about.setup.is_some_and(|setup| setup <= FIRST_PART);
        let train = match self {
            Protocol::Xsub | Protocol::Xview if !sixty => return None,
            Protocol::Xsub => XSUB.contains(&about.performer?),
            Protocol::Xview => about.camera? != 1,
            Protocol::Xsub120 => {
                let performer = about.performer?;
                XSUB.contains(&performer) || XSUB120.contains(&performer)
            }
            Protocol::Xset120 => about.setup?.is_multiple_of(2),
            Protocol::Fold(fold) => {
                let pair = about.pair?;
                let place = FOLDS.iter().position(|pairs| pairs.contains(&pair))?;
                place + 1 != usize::from(fold)
            }
            Protocol::Split => match about.split.as_deref()? {
                "train" => true,
                "val" => return Some(Side::Validation),
                "test" => false,
                _ => return None,
            },
        };
        Some(if train { Side::Train } else { Side::Test })
    }
}

/// Moves a share of the training clips to validation: by people, unless the smallest group of theirs is half of all.
fn hold_out(split: &mut Split, manifest: &Manifest, share: f64, seed: u64) {
    let person = |index: usize| -> Option<String> {
        let about = &manifest.clips.get(index)?.about;
        match (about.performer, about.pair, &about.subject) {
            (Some(performer), _, _) => Some(performer.to_string()),
            (_, Some([a, b]), _) => Some(format!("{} {}", a.min(b), a.max(b))),
            (_, _, subject) => subject.clone(),
        }
    };
    let mut groups: BTreeMap<Option<String>, Vec<usize>> = BTreeMap::new();
    for &index in &split.train {
        groups.entry(person(index)).or_default().push(index);
    }
    let mut groups: Vec<Vec<usize>> = if groups.len() < 2 || groups.contains_key(&None) {
        split.train.iter().map(|&index| vec![index]).collect()
    } else {
        groups.into_values().collect()
    };
    Rng::new(seed, &[purpose::VALIDATION]).shuffle(&mut groups);
    let wanted = share * split.train.len() as f64;
    let mut held: Vec<usize> = Vec::new();
    // The last group always trains.
    for group in groups.iter().skip(1) {
        let now = held.len() as f64;
        // A group that would leave the share farther off than it is now is passed over.
        if (now + group.len() as f64 - wanted).abs() < (now - wanted).abs() {
            held.extend(group);
        }
    }
    if held.is_empty() {
        // Every group is more than twice the share: the smallest, unless that is half of all that could train.
        let smallest = groups.iter().skip(1).min_by_key(|group| group.len());
        match smallest {
            Some(group) if group.len() * 2 < split.train.len() => held.extend(group),
            _ => {
                let mut single = split.train.clone();
                Rng::new(seed, &[purpose::VALIDATION, 1]).shuffle(&mut single);
                let count = (wanted.round() as usize).clamp(1, single.len().max(2) - 1);
                held.extend(single.into_iter().take(count));
            }
        }
    }
    held.sort_unstable();
    split
        .train
        .retain(|index| held.binary_search(index).is_err());
    split.validation = held;
}
