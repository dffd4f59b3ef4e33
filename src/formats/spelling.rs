//! Names: ones that look the same are the same. Unicode has two spellings of most letters with accents, and systems disagree on
//! which of them a file's name gets.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// A text with composed characters (NFC), by which two spellings are compared.
pub(super) fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// A path with composed characters and `/` between folders, by which two spellings are compared.
pub(super) fn composed_path(path: &str) -> Cow<'_, str> {
    if path.contains('\\') {
        Cow::Owned(composed(&path.replace('\\', "/")).into_owned())
    } else {
        composed(path)
    }
}
