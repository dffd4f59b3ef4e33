//! `clips.csv`, as people, programs and spreadsheets write it.

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::error::{Error, Place, Result, Warning};
use crate::skeleton::About;
use crate::text::edit_distance;
use crate::text::{cut, shortened};

/// Characters of a list of columns that a message shows.
const LONG_LIST: usize = 200;

/// The columns that are read; the first three must be there.
const COLUMNS: [&str; 6] = ["file", "label", "split", "subject", "camera", "setup"];
const NEEDED: usize = 3;
/// What may stand between columns; the first is tried first.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];
/// Most bytes, rows and columns of a table that are read.
pub(super) const MOST_BYTES: usize = 64 << 20;
const MOST_ROWS: usize = 1_000_000;
const MOST_COLUMNS: usize = 1_000;

/// A row as it is written.
pub(super) struct Written {
    /// 1-based.
    pub line: usize,
    pub file: String,
    pub label: String,
    pub about: About,
}

/// The rows of a table, and what was said about it.
#[derive(Default)]
pub(super) struct Rows {
    pub rows: Vec<Written>,
    /// Rows that cannot be used.
    pub problems: Vec<Error>,
    pub warnings: Vec<Warning>,
}

/// Reads a table. Names of columns may have capitals, what stands between columns may be a comma, a semicolon or a tab;
/// empty rows and empty columns at the end mean nothing, and other columns are left out with a warning.
///
/// # Errors
/// A column that is missing, there twice or mistyped, rows that are no table, or too many. Faults of single rows are
/// gathered.
pub(super) fn read(text: &str, place: &Place) -> Result<Rows> {
    let separator = separator(text);
    let mut table = ReaderBuilder::new()
        .trim(Trim::All)
        .flexible(true)
        .delimiter(separator)
        .from_reader(text.as_bytes());
    let broken = |error: csv::Error| {
        let line = Lines::of(text).at(error.position());
        let what = format!("not a table: {}", error.to_string().replace('\n', " "));
        Error::input(place.clone().line(line), what, "correct it")
    };
    let header = table.headers().map_err(broken)?.clone();
    let columns = Columns::of(&header, place)?;
    let mut found = Rows::default();
    found.warnings.extend(columns.warning(place));
    let mut lines = Lines::of(text);
    for record in table.records() {
        let record = record.map_err(broken)?;
        let line = lines.at(record.position());
        if record.iter().all(str::is_empty) {
            continue;
        }
        if found.rows.len() + found.problems.len() >= MOST_ROWS {
            let what = format!("it has more than {MOST_ROWS} rows");
            let help = "prepare a part of the clips at a time";
            return Err(Error::input(place.clone().line(line), what, help));
        }
        match columns.row(&record, line) {
            Ok(row) => found.rows.push(row),
            Err((what, help)) => {
                let place = place.clone().line(line);
                found.problems.push(Error::input(place, what, help));
            }
        }
    }
    Ok(found)
}

/// What stands between columns: whatever gives the header the most known names.
fn separator(text: &str) -> u8 {
    let header = text.lines().find(|line| !line.trim().is_empty());
    let header = header.unwrap_or_default();
    let known = |separator: u8| {
        let cells = header.split(char::from(separator));
        let name = |cell: &str| cell.trim().trim_matches('"').trim().to_lowercase();
        let known = cells.filter(|cell| COLUMNS.contains(&name(cell).as_str()));
        known.count()
    };
    // The last of equal ones is the greatest.
    let best = SEPARATORS.into_iter().rev().max_by_key(|s| known(*s));
    best.unwrap_or(b',')
}

/// Where the columns are.
struct Columns {
    /// Index of each of [`COLUMNS`].
    at: [Option<usize>; COLUMNS.len()],
    /// Names that are none of them.
    others: Vec<String>,
    /// Up to the last one with a name.
    count: usize,
}

impl Columns {
    /// Finds them in the header.
    fn of(header: &StringRecord, place: &Place) -> Result<Self> {
        let fault = |what: String| {
            let help = format!("the columns are {}", COLUMNS.join(", "));
            Err(Error::input(place.clone().line(1), what, help))
        };
        if header.len() > MOST_COLUMNS {
            return fault(format!("it has {} columns", header.len()));
        }
        let names: Vec<String> = header.iter().map(str::to_lowercase).collect();
        let mut at = [None; COLUMNS.len()];
        for (column, known) in at.iter_mut().zip(COLUMNS) {
            let mut there = (0..names.len()).filter(|index| names[*index] == known);
            *column = there.next();
            if let Some(again) = there.next() {
                let (first, second) = (column.unwrap_or(0) + 1, again + 1);
                return fault(format!(
                    "the column {known:?} is there twice, as number {first} and {second}"
                ));
            }
        }
        let others = header.iter().zip(&names);
        let others =
            others.filter(|(_, name)| !name.is_empty() && !COLUMNS.contains(&name.as_str()));
        let others: Vec<_> = others.collect();
        let absent = COLUMNS.into_iter().zip(at).filter(|(_, at)| at.is_none());
        for (known, _) in absent.clone() {
            let like = |name: &str| {
                let sure = name.len() > 4 && name.chars().next() == known.chars().next();
                let alike = if sure { 2 } else { 1 };
                name.contains(known)
                    || (name.len() <= 2 * known.len() && edit_distance(name, known) <= alike)
            };
            if let Some((written, _)) = others.iter().find(|(_, name)| like(name)) {
                return fault(format!(
                    "the column {written:?} is unknown; the nearest is {known:?}"
                ));
            }
        }
        if let Some((missing, _)) = absent
            .clone()
            .find(|(known, _)| COLUMNS[..NEEDED].contains(known))
        {
            let there: Vec<&str> = header.iter().filter(|name| !name.is_empty()).collect();
            return fault(format!(
                "the column {missing:?} is missing from {:?}",
                cut(&there.join(", "), LONG_LIST)
            ));
        }
        Ok(Columns {
            at,
            others: others.iter().map(|(name, _)| name.to_string()).collect(),
            count: names
                .iter()
                .rposition(|name| !name.is_empty())
                .map_or(0, |last| last + 1),
        })
    }

    /// That columns were left out.
    fn warning(&self, place: &Place) -> Option<Warning> {
        let names = self.others.join(", ");
        let names = cut(&names, LONG_LIST);
        let what = match self.others.len() {
            0 => return None,
            1 => format!("the column {names} is not read"),
            _ => format!("the columns {names} are not read"),
        };
        let help = format!("sinew reads {}", COLUMNS.join(", "));
        Some(Warning::new(place.clone().line(1), what, help))
    }

    /// That a row has other cells than the header has columns.
    fn misfit(&self, row: &StringRecord) -> Option<String> {
        let (cells, wanted) = (row.len(), self.count);
        let beyond = row.iter().skip(wanted).any(|cell| !cell.is_empty());
        (cells < wanted || beyond)
            .then(|| format!("it has {cells} cells where the header has {wanted} columns"))
    }

    /// Takes a row; what is wrong with it, and what to do.
    fn row(
        &self,
        record: &StringRecord,
        line: usize,
    ) -> std::result::Result<Written, (String, &'static str)> {
        if let Some(what) = self.misfit(record) {
            let help = "fill in or leave out a cell, or put quotes around the one that contains a separator";
            return Err((what, help));
        }
        let cell = |column: usize| {
            self.at[column]
                .and_then(|at| record.get(at))
                .unwrap_or_default()
        };
        let filled = |column: usize| Some(cell(column)).filter(|text| !text.is_empty());
        let [file, label, split] = [0, 1, 2].map(cell);
        let number = |column: usize| match filled(column).map(str::parse::<u32>) {
            Some(Err(_)) => Err((
                format!("{:?} is not a number", shortened(cell(column))),
                "cameras and setups are whole numbers",
            )),
            Some(Ok(number)) => Ok(Some(number)),
            None => Ok(None),
        };
        let (camera, setup) = (number(4)?, number(5)?);
        if file.is_empty() || label.is_empty() {
            let help = "fill both in, or leave the row out";
            return Err(("it names no file or no label".into(), help));
        }
        if !matches!(split, "train" | "val" | "test") {
            let what = format!("the split {:?} is unknown", shortened(split));
            return Err((what, "it is train, val or test"));
        }
        let about = About {
            subject: filled(3).map(String::from),
            camera,
            setup,
            ..About::in_split(split)
        };
        Ok(Written {
            line,
            file: file.into(),
            label: label.into(),
            about,
        })
    }
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
