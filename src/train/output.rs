//! Where a command may write: over nothing that a run or prepared data need.

use super::folder::CHECKPOINTS;
use super::run::{Run, best};
use crate::error::{Error, Result};
use crate::files::{ANOTHER_NAME, OutputKind, check_kind, folder_of};
use crate::shards::MANIFEST;
use std::path::Path;

/// Refuses a file that a run needs, weights in a folder of prepared data, and what [`check_kind`] refuses.
///
/// # Errors
/// [`Error::Exists`] for a file that is not overwritten, [`Error::Usage`] for a name that does not fit the kind,
/// [`Error::Io`] for a file that cannot be read.
pub(crate) fn check_output(path: &Path, kind: OutputKind) -> Result<()> {
    let exists = path.is_file();
    // A file that does not exist yet may still be one that a run would take for its own.
    let known = if exists { path } else { folder_of(path) };
    if let Ok(known) = std::fs::canonicalize(known) {
        let whole = match path.file_name() {
            Some(name) if !exists => known.join(name),
            _ => known,
        };
        let needed = |run: &Path| whole == best(run) || whole.starts_with(run.join(CHECKPOINTS));
        if whole.ancestors().any(|run| needed(run) && Run::exists(run)) {
            let what = "a run needs this file; not overwritten";
            return Err(Error::exists(path, what, ANOTHER_NAME));
        }
        let in_data = whole
            .parent()
            .is_some_and(|folder| folder.join(MANIFEST).exists());
        if in_data && kind == OutputKind::Tensors {
            let what = "this folder holds prepared data; not written there";
            return Err(Error::exists(path, what, ANOTHER_NAME));
        }
    }
    check_kind(path, kind)
}
