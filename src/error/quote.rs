//! Input quoted in messages: one line, of limited length, without control characters.

use crate::text::truncated;

/// Characters of what a message quotes from its input, in which a name may have any length.
const QUOTED: usize = 2_000;

/// A text that may quote the input, as one line of limited length.
pub(super) fn quoted(text: &str) -> String {
    one_line(&truncated(text, QUOTED))
}

/// A text of one line that does nothing to a terminal: control characters are written as escapes.
pub(crate) fn one_line(text: &str) -> String {
    printable(text).replace('\n', "\\n")
}

/// A text that does nothing to a terminal but end lines: other control characters, as names of files and classes may hold
/// them, are written as escapes.
pub(crate) fn printable(text: &str) -> String {
    let acts = |c: char| c.is_control() && c != '\n';
    let escaped = |c: char| {
        let escape = acts(c).then(|| c.escape_default());
        let plain = (!acts(c)).then_some(c);
        escape.into_iter().flatten().chain(plain)
    };
    text.chars().flat_map(escaped).collect()
}
