//! The kinds of sources, told apart by their file names.

use super::{clips, sbu};

pub use crate::settings::Dataset;

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
