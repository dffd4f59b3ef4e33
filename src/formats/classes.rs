//! Class names: reading `classes.txt`, and the order of classes that only `clips.csv` names.

use std::collections::HashMap;

use super::spelling::composed;
use crate::error::{Error, Place, Result};
use crate::text::shortened;

/// The file with the class names, one per line.
pub(super) const CLASSES: &str = "classes.txt";
/// Limit on its size, in bytes.
pub(super) const MOST_BYTES: usize = 4 << 20;

/// Parses the names in `classes.txt`. Blank lines at the end are ignored; blank lines between names are ignored too unless
/// classes are `numbered` by their line.
///
/// # Errors
/// [`Error::Input`] for a file without names, and with the line for a duplicate name or a blank line between numbered names.
pub(super) fn names(text: &str, numbered: bool, place: &Place) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    let mut lines: HashMap<String, usize> = HashMap::new();
    for (index, name) in text.trim_end().lines().map(str::trim).enumerate() {
        let line = index + 1;
        let fault = |what: String, help| Err(Error::input(place.clone().line(line), what, help));
        if name.is_empty() {
            if numbered {
                return fault("empty line".into(), "write one class name per line");
            }
            continue;
        }
        if let Some(first) = lines.insert(composed(name).into_owned(), line) {
            let name = shortened(name);
            let what = format!("duplicate class {name:?}, first named in line {first}");
            return fault(what, "name each class once");
        }
        names.push(name.into());
    }
    if names.is_empty() {
        return Err(Error::input(
            place.clone(),
            "no class names",
            "write one class name per line, or remove the file",
        ));
    }
    Ok(names)
}

/// Sorts class names: numerically if all are integers, otherwise alphabetically.
pub(super) fn sort(names: &mut [String]) {
    if names.iter().all(|name| number(name).is_some()) {
        names.sort_by(|a, b| (number(a), a).cmp(&(number(b), b)));
    } else {
        names.sort();
    }
}

/// The value of a name that is an integer; integers of more than 38 digits count as names.
fn number(name: &str) -> Option<i128> {
    name.parse().ok()
}
