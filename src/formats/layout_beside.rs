//! The `layout.toml` in the folder of arrays that no `clips.csv` lists.

use std::collections::{BTreeSet, HashMap};

use super::archive::Archive;
use super::clips::{self, LAYOUT, MOST_LAYOUT};
use super::dataset::is_hidden;
use crate::error::{Error, Place, Result};
use crate::skeleton::Layout;

/// The layout from the `layout.toml` files in the folders of the arrays; `None` if there is no such file.
///
/// # Errors
/// If one cannot be read or is faulty, or two of them differ.
pub(super) fn layout_beside(archives: &[Archive]) -> Result<Option<Layout>> {
    let mut first: Option<(Layout, Place)> = None;
    for (text, place) in texts_beside(archives)? {
        let layout = Layout::from_toml(&text, &place)?;
        match &first {
            None => first = Some((layout, place)),
            Some((other, _)) if *other == layout => {}
            Some((_, other)) => {
                let what = format!("differs from {other}");
                let help = "score clips of one layout at a time";
                return Err(Error::input(place, what, help));
            }
        }
    }
    Ok(first.map(|(layout, _)| layout))
}

fn texts_beside(archives: &[Archive]) -> Result<Vec<(String, Place)>> {
    let mut texts = Vec::new();
    for archive in archives {
        let folder = |name: &str| name.rfind(['/', '\\']).map_or(0, |end| end + 1);
        let layouts = archive
            .names()
            .enumerate()
            .filter(|(_, name)| name[folder(name)..] == *LAYOUT && !is_hidden(name));
        let layouts: HashMap<&str, usize> = layouts
            .map(|(entry, name)| (&name[..folder(name)], entry))
            .collect();
        let arrays = clips::arrays(archive);
        let folders: BTreeSet<&str> = arrays.map(|(_, name)| &name[..folder(name)]).collect();
        for entry in folders.iter().filter_map(|folder| layouts.get(folder)) {
            let text = archive.reader().text(*entry, MOST_LAYOUT)?;
            texts.push((text, archive.place(*entry)));
        }
        // A single file that is not an archive.
        let path = archive.path();
        let single =
            path.is_file() && archive.names().next() == path.file_name().and_then(|n| n.to_str());
        let beside = path.with_file_name(LAYOUT);
        if single && beside.is_file() {
            let text = Archive::open(&beside)?.reader().text(0, MOST_LAYOUT)?;
            texts.push((text, Place::file(beside)));
        }
    }
    Ok(texts)
}
