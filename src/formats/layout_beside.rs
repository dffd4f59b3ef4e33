//! The layout that lies beside arrays which no table lists.

use super::archive::Archive;
use super::clips::LAYOUT;
use crate::error::{Error, Place, Result};
use crate::skeleton::Layout;

/// The largest layout that is read, in bytes: a thousand joints take about a tenth.
const MOST_LAYOUT: usize = 1 << 20;

/// The layout.toml in one of these folders or archives, or in the folder of one of these files; none where there is none.
///
/// # Errors
/// One that cannot be read, or with a fault in it.
pub(super) fn layout_beside(archives: &[Archive]) -> Result<Option<Layout>> {
    for archive in archives {
        if let Some((text, place)) = text_beside(archive)? {
            let text = String::from_utf8(text).map_err(|_| {
                Error::input(place.clone(), "it is not UTF-8 text", "save it as UTF-8")
            })?;
            return Layout::from_toml(text.trim_start_matches('\u{feff}'), &place).map(Some);
        }
    }
    Ok(None)
}

fn text_beside(archive: &Archive) -> Result<Option<(Vec<u8>, Place)>> {
    let is_layout = |name: &str| name == LAYOUT || name.ends_with(&format!("/{LAYOUT}"));
    let inside = archive.names().position(is_layout);
    let path = archive.path();
    if let Some(entry) = inside {
        let mut text = Vec::new();
        archive.reader().read(entry, MOST_LAYOUT, &mut text)?;
        return Ok(Some((text, archive.place(entry))));
    }
    // The only entry of a lone file has its name.
    let alone = archive.len() == 1 && path.is_file();
    let beside = path.with_file_name(LAYOUT);
    if !alone || !beside.is_file() {
        return Ok(None);
    }
    let folder = Archive::open(&beside)?;
    let mut text = Vec::new();
    folder.reader().read(0, MOST_LAYOUT, &mut text)?;
    Ok(Some((text, Place::file(beside))))
}
