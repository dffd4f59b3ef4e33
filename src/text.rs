//! Words for people.

use crate::limits::NAME_CHARACTERS;
use std::borrow::Cow;
use std::fmt::Display;

/// The start of a name that is too long for a table or a page: names come from files, and one may have any length.
pub fn shortened(name: &str) -> Cow<'_, str> {
    cut(name, NAME_CHARACTERS)
}

/// The first characters of a text that has more than `most`, the last of them an ellipsis.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.chars().nth(most).is_none() {
        return Cow::Borrowed(text);
    }
    let start = text.chars().take(most.saturating_sub(1));
    Cow::Owned(start.chain(['…']).collect())
}

/// Characters of a name that are compared with another one: the time grows with the product of both lengths.
const COMPARED: usize = 200;

/// Levenshtein's edit distance: how many characters to put in, take out or change. It finds what a mistyped name meant;
/// of long names the first 200 characters count.
pub fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(COMPARED).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(COMPARED).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// A number of things: `1 clip`, `24 clips`.
pub fn counted(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}

/// The first few items of a list for a message, and how many more there are. `before_rest` comes before `and 4 more`.
pub fn first_few<T: Display>(
    items: impl IntoIterator<Item = T>,
    most: usize,
    separator: &str,
    before_rest: &str,
) -> String {
    let mut items = items.into_iter();
    let first = items.by_ref().take(most).map(|item| item.to_string());
    let first = first.collect::<Vec<_>>().join(separator);
    match items.count() {
        0 => first,
        rest => format!("{first}{before_rest}and {rest} more"),
    }
}

/// Increasing numbers as ranges: `1 to 3, 7`.
pub fn ranges(numbers: &[usize]) -> String {
    let mut parts: Vec<[usize; 2]> = Vec::new();
    for &number in numbers {
        match parts.last_mut() {
            Some([_, last]) if *last + 1 == number => *last = number,
            _ => parts.push([number; 2]),
        }
    }
    let text = |[first, last]: &[usize; 2]| match first == last {
        true => first.to_string(),
        false => format!("{first} to {last}"),
    };
    parts.iter().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{cut, edit_distance, ranges};

    #[test]
    fn long_texts_are_cut() {
        for (text, short) in [("", ""), ("abc", "abc"), ("äöüß", "äö…")] {
            assert_eq!(cut(text, 3), short);
        }
    }

    #[test]
    fn neighbours_are_one_range() {
        assert_eq!(ranges(&[1, 2, 3, 5, 7, 8]), "1 to 3, 5, 7 to 8");
        assert_eq!(ranges(&[]), "");
    }

    #[test]
    fn edits_are_counted() {
        let cases = [
            ("", "", 0),
            ("ab", "", 2),
            ("", "ab", 2),
            ("kitten", "sitting", 3),
            ("ab", "ba", 2),
        ];
        for (a, b, edits) in cases {
            assert_eq!(edit_distance(a, b), edits, "{a} {b}");
        }
    }
}
