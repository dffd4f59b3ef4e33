//! The kinds of sources, told apart by their file names.

use std::str::FromStr;

use super::{clips, sbu};
use crate::error::{Error, Result};

/// The kinds of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dataset {
    /// NTU RGB+D: `.skeleton` text.
    Ntu,
    /// SBU Kinect Interaction.
    Sbu,
    /// Your own `.npy` arrays.
    Clips,
}

impl Dataset {
    /// Its name on the command line and in manifests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Dataset::Ntu => "ntu",
            Dataset::Sbu => "sbu",
            Dataset::Clips => "clips",
        }
    }
}

impl FromStr for Dataset {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        [Dataset::Ntu, Dataset::Sbu, Dataset::Clips]
            .into_iter()
            .find(|dataset| dataset.name() == name)
            .ok_or_else(|| {
                Error::setting(
                    format!("the dataset {name:?} is unknown"),
                    "choose ntu, sbu or clips",
                )
            })
    }
}

/// The kind of a source, by its file names.
pub(super) fn guess<'a>(names: impl Iterator<Item = &'a str>) -> Option<Dataset> {
    let mut found = None;
    for path in names.filter(|path| !is_hidden(path)) {
        let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
        if strip_extension(file, ".skeleton").is_some() {
            return Some(Dataset::Ntu);
        }
        if file == sbu::FILE {
            found = Some(Dataset::Sbu);
        } else if file == clips::TABLE {
            found = found.or(Some(Dataset::Clips));
        }
    }
    found
}

/// Files and folders that systems and editors leave about: `.DS_Store`, `__MACOSX/._x`, `.ipynb_checkpoints/x`.
pub(super) fn is_hidden(path: &str) -> bool {
    let hides =
        |part: &str| part == "__MACOSX" || (part.starts_with('.') && !matches!(part, "." | ".."));
    path.split(['/', '\\']).any(hides)
}

/// The name before an extension, whatever its case.
pub(super) fn strip_extension<'a>(file: &'a str, extension: &str) -> Option<&'a str> {
    let (stem, end) = file.split_at_checked(file.len().checked_sub(extension.len())?)?;
    end.eq_ignore_ascii_case(extension).then_some(stem)
}
