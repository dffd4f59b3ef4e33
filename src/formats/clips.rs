//! Your own clips: `.npy` arrays, listed by `clips.csv`, their skeleton in `layout.toml`, and perhaps the order of
//! the classes in `classes.txt`.

use std::collections::HashMap;

use super::archive::Archive;
use super::dataset::{is_hidden, strip_extension};
use super::{MOST_BYTES, MOST_COORDINATE, MOST_TENSOR, Recording, npy};
use crate::error::{Error, Place, Result};
use crate::skeleton::{About, Clip, Layout};

/// The table of clips.
pub(super) const TABLE: &str = "clips.csv";
pub(super) const LAYOUT: &str = "layout.toml";
const CLASSES: &str = "classes.txt";
const COLUMNS: [&str; 6] = ["file", "label", "split", "subject", "camera", "setup"];

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
    let entries: HashMap<&str, usize> = names
        .iter()
        .enumerate()
        .map(|(index, name)| (*name, index))
        .collect();
    let is_table =
        |name: &&&str| name.rsplit('/').next() == Some(TABLE) && !name.starts_with("__MACOSX/");
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
    let text = |name: &str| -> Result<Option<(String, Place)>> {
        let Some(&entry) = entries.get(format!("{root}{name}").as_str()) else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        archive.reader().read(entry, MOST_BYTES, &mut bytes)?;
        let place = archive.place(entry);
        match String::from_utf8(bytes) {
            // Spreadsheets like to begin a file with a byte order mark.
            Ok(text) => Ok(Some((
                text.trim_start_matches('\u{feff}').to_string(),
                place,
            ))),
            Err(_) => Err(Error::input(
                place,
                "it is not UTF-8 text",
                "save it as UTF-8",
            )),
        }
    };
    let Some((layout, place)) = text(LAYOUT)? else {
        return Err(whole(
            format!("it has no {LAYOUT} beside {TABLE}"),
            "describe the joints and bones in it",
        ));
    };
    let layout = Layout::from_toml(&layout, &place)?;
    let named = match text(CLASSES)? {
        Some((text, place)) => Some(class_names(&text, &place)?),
        None => None,
    };
    let has_names = named.is_some();
    let Some((table, place)) = text(TABLE)? else {
        return Err(whole(format!("it has no {TABLE}"), "add it"));
    };
    let mut problems = Vec::new();
    let rows = rows(&table, &place, &mut problems)?;
    let classes = named.clone().unwrap_or_else(|| {
        let mut classes: Vec<String> = rows.iter().map(|row| row.label.clone()).collect();
        classes.sort();
        classes.dedup();
        classes
    });
    let index: HashMap<&str, usize> = classes
        .iter()
        .enumerate()
        .map(|(index, name)| (name.as_str(), index))
        .collect();
    let mut seen = HashMap::new();
    let mut found = Vec::new();
    for row in rows {
        let mut fault =
            |what, help| problems.push(Error::input(place.clone().line(row.line), what, help));
        let file = row.file.replace('\\', "/");
        let file = file.strip_prefix("./").unwrap_or(&file);
        let Some(&entry) = entries.get(format!("{root}{file}").as_str()) else {
            fault(
                format!("there is no file {file:?} beside {TABLE}"),
                "correct the row, or leave it out",
            );
            continue;
        };
        let Some(&label) = index.get(row.label.as_str()) else {
            fault(
                format!("the label {:?} is not in {CLASSES}", row.label),
                "add the class or correct the row",
            );
            continue;
        };
        if let Some(first) = seen.insert(entry, row.line) {
            fault(
                format!("{file:?} stands in line {first} already"),
                "leave one of the rows out",
            );
            continue;
        }
        let name = file.strip_suffix(".npy").unwrap_or(file).to_string();
        found.push(Row {
            name,
            label,
            about: row.about,
            entry,
        });
    }
    Ok(Set {
        tables: 2 + usize::from(has_names),
        layout,
        classes,
        rows: found,
        problems,
    })
}

/// The classes of `classes.txt`, one a line.
fn class_names(text: &str, place: &Place) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for (line, name) in text.lines().map(str::trim).enumerate() {
        if names.iter().any(|known| known == name) {
            let what = format!("the class {name:?} is named twice");
            let place = place.clone().line(line + 1);
            return Err(Error::input(place, what, "name each class once"));
        }
        if !name.is_empty() {
            names.push(name.into());
        }
    }
    Ok(names)
}

/// The arrays of a source without a table: the entry and the name of each.
pub(super) fn arrays(archive: &Archive) -> impl Iterator<Item = (usize, &str)> {
    let named = |(entry, name)| Some((entry, strip_extension(name, ".npy")?));
    let shown = |(_, name): &(usize, &str)| !is_hidden(name);
    archive.names().enumerate().filter(shown).filter_map(named)
}

/// A row as it is written.
struct Written {
    line: usize,
    file: String,
    label: String,
    about: About,
}

fn rows(text: &str, place: &Place, problems: &mut Vec<Error>) -> Result<Vec<Written>> {
    let mut table = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let broken = |error: csv::Error| {
        let line = Lines::of(text).at(error.position());
        Error::input(
            place.clone().line(line),
            format!("not a table: {}", error.to_string().replace('\n', " ")),
            "correct it",
        )
    };
    let header = table.headers().map_err(broken)?.clone();
    let head = |what: String| {
        Error::input(
            place.clone().line(1),
            what,
            format!("the columns are {}", COLUMNS.join(", ")),
        )
    };
    if let Some(unknown) = header.iter().find(|name| !COLUMNS.contains(name)) {
        return Err(head(format!("the column {unknown:?} is unknown")));
    }
    let column = |name: &str| header.iter().position(|column| column == name);
    let needed =
        |name: &str| column(name).ok_or_else(|| head(format!("the column {name:?} is missing")));
    let (file, label, split) = (needed("file")?, needed("label")?, needed("split")?);
    let (subject, camera, setup) = (column("subject"), column("camera"), column("setup"));
    let mut rows = Vec::new();
    let mut lines = Lines::of(text);
    for record in table.records() {
        let record = record.map_err(broken)?;
        let line = lines.at(record.position());
        let get = |at: usize| record.get(at).unwrap_or_default();
        let text = |at: Option<usize>| at.map(get).filter(|text| !text.is_empty());
        let mut fault = |what: String, help: &str| {
            problems.push(Error::input(place.clone().line(line), what, help))
        };
        let numbers = [camera, setup]
            .map(|at| text(at).map(|text| text.parse::<u32>().map_err(|_| text.to_string())));
        if let Some(Err(word)) = numbers.iter().flatten().find(|number| number.is_err()) {
            fault(
                format!("{word:?} is not a number"),
                "cameras and setups are whole numbers",
            );
            continue;
        }
        if get(file).is_empty() || get(label).is_empty() {
            fault(
                "it names no file or no label".into(),
                "fill both in, or leave the row out",
            );
            continue;
        }
        if !matches!(get(split), "train" | "val" | "test") {
            fault(
                format!("the split {:?} is unknown", get(split)),
                "it is train, val or test",
            );
            continue;
        }
        let [camera, setup] = numbers.map(|number| number.and_then(std::result::Result::ok));
        let about = About {
            subject: text(subject).map(String::from),
            camera,
            setup,
            split: Some(get(split).into()),
            ..About::default()
        };
        rows.push(Written {
            line,
            file: get(file).into(),
            label: get(label).into(),
            about,
        });
    }
    Ok(rows)
}

/// Counts lines on the way through a text: the reader of tables takes the second half of a Windows line end, and
/// blank lines, for the beginning of the record that follows.
struct Lines<'a> {
    text: &'a [u8],
    byte: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Lines {
            text: text.as_bytes(),
            byte: 0,
            line: 1,
        }
    }

    /// The 1-based line of a record; each lies behind the one before.
    fn at(&mut self, record: Option<&csv::Position>) -> usize {
        let start = record.map_or(0, |at| at.byte() as usize);
        while let Some(byte) = self.text.get(self.byte) {
            if self.byte >= start && !matches!(byte, b'\r' | b'\n') {
                break;
            }
            self.line += usize::from(*byte == b'\n');
            self.byte += 1;
        }
        self.line
    }
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

/// Takes an array [frames, joints, 2 or 3] or [people, frames, joints, 2 or 3], its shape and its numbers with the last
/// axis fastest, as a clip. Two coordinates get z = 0; a joint with a missing coordinate, which is NaN, is missing; people
/// who never appear are left out.
///
/// # Errors
/// [`Error::Input`] at `place`: another shape, other joints than the layout's, a coordinate beyond [`MOST_COORDINATE`],
/// nobody in any frame, or too large.
pub fn from_array(
    shape: &[usize],
    data: &[f32],
    name: &str,
    label: usize,
    about: About,
    layout: &Layout,
    place: &Place,
) -> Result<Recording> {
    let joints = layout.len();
    let fault = |what: String, help: &str| Err(Error::input(place.clone(), what, help));
    let (people, frames, dimensions) = match *shape {
        [frames, found, dimensions @ (2 | 3)] if found == joints => (1, frames, dimensions),
        [people, frames, found, dimensions @ (2 | 3)] if found == joints => {
            (people, frames, dimensions)
        }
        _ => {
            let name = &layout.name;
            let what = format!("its shape is {shape:?}, and the layout {name} has {joints} joints");
            let help = format!(
                "save it as [frames, {joints}, 2 or 3] or [people, frames, {joints}, 2 or 3]"
            );
            return fault(what, &help);
        }
    };
    if people == 0 || frames == 0 {
        return fault("it holds no frames".into(), "leave it out of the table");
    }
    if people.saturating_mul(frames).saturating_mul(joints * 12) > MOST_TENSOR {
        return fault(
            format!("{frames} frames are more than a clip may have"),
            "cut it into shorter clips",
        );
    }
    if data.len() != people * frames * joints * dimensions {
        let what = format!("its shape is {shape:?}, and it has {} numbers", data.len());
        return fault(what, "give as many numbers as the shape says");
    }
    // NaN is no fault: it says that the joint is missing.
    let far = |x: &f32| x.abs() > MOST_COORDINATE;
    if let Some(at) = data.iter().position(far) {
        let joint = at / dimensions;
        let what = format!(
            "a coordinate of joint {} in frame {} is {:e}, which is no position",
            joint % joints,
            joint / joints % frames,
            data[at]
        );
        let help = format!(
            "write NaN where a joint is missing, and choose a unit in which all stay below {MOST_COORDINATE:e}"
        );
        return fault(what, &help);
    }
    let mut ids = Vec::new();
    let mut kept = Vec::new();
    for (person, body) in data.chunks_exact(frames * joints * dimensions).enumerate() {
        let points = body.chunks_exact(dimensions).flat_map(|joint| match joint {
            [x, y] if !x.is_nan() && !y.is_nan() => [*x, *y, 0.0],
            [x, y, z] if !x.is_nan() && !y.is_nan() && !z.is_nan() => [*x, *y, *z],
            _ => [f32::NAN; 3],
        });
        let start = kept.len();
        kept.extend(points);
        if kept[start..].iter().all(|x: &f32| x.is_nan()) {
            kept.truncate(start);
        } else {
            ids.push(person.to_string());
        }
    }
    if ids.is_empty() {
        return fault(
            "nobody is in any of its frames".into(),
            "leave it out of the table",
        );
    }
    let clip = Clip {
        name: name.into(),
        label,
        bodies: ids.len(),
        frames,
        joints,
        data: kept,
    };
    Ok(Recording { clip, ids, about })
}
