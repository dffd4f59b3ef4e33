//! Completeness of a dataset: missing parts of NTU RGB+D, classes without clips, empty splits.

use std::path::Path;

use super::{Dataset, ntu};
use crate::error::{Place, Warning};
use crate::skeleton::About;
use crate::text::{first_few, ranges, thousands};

/// Limit on the number of class names in a message.
const LISTED: usize = 5;

/// Setups of NTU RGB+D's first archive.
const FIRST_SETUPS: u32 = 17;
/// Setups of both archives.
const SETUPS: u32 = 32;

/// One of the two published sizes of NTU RGB+D.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NtuSize {
    /// The first archive, 60 classes, setups 1 to 17 (Shahroudy et al., CVPR 2016).
    Sixty,
    /// Both archives, 120 classes, setups 1 to 32 (Liu et al., TPAMI 2019).
    OneTwenty,
}

impl NtuSize {
    /// The usual name of the dataset.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            NtuSize::Sixty => "NTU RGB+D 60",
            NtuSize::OneTwenty => "NTU RGB+D 120",
        }
    }

    /// Number of files in the published archives.
    #[must_use]
    pub fn files(self) -> usize {
        match self {
            NtuSize::Sixty => 56_880,
            NtuSize::OneTwenty => 114_480,
        }
    }

    /// Number of files without those on the authors' list of missing skeletons.
    #[must_use]
    pub fn clips(self) -> usize {
        let setups = self.setups();
        let listed = ntu::missing()
            .iter()
            .filter_map(|name| ntu::Name::parse(name));
        self.files() - listed.filter(|name| name.setup <= setups).count()
    }

    /// The highest setup number.
    #[must_use]
    pub fn setups(self) -> u32 {
        match self {
            NtuSize::Sixty => FIRST_SETUPS,
            NtuSize::OneTwenty => SETUPS,
        }
    }

    /// How much of the dataset these clips cover, as a clause; `None` if they are complete.
    #[must_use]
    pub fn shortfall<'a>(self, clips: impl Iterator<Item = &'a About>) -> Option<String> {
        let (mut count, mut seen) = (0, [false; SETUPS as usize + 1]);
        for setup in clips.filter_map(|about| about.setup) {
            if setup <= self.setups() {
                count += 1;
                seen[setup as usize] = true;
            }
        }
        if count >= self.clips() {
            return None;
        }
        let absent: Vec<usize> = (1..=self.setups() as usize)
            .filter(|setup| !seen[*setup])
            .collect();
        let setups = match absent.as_slice() {
            [] => String::new(),
            absent => format!("; setups without clips: {}", ranges(absent)),
        };
        Some(format!(
            "{} of the {} clips of {} ({} files, minus those on the authors' list of missing skeletons){setups}",
            thousands(count),
            thousands(self.clips()),
            self.name(),
            thousands(self.files()),
        ))
    }
}

/// Whether these are the classes of NTU RGB+D itself, rather than of an archive that only uses its format.
#[must_use]
pub fn is_published_ntu(dataset: Dataset, classes: &[String]) -> bool {
    let published = ntu::classes();
    let same = |count: usize| classes.iter().eq(published[..count].iter());
    dataset == Dataset::Ntu && (same(60) || same(120))
}

/// Number of training and test clips of each class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassCounts {
    /// Training clips of each class.
    pub train: Vec<usize>,
    /// Test clips of each class.
    pub test: Vec<usize>,
}

impl ClassCounts {
    /// Counts the labels of training clips and of test clips.
    #[must_use]
    pub fn of(
        classes: usize,
        train: impl Iterator<Item = usize>,
        test: impl Iterator<Item = usize>,
    ) -> Self {
        let count = |labels: &mut dyn Iterator<Item = usize>| {
            let mut counts = vec![0; classes];
            for label in labels {
                if let Some(count) = counts.get_mut(label) {
                    *count += 1;
                }
            }
            counts
        };
        let (mut train, mut test) = (train, test);
        ClassCounts {
            train: count(&mut train),
            test: count(&mut test),
        }
    }

    /// The classes whose numbers of training and test clips satisfy a condition.
    pub fn where_counts(&self, are: impl Fn(usize, usize) -> bool) -> Vec<usize> {
        let counts = self.train.iter().zip(&self.test).enumerate();
        counts
            .filter(|(_, (train, test))| are(**train, **test))
            .map(|(class, _)| class)
            .collect()
    }
}

/// Lists classes by number and name for a message: the first few, and how many more there are.
#[must_use]
pub fn class_list(classes: &[usize], names: &[String]) -> String {
    let named = |class: &usize| match names.get(*class) {
        Some(name) => format!("{class} ({name:?})"),
        None => class.to_string(),
    };
    first_few(classes.iter().map(named), LISTED, ", ", " ")
}

/// Warnings about a set of clips, each given with its class index, that hold for any protocol: one warning per kind.
#[must_use]
pub fn set_warnings<'a>(
    dataset: Dataset,
    classes: &[String],
    clips: impl Iterator<Item = (usize, &'a About)> + Clone,
    source: &Path,
) -> Vec<Warning> {
    let warn = |what: String, help: &str| Warning::new(Place::file(source), what, help);
    let mut warnings = Vec::new();
    let labels = |side: &'static str| {
        let clips = clips.clone();
        clips.filter_map(move |(label, about)| {
            (about.split.as_deref().unwrap_or("train") == side).then_some(label)
        })
    };
    let mut part = false;
    if is_published_ntu(dataset, classes) {
        let size = if classes.len() > 60 {
            NtuSize::OneTwenty
        } else {
            NtuSize::Sixty
        };
        if let Some(lack) = size.shortfall(clips.clone().map(|(_, about)| about)) {
            part = true;
            warnings.push(warn(
                format!("contains {lack}"),
                "results on a part of the dataset are not comparable with published ones",
            ));
        }
    }
    let fitted = labels("train").chain(labels("val"));
    let counts = ClassCounts::of(classes.len(), fitted, labels("test"));
    let empty = counts.where_counts(|train, test| train + test == 0);
    if classes.len() - empty.len() == 1 {
        let there = counts.where_counts(|train, test| train + test > 0);
        let what = format!("all clips are of class {}", class_list(&there, classes));
        warnings.push(warn(
            what,
            "add clips of another class; training needs at least two",
        ));
    } else if !empty.is_empty() && !part {
        let what = format!("no clip is of class {}", class_list(&empty, classes));
        warnings.push(warn(
            what,
            "remove the class from classes.txt, or add clips; class numbers start at 0",
        ));
    }
    let split = clips.clone().any(|(_, about)| about.split.is_some());
    if split && counts.train.iter().sum::<usize>() == 0 {
        warnings.push(warn(
            "no training clips".into(),
            "set split to train for some clips in clips.csv",
        ));
    } else if split {
        let tested = counts.where_counts(|train, test| train == 0 && test > 0);
        if !tested.is_empty() {
            let names = class_list(&tested, classes);
            let what = format!("test clips but no training clips of class {names}");
            warnings.push(warn(
                what,
                "`sinew train` rejects such data: move some clips to split train, or remove the class",
            ));
        }
        if counts.test.iter().sum::<usize>() == 0 {
            warnings.push(warn(
                "no test clips".into(),
                "set split to test for some clips, or nothing can be evaluated",
            ));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_sizes() {
        assert_eq!(NtuSize::Sixty.clips(), 56_578);
        assert_eq!(NtuSize::OneTwenty.clips(), 113_945);
    }

    #[test]
    fn a_part_is_not_the_whole() {
        let about = |setup| About {
            setup: Some(setup),
            ..About::default()
        };
        let some = [about(1), about(2), about(18)];
        let lack = NtuSize::Sixty.shortfall(some.iter()).expect("incomplete");
        assert!(lack.starts_with("2 of the 56,578 clips"), "{lack}");
        assert!(
            lack.contains("56,880 files") && lack.ends_with("without clips: 3 to 17"),
            "{lack}"
        );
        let lack = NtuSize::OneTwenty
            .shortfall(some.iter())
            .expect("incomplete");
        assert!(lack.ends_with("without clips: 3 to 17, 19 to 32"), "{lack}");
        let all = vec![about(17); 56_578];
        assert_eq!(NtuSize::Sixty.shortfall(all.iter()), None);
    }

    #[test]
    fn one_warning_a_kind() {
        let in_class = |label, split: &str| (label, About::in_split(split));
        let says = |names: &[&str], clips: &[(usize, About)]| -> Vec<String> {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            let clips = clips.iter().map(|(label, about)| (*label, about));
            let found = set_warnings(Dataset::Clips, &names, clips, Path::new("set"));
            found.iter().map(ToString::to_string).collect()
        };
        let whole = [
            in_class(0, "train"),
            in_class(1, "train"),
            in_class(1, "test"),
        ];
        assert!(says(&["a", "b"], &whole).is_empty());
        type Case<'a> = (&'a [&'a str], &'a [(usize, About)], &'a str);
        let cases: [Case<'_>; 5] = [
            (&["a", "b", "c"], &whole, "no clip is of class 2 (\"c\")"),
            (&["a", "b"], &whole[1..], "of class 1 (\"b\")"),
            (&["a", "b"], &whole[..2], "no test clips"),
            (
                &["a", "b"],
                &[in_class(0, "train"), in_class(1, "test")],
                "no training clips of class 1",
            ),
            (
                &["a", "b"],
                &[in_class(0, "test"), in_class(1, "test")],
                "no training clips;",
            ),
        ];
        for (names, clips, expected) in cases {
            let said = says(names, clips);
            assert!(
                said.len() == 1 && said[0].contains(expected),
                "{expected}: {said:?}"
            );
        }
    }
}
