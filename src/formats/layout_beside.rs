//! The layout that lies beside arrays which no table lists.

use super::archive::Archive;
use super::clips::{LAYOUT, MOST_LAYOUT};
use crate::error::{Place, Result};
use crate::skeleton::Layout;

/// The layout.toml in one of these folders or archives, or in the folder of one of these files; none where there is none.
///
/// # Errors
/// One that cannot be read, or with a fault in it.
pub(super) fn layout_beside(archives: &[Archive]) -> Result<Option<Layout>> {
    for archive in archives {
        if let Some((text, place)) = text_beside(archive)? {
            return Layout::from_toml(&text, &place).map(Some);
        }
    }
    Ok(None)
}

fn text_beside(archive: &Archive) -> Result<Option<(String, Place)>> {
    let is_layout = |name: &str| name.rsplit('/').next() == Some(LAYOUT);
    if let Some(entry) = archive.names().position(is_layout) {
        let text = archive.reader().text(entry, MOST_LAYOUT)?;
        return Ok(Some((text, archive.place(entry))));
    }
    let path = archive.path();
    let beside = path.with_file_name(LAYOUT);
    if !path.is_file() || !beside.is_file() {
        return Ok(None);
    }
    let text = Archive::open(&beside)?.reader().text(0, MOST_LAYOUT)?;
    Ok(Some((text, Place::file(beside))))
}
