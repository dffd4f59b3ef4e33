//! Parser of `clips.csv`, tolerant of the variants that spreadsheets and programs write.

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::error::{Error, Place, Result, Warning};
use crate::skeleton::About;
use crate::text::edit_distance;
use crate::text::{shortened, truncated};

/// Limit on the length of a list of columns in a message, in characters.
const LONG_LIST: usize = 200;

/// The columns that are read; the first three are required.
const COLUMNS: [&str; 6] = ["file", "label", "split", "subject", "camera", "setup"];
const NEEDED: usize = 3;
/// Supported column separators, in order of preference.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];
/// Limits on the bytes, rows and columns of a table.
pub(super) const MOST_BYTES: usize = 64 << 20;
const MOST_ROWS: usize = 1_000_000;
const MOST_COLUMNS: usize = 1_000;

/// A row of the table.
pub(super) struct TableRow {
    /// 1-based line number.
    pub line: usize,
    pub file: String,
    pub label: String,
    pub about: About,
}

/// All rows of a table, with the problems and warnings found.
#[derive(Default)]
pub(super) struct TableRows {
    pub rows: Vec<TableRow>,
    /// One error per row that cannot be used.
    pub problems: Vec<Error>,
    pub warnings: Vec<Warning>,
}

/// Parses a table. Column names are case-insensitive; the separator is a comma, a semicolon or a tab. Empty rows and empty
/// trailing columns are ignored, unknown columns are ignored with a warning.
///
/// # Errors
/// [`Error::Input`] for a missing, duplicate or misspelled column, text that is not a table, or too many rows or columns.
/// Errors of single rows are collected in [`TableRows::problems`].
pub(super) fn parse(text: &str, place: &Place) -> Result<TableRows> {
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
    let mut found = TableRows::default();
    found.warnings.extend(columns.warning(place));
    let mut lines = Lines::of(text);
    for record in table.records() {
        let record = record.map_err(broken)?;
        let line = lines.at(record.position());
        if record.iter().all(str::is_empty) {
            continue;
        }
        if found.rows.len() + found.problems.len() >= MOST_ROWS {
            let what = format!("more than {MOST_ROWS} rows");
            let help = "prepare the clips in several parts";
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

/// Detects the separator: the one that splits the header into the most known columns.
fn separator(text: &str) -> u8 {
    let header = text.lines().find(|line| !line.trim().is_empty());
    let header = header.unwrap_or_default();
    let known = |separator: u8| {
        let cells = header.split(char::from(separator));
        let name = |cell: &str| cell.trim().trim_matches('"').trim().to_lowercase();
        let known = cells.filter(|cell| COLUMNS.contains(&name(cell).as_str()));
        known.count()
    };
    // `max_by_key` returns the last of equal elements, so the order is reversed.
    let best = SEPARATORS.into_iter().rev().max_by_key(|s| known(*s));
    best.unwrap_or(b',')
}

/// The columns of a table.
struct Columns {
    /// Index of each of [`COLUMNS`].
    at: [Option<usize>; COLUMNS.len()],
    /// Names of unknown columns.
    others: Vec<String>,
    /// Number of columns up to the last one with a name.
    count: usize,
}

impl Columns {
    /// Finds the columns in the header.
    fn of(header: &StringRecord, place: &Place) -> Result<Self> {
        let fault = |what: String| {
            let help = format!("the columns are {}", COLUMNS.join(", "));
            Err(Error::input(place.clone().line(1), what, help))
        };
        if header.len() > MOST_COLUMNS {
            return fault(format!("{} columns are too many", header.len()));
        }
        let names: Vec<String> = header.iter().map(str::to_lowercase).collect();
        let mut at = [None; COLUMNS.len()];
        for (column, known) in at.iter_mut().zip(COLUMNS) {
            let mut there = (0..names.len()).filter(|index| names[*index] == known);
            *column = there.next();
            if let Some(again) = there.next() {
                let (first, second) = (column.unwrap_or(0) + 1, again + 1);
                return fault(format!(
                    "duplicate column {known:?}, number {first} and {second}"
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
                let written = shortened(written);
                return fault(format!(
                    "unknown column {written:?}; did you mean {known:?}?"
                ));
            }
        }
        if let Some((missing, _)) = absent
            .clone()
            .find(|(known, _)| COLUMNS[..NEEDED].contains(known))
        {
            let there: Vec<&str> = header.iter().filter(|name| !name.is_empty()).collect();
            return fault(format!(
                "the column {missing:?} is missing; the header is {:?}",
                truncated(&there.join(", "), LONG_LIST)
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

    /// The warning about unknown columns, if any.
    fn warning(&self, place: &Place) -> Option<Warning> {
        let names = self.others.join(", ");
        let names = truncated(&names, LONG_LIST);
        let what = match self.others.len() {
            0 => return None,
            1 => format!("ignored the column {names}"),
            _ => format!("ignored the columns {names}"),
        };
        let help = format!("sinew reads {}", COLUMNS.join(", "));
        Some(Warning::new(place.clone().line(1), what, help))
    }

    /// The problem of a row whose number of cells does not match the header, if any.
    fn cell_count_problem(&self, row: &StringRecord) -> Option<String> {
        let (cells, wanted) = (row.len(), self.count);
        let beyond = row.iter().skip(wanted).any(|cell| !cell.is_empty());
        (cells < wanted || beyond)
            .then(|| format!("{cells} cells, but the header has {wanted} columns"))
    }

    /// Parses a row. The error is what is wrong, and what to do.
    fn row(
        &self,
        record: &StringRecord,
        line: usize,
    ) -> std::result::Result<TableRow, (String, &'static str)> {
        if let Some(what) = self.cell_count_problem(record) {
            let help =
                "add or remove a cell, or put quotes around a cell that contains a separator";
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
                format!("{:?} is not an integer", shortened(cell(column))),
                "camera and setup are integers",
            )),
            Some(Ok(number)) => Ok(Some(number)),
            None => Ok(None),
        };
        let (camera, setup) = (number(4)?, number(5)?);
        if file.is_empty() || label.is_empty() {
            let help = "fill in both, or remove the row";
            return Err(("the file or the label is missing".into(), help));
        }
        if !matches!(split, "train" | "val" | "test") {
            let what = format!("unknown split {:?}", shortened(split));
            return Err((what, "use train, val or test"));
        }
        let about = About {
            subject: filled(3).map(String::from),
            camera,
            setup,
            ..About::in_split(split)
        };
        Ok(TableRow {
            line,
            file: file.into(),
            label: label.into(),
            about,
        })
    }
}

/// Computes line numbers. The csv crate counts the second half of a Windows line ending, and blank lines, as part of the
/// record that follows.
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

    /// The 1-based line of a record. Records must come in order.
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
