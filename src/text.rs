//! Helpers for text shown to people.

use crate::limits::NAME_CHARACTERS;
use std::borrow::Cow;
use std::fmt::Display;

/// A name, truncated to [`NAME_CHARACTERS`] for a table or page: names come from files and may have any length.
pub fn shortened(name: &str) -> Cow<'_, str> {
    truncated(name, NAME_CHARACTERS)
}

/// A text of at most `most` characters; a longer one ends in an ellipsis.
pub fn truncated(text: &str, most: usize) -> Cow<'_, str> {
    if text.chars().nth(most).is_none() {
        return Cow::Borrowed(text);
    }
    let start = text.chars().take(most.saturating_sub(1));
    Cow::Owned(start.chain(['…']).collect())
}

/// Limit on the characters of a name that [`edit_distance`] compares: the time grows with the product of both lengths.
const COMPARED: usize = 200;

/// Levenshtein distance between two names, for suggestions. Only the first 200 characters count.
pub fn edit_distance(a: &str, b: &str) -> usize {
    let start = |text: &str| -> String { text.chars().take(COMPARED).collect() };
    strsim::levenshtein(&start(a), &start(b))
}

/// A number with its noun in the right form: `1 clip`, `24 clips`, `3 classes`, `2 bodies`.
pub fn counted(number: usize, noun: &str) -> String {
    if number == 1 {
        return format!("1 {noun}");
    }
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o']) => format!("{number} {stem}ies"),
        _ if noun.ends_with('s') => format!("{number} {noun}es"),
        _ => format!("{number} {noun}s"),
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

/// A number with separators between the thousands: `56,880`.
pub fn thousands(number: usize) -> String {
    indicatif::HumanCount(number as u64).to_string()
}

/// Formats increasing numbers as ranges: `1 to 3, 7`.
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
    use super::{counted, edit_distance, ranges, thousands, truncated};

    #[test]
    fn long_texts_are_truncated() {
        for (text, short) in [("", ""), ("abc", "abc"), ("äöüß", "äö…")] {
            assert_eq!(truncated(text, 3), short);
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
        let [long, longer] = [200, 300].map(|length| "x".repeat(length));
        assert_eq!(edit_distance(&long, &longer), 0);
    }

    #[test]
    fn nouns_agree_with_numbers() {
        let cases = [
            (1, "class", "1 class"),
            (0, "clip", "0 clips"),
            (2, "class", "2 classes"),
            (2, "body", "2 bodies"),
            (1, "entry", "1 entry"),
            (3, "entry", "3 entries"),
            (2, "day", "2 days"),
        ];
        for (number, noun, text) in cases {
            assert_eq!(counted(number, noun), text);
        }
        assert_eq!(thousands(56_880), "56,880");
        assert_eq!(thousands(999), "999");
    }
}
