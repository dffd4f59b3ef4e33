//! Your own clips: `.npy` arrays, listed by `clips.csv`, their skeleton in `layout.toml`, and perhaps the order of
//! the classes in `classes.txt`.

mod array;
mod table;

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

pub use array::from_array;
use table::{Rows, Written};

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
/// Most bytes of a layout that are read.
pub(super) const MOST_LAYOUT: usize = 1 << 20;

/// True for a folder of own clips, whatever else lies in it.
#[must_use]
pub fn is_own_clips(folder: &Path) -> bool {
    [TABLE, LAYOUT]
        .iter()
        .all(|name| folder.join(name).is_file())
}

/// One row of the table.
#[derive(Debug)]
pub(super) struct Row {
    pub name: String,
    pub label: usize,
    pub about: About,
    /// Index of the file's entry.
    pub entry: usize,
}

/// A set of clips: what stands beside the arrays.
#[derive(Debug)]
pub(super) struct Set {
    pub layout: Layout,
    pub classes: Vec<String>,
    pub rows: Vec<Row>,
    /// Rows that cannot be used.
    pub problems: Vec<Error>,
    /// What looks wrong about the table and stops nothing.
    pub warnings: Vec<Warning>,
    /// Entries that say what the arrays are.
    pub tables: usize,
}

/// Reads table, layout and classes of a source.
///
/// # Errors
/// No or several tables, no layout, a table without the columns, or a fault in the layout; faults of single rows are
/// gathered in the set.
pub(super) fn open(archive: &Archive) -> Result<Set> {
    let whole = |what: String, help: &str| Error::input(Place::file(archive.path()), what, help);
    let names: Vec<&str> = archive.names().collect();
    let is_table = |name: &&&str| name.rsplit('/').next() == Some(TABLE) && !is_hidden(name);
    let mut tables = names.iter().filter(is_table);
    let Some(table) = tables.next() else {
        return Err(whole(
            format!("it has no {TABLE}"),
            "list the clips in it: file, label, split",
        ));
    };
    if let Some(second) = tables.next() {
        return Err(whole(
            format!("it has two tables, {table} and {second}"),
            "prepare one set at a time",
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
            format!("it has no {LAYOUT} beside {TABLE}"),
            "describe the joints and bones in it, or name one that `sinew layouts` lists: layout = \"kinect20\"",
        ));
    };
    let layout = Layout::from_toml(&layout, &place)?;
    let named = match text(CLASSES, classes::MOST_BYTES)? {
        Some((text, place)) => Some(classes::names(&text, false, &place)?),
        None => None,
    };
    let Some((table, place)) = text(TABLE, table::MOST_BYTES)? else {
        return Err(whole(format!("it has no {TABLE}"), "add it"));
    };
    let Rows {
        mut rows,
        problems,
        warnings,
    } = table::read(&table, &place)?;
    one_spelling(&mut rows);
    let mut set = Set {
        tables: 2 + usize::from(named.is_some()),
        layout,
        classes: named.unwrap_or_else(|| labels(&rows)),
        rows: Vec::with_capacity(rows.len()),
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
        match take(row, &files, &classes, &mut seen) {
            Ok(row) => set.rows.push(row),
            Err((what, help)) => set.problems.push(Error::input(place, what, help)),
        }
    }
    Ok(set)
}

/// Finds what a row names; what is wrong with it, and what to do.
fn take(
    row: Written,
    files: &Files<'_>,
    classes: &HashMap<Cow<'_, str>, usize>,
    seen: &mut HashMap<usize, usize>,
) -> std::result::Result<Row, (String, &'static str)> {
    let file = row.file.replace('\\', "/");
    let file = file.strip_prefix("./").unwrap_or(&file);
    let entry = files.find(file)?;
    let Some(&label) = classes.get(&composed(&row.label)) else {
        let what = format!("the label {:?} is not in {CLASSES}", shortened(&row.label));
        return Err((what, "add the class or correct the row"));
    };
    if let Some(first) = seen.insert(entry, row.line) {
        let what = format!("{file:?} is already listed in line {first}");
        return Err((what, "leave one of the rows out"));
    }
    Ok(Row {
        name: file.strip_suffix(".npy").unwrap_or(file).to_string(),
        label,
        about: row.about,
        entry,
    })
}

/// Gives labels and subjects that differ in their spelling alone, composed or not, that of the first.
fn one_spelling(rows: &mut [Written]) {
    let mut first: HashMap<String, String> = HashMap::new();
    let texts = rows
        .iter_mut()
        .flat_map(|row| [Some(&mut row.label), row.about.subject.as_mut()]);
    for text in texts.flatten().filter(|text| !text.is_ascii()) {
        let known = first.entry(composed(text).into_owned());
        text.clone_from(known.or_insert_with(|| text.clone()));
    }
}

/// The classes of a table, each once, in order.
fn labels(rows: &[Written]) -> Vec<String> {
    let mut labels: Vec<String> = rows.iter().map(|row| row.label.clone()).collect();
    classes::sort(&mut labels);
    labels.dedup();
    labels
}

/// The files of a source by how their paths are spelled once composed.
struct Files<'a> {
    archive: &'a Archive,
    /// The folder of the table, with its `/`.
    root: &'a str,
    entries: HashMap<Cow<'a, str>, usize>,
    /// Entries whose path another one has too.
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

    /// The entry of a path beside the table; why there is none, and what to do.
    fn find(&self, file: &str) -> std::result::Result<usize, (String, &'static str)> {
        let path = format!("{}{file}", self.root);
        let spelled = composed_path(&path);
        let Some(&entry) = self.entries.get(&spelled) else {
            let shown = shortened(file);
            let what = match self.archive.unread_above(&path) {
                Some(why) => format!("there is no file {shown:?} beside {TABLE}: {why}"),
                None => format!("there is no file {shown:?} beside {TABLE}"),
            };
            return Err((what, "correct the row, or leave it out"));
        };
        if self.twice.contains_key(&spelled) {
            let what = format!(
                "{:?} is the name of two files, whose characters are spelled in different ways",
                shortened(file)
            );
            return Err((what, "rename one of them"));
        }
        Ok(entry)
    }
}

/// The arrays of a source without a table: the entry and the name of each.
pub(super) fn arrays(archive: &Archive) -> impl Iterator<Item = (usize, &str)> {
    let named = |(entry, name)| Some((entry, strip_extension(name, ".npy")?));
    let shown = |(_, name): &(usize, &str)| !is_hidden(name);
    archive.names().enumerate().filter(shown).filter_map(named)
}

/// Reads an array in `.npy` as [`from_array`] takes it.
///
/// # Errors
/// Not such an array; as [`from_array`].
pub(super) fn parse(
    bytes: &[u8],
    name: &str,
    label: usize,
    about: About,
    layout: &Layout,
    place: &Place,
) -> Result<Recording> {
    let npy::Array { shape, data } =
        npy::read(bytes).map_err(|(what, help)| Error::input(place.clone(), what, help))?;
    from_array(&shape, &data, name, label, about, layout, place)
}
