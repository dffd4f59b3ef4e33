//! Unicode composition of names. Most accented letters have two encodings, and operating systems disagree on which one they
//! use in file names; names are compared in composed form (NFC).

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// The composed form (NFC) of a text.
pub(super) fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// The composed form (NFC) of a path, with `/` as the separator.
pub(super) fn composed_path(path: &str) -> Cow<'_, str> {
    if path.contains('\\') {
        Cow::Owned(composed(&path.replace('\\', "/")).into_owned())
    } else {
        composed(path)
    }
}
