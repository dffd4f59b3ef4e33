//! Class names: `classes.txt`, and the order of classes that are named nowhere but in a table.

use std::collections::HashMap;

use super::spelling::composed;
use crate::error::{Error, Place, Result};
use crate::text::shortened;

/// The file that names classes, one a line.
pub(super) const CLASSES: &str = "classes.txt";
/// Most bytes of it that are read.
pub(super) const MOST_BYTES: usize = 4 << 20;

/// Reads the names of `classes.txt`. Blank lines at the end mean nothing; those between names are passed over unless
/// classes are `numbered` by their line.
///
/// # Errors
/// No names, one named twice, or a blank line between numbered names: with the line.
pub(super) fn names(text: &str, numbered: bool, place: &Place) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    let mut lines: HashMap<String, usize> = HashMap::new();
    for (index, name) in text.trim_end().lines().map(str::trim).enumerate() {
        let line = index + 1;
        let fault = |what: String, help| Err(Error::input(place.clone().line(line), what, help));
        if name.is_empty() {
            if numbered {
                return fault("it is empty".into(), "name one class a line");
            }
            continue;
        }
        if let Some(first) = lines.insert(composed(name).into_owned(), line) {
            let name = shortened(name);
            let what = format!("the class {name:?} is named twice, first in line {first}");
            return fault(what, "name each class once");
        }
        names.push(name.into());
    }
    if names.is_empty() {
        return Err(Error::input(
            place.clone(),
            "it names no class",
            "name one class a line, or remove it",
        ));
    }
    Ok(names)
}

/// Sorts class names: by number where all are whole numbers, by letter otherwise.
pub(super) fn sort(names: &mut [String]) {
    if names.iter().all(|name| number(name).is_some()) {
        names.sort_by(|a, b| (number(a), a).cmp(&(number(b), b)));
    } else {
        names.sort();
    }
}

/// The whole number that a name is. One of more than 38 digits is a name.
fn number(name: &str) -> Option<i128> {
    name.parse().ok()
}
