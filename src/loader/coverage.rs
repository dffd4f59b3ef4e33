//! Checks whether a protocol's split can be trained on: classes without training clips, no training or test clips, an
//! incomplete dataset.

use super::{Protocol, Split};
use crate::error::{Error, Place, Result, Warning};
use crate::formats::coverage::{ClassCounts, NtuSize, class_list, is_published_ntu};
use crate::shards::Manifest;
use std::path::Path;

/// Refuses a division of prepared data, which lie in `folder`, that nothing can be learnt from: no training clips, all of
/// one class, a class with test clips and no training clips (unless the data are a part of NTU RGB+D). What makes the
/// result less than it seems comes back as warnings: classes without clips, no test clips, a part of NTU RGB+D.
///
/// # Errors
/// [`Error::Input`] at the folder, with the classes.
pub fn check_training(
    protocol: Protocol,
    manifest: &Manifest,
    split: &Split,
    folder: &Path,
) -> Result<Vec<Warning>> {
    let place = || Place::file(folder);
    let names = &manifest.classes;
    let label = |clip: &usize| manifest.clips.get(*clip).map(|clip| clip.label);
    let train = split.train.iter().filter_map(label);
    let held_out = split.validation.iter().filter_map(label);
    let test = split.test.iter().filter_map(label);
    if split.train.is_empty() {
        let what = format!("protocol {protocol} has no training clips here");
        return Err(Error::input(
            place(),
            what,
            "prepare data that include the training clips",
        ));
    }
    let counts = ClassCounts::of(names.len(), train.clone().chain(held_out), test);
    let trained = counts.where_counts(|train, _| train > 0);
    let fitted = ClassCounts::of(names.len(), train, std::iter::empty());
    let taught = fitted.where_counts(|train, _| train > 0);
    if let [_] = taught[..] {
        let class = class_list(&taught, names);
        let what = format!("all training clips of protocol {protocol} are of class {class}");
        let help = "add clips of another class: with one there is nothing to learn";
        return Err(Error::input(place(), what, help));
    }
    let untaught = counts.where_counts(|train, test| train == 0 && test > 0);
    let untaught = (!untaught.is_empty()).then(|| {
        let classes = class_list(&untaught, names);
        format!("test clips and no training clips of class {classes}")
    });
    let lack = protocol
        .ntu_size()
        .filter(|_| is_published_ntu(manifest.dataset, names))
        .and_then(|size| {
            let clips = manifest.clips.iter().map(|clip| &clip.about);
            let lack = size.shortfall(clips)?;
            Some(format!("is for {}, and the data hold {lack}", size.name()))
        });
    let mut warnings = Vec::new();
    let mut warn = |what: String, help: &str| warnings.push(Warning::new(place(), what, help));
    let part = lack.is_some();
    match (lack, untaught) {
        // Of a part of NTU RGB+D nobody expects every class.
        (Some(lack), untaught) => {
            let untaught = untaught.map_or(String::new(), |untaught| format!("; {untaught}"));
            let what = format!("protocol {protocol} {lack}{untaught}");
            warn(what, "the result is not comparable with published ones");
        }
        (None, Some(untaught)) => {
            let what = format!("protocol {protocol} has {untaught}");
            let help = "add training clips of it, or leave its test clips out";
            return Err(Error::input(place(), what, help));
        }
        (None, None) => {}
    }
    let empty = counts.where_counts(|train, test| train + test == 0);
    if !empty.is_empty() && !part {
        let what = format!(
            "protocol {protocol} has no clip of class {}",
            class_list(&empty, names)
        );
        warn(
            what,
            "the model can still predict it: leave the class out of the data",
        );
    }
    let unfitted: Vec<usize> = trained
        .into_iter()
        .filter(|class| fitted.train[*class] == 0)
        .collect();
    if !unfitted.is_empty() {
        let what = format!(
            "every clip of class {} is held out for validation",
            class_list(&unfitted, names)
        );
        warn(what, "choose a smaller train.validation, or another seed");
    }
    if split.test.is_empty() {
        let what = format!("protocol {protocol} has no test clips here");
        warn(what, "the run cannot be evaluated on these data");
    }
    Ok(warnings)
}

impl Protocol {
    /// The size of NTU RGB+D that the protocol divides; none for other data.
    fn ntu_size(self) -> Option<NtuSize> {
        match self {
            Protocol::Xsub | Protocol::Xview => Some(NtuSize::Sixty),
            Protocol::Xsub120 | Protocol::Xset120 => Some(NtuSize::OneTwenty),
            Protocol::Fold(_) | Protocol::Split => None,
        }
    }
}
