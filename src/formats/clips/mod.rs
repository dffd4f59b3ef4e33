//! The dataset type `clips`, for your own data: `.npy` arrays listed in `clips.csv`, their skeleton in `layout.toml`, and
//! optionally the order of the classes in `classes.txt`.

mod array;
mod table;

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

pub use array::from_array;
use table::{TableRow, TableRows};

use super::archive::Archive;
use super::classes::{self, CLASSES};
use super::dataset::{is_hidden, strip_extension};
use super::spelling::{composed, composed_path};
use super::{Recording, npy};
use crate::error::{Error, Place, Result, Warning};
use crate::skeleton::{About, Layout};
use crate::text::shortened;

/// The table of clips.
pub(super) const TABLE: &str = "clips.csv";
/// The skeleton of the clips.
pub(super) const LAYOUT: &str = "layout.toml";
/// Limit on the size of `layout.toml`, in bytes.
pub(super) const MOST_LAYOUT: usize = 1 << 20;

/// Whether a folder contains both `clips.csv` and `layout.toml`.
#[must_use]
pub fn is_own_clips(folder: &Path) -> bool {
    [TABLE, LAYOUT]
        .iter()
        .all(|name| folder.join(name).is_file())
}

/// A clip of the table whose file was found.
#[derive(Debug)]
pub(super) struct ListedClip {
    pub name: String,
    pub label: usize,
    pub about: About,
    /// Index of the file's entry.
    pub entry: usize,
}

/// Everything that `clips.csv`, `layout.toml` and `classes.txt` state.
#[derive(Debug)]
pub(super) struct ClipSet {
    pub layout: Layout,
    pub classes: Vec<String>,
    pub clips: Vec<ListedClip>,
    /// One error per row that cannot be used.
    pub problems: Vec<Error>,
    /// What looks wrong about the table but does not prevent its use.
    pub warnings: Vec<Warning>,
    /// Number of entries that are one of these three files.
    pub tables: usize,
}

/// Reads table, layout and classes of a source.
///
/// # Errors
/// [`Error::Input`] for no or several tables, missing columns, and a missing or faulty layout. Errors of single rows are
/// collected in [`ClipSet::problems`].
pub(super) fn open(archive: &Archive) -> Result<ClipSet> {
    let whole = |what: String, help: &str| Error::input(Place::file(archive.path()), what, help);
    let names: Vec<&str> = archive.names().collect();
    let is_table = |name: &&&str| name.rsplit('/').next() == Some(TABLE) && !is_hidden(name);
    let mut tables = names.iter().filter(is_table);
    let Some(table) = tables.next() else {
        return Err(whole(
            format!("no {TABLE}"),
            "add one that lists the clips: file, label, split",
        ));
    };
    if let Some(second) = tables.next() {
        return Err(whole(
            format!("two tables, {table} and {second}"),
            "prepare one dataset at a time",
        ));
    }
    let root = &table[..table.len() - TABLE.len()];
    let files = Files::of(archive, &names, root);
    let text = |name: &str, most: usize| -> Result<Option<(String, Place)>> {
        let Ok(entry) = files.find(name) else {
            return Ok(None);
        };
        let text = archive.reader().text(entry, most)?;
        Ok(Some((text, archive.place(entry))))
    };
    let Some((layout, place)) = text(LAYOUT, MOST_LAYOUT)? else {
        return Err(whole(
            format!("no {LAYOUT} next to {TABLE}"),
            "add one that describes the joints and bones, or names a layout from `sinew layouts`: layout = \"kinect20\"",
        ));
    };
    let layout = Layout::from_toml(&layout, &place)?;
    let named = match text(CLASSES, classes::MOST_BYTES)? {
        Some((text, place)) => Some(classes::names(&text, false, &place)?),
        None => None,
    };
    let Some((table, place)) = text(TABLE, table::MOST_BYTES)? else {
        return Err(whole(format!("no {TABLE}"), "add it"));
    };
    let TableRows {
        mut rows,
        problems,
        warnings,
    } = table::parse(&table, &place)?;
    unify_spelling(&mut rows);
    let mut set = ClipSet {
        tables: 2 + usize::from(named.is_some()),
        layout,
        classes: named.unwrap_or_else(|| labels(&rows)),
        clips: Vec::with_capacity(rows.len()),
        problems,
        warnings,
    };
    let classes: HashMap<Cow<'_, str>, usize> = set
        .classes
        .iter()
        .enumerate()
        .map(|(index, name)| (composed(name), index))
        .collect();
    let mut seen = HashMap::new();
    for row in rows {
        let place = place.clone().line(row.line);
        match resolve(row, &files, &classes, &mut seen) {
            Ok(clip) => set.clips.push(clip),
            Err((what, help)) => set.problems.push(Error::input(place, what, help)),
        }
    }
    Ok(set)
}

/// Finds the file and the class that a row names. The error is what is wrong, and what to do.
fn resolve(
    row: TableRow,
    files: &Files<'_>,
    classes: &HashMap<Cow<'_, str>, usize>,
    seen: &mut HashMap<usize, usize>,
) -> std::result::Result<ListedClip, (String, &'static str)> {
    let file = row.file.replace('\\', "/");
    let file = file.strip_prefix("./").unwrap_or(&file);
    let entry = files.find(file)?;
    let Some(&label) = classes.get(&composed(&row.label)) else {
        let what = format!("the label {:?} is not in {CLASSES}", shortened(&row.label));
        return Err((what, "add the class, or correct the row"));
    };
    if let Some(first) = seen.insert(entry, row.line) {
        let what = format!("{file:?} is already listed in line {first}");
        return Err((what, "remove one of the two rows"));
    }
    Ok(ListedClip {
        name: file.strip_suffix(".npy").unwrap_or(file).to_string(),
        label,
        about: row.about,
        entry,
    })
}

/// Replaces labels and subjects that differ only in Unicode composition by the first spelling.
fn unify_spelling(rows: &mut [TableRow]) {
    let mut first: HashMap<String, String> = HashMap::new();
    let texts = rows
        .iter_mut()
        .flat_map(|row| [Some(&mut row.label), row.about.subject.as_mut()]);
    for text in texts.flatten().filter(|text| !text.is_ascii()) {
        let known = first.entry(composed(text).into_owned());
        text.clone_from(known.or_insert_with(|| text.clone()));
    }
}

/// The distinct labels of a table, sorted as [`classes::sort`] does.
fn labels(rows: &[TableRow]) -> Vec<String> {
    let mut labels: Vec<String> = rows.iter().map(|row| row.label.clone()).collect();
    classes::sort(&mut labels);
    labels.dedup();
    labels
}

/// The files of a source, by their paths in composed Unicode form.
struct Files<'a> {
    archive: &'a Archive,
    /// The folder of the table, with a trailing `/`.
    root: &'a str,
    entries: HashMap<Cow<'a, str>, usize>,
    /// Entries that share their path with another one.
    twice: HashMap<Cow<'a, str>, usize>,
}

impl<'a> Files<'a> {
    fn of(archive: &'a Archive, names: &[&'a str], root: &'a str) -> Self {
        let mut entries = HashMap::with_capacity(names.len());
        let mut twice = HashMap::new();
        for (entry, name) in names.iter().enumerate() {
            if let Some(before) = entries.insert(composed_path(name), entry) {
                twice.insert(composed_path(name), before);
            }
        }
        Files {
            archive,
            root,
            entries,
            twice,
        }
    }

    /// The entry of a path relative to the table. The error is what is wrong, and what to do.
    fn find(&self, file: &str) -> std::result::Result<usize, (String, &'static str)> {
        let path = format!("{}{file}", self.root);
        let spelled = composed_path(&path);
        let Some(&entry) = self.entries.get(&spelled) else {
            let shown = shortened(file);
            let what = match self.archive.unread_above(&path) {
                Some(why) => format!("no file {shown:?} next to {TABLE}: {why}"),
                None => format!("no file {shown:?} next to {TABLE}"),
            };
            return Err((what, "correct the row, or remove it"));
        };
        if self.twice.contains_key(&spelled) {
            let what = format!(
                "two files are named {:?}, in different Unicode compositions",
                shortened(file)
            );
            return Err((what, "rename one of them"));
        }
        Ok(entry)
    }
}

/// The arrays in a source without a table: entry index and clip name.
pub(super) fn arrays(archive: &Archive) -> impl Iterator<Item = (usize, &str)> {
    let named = |(entry, name)| Some((entry, strip_extension(name, ".npy")?));
    let shown = |(_, name): &(usize, &str)| !is_hidden(name);
    archive.names().enumerate().filter(shown).filter_map(named)
}

/// Converts the contents of a `.npy` file to a clip.
///
/// # Errors
/// [`Error::Input`] at `place` for a file that is not a `.npy` array of numbers; otherwise as [`from_array`].
pub(super) fn parse(
    bytes: &[u8],
    name: &str,
    label: usize,
    about: About,
    layout: &Layout,
    place: &Place,
) -> Result<Recording> {
    let npy::Array { shape, data } =
        npy::parse(bytes).map_err(|(what, help)| Error::input(place.clone(), what, help))?;
    from_array(&shape, &data, name, label, about, layout, place)
}
