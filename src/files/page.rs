//! A checksum in a comment at the end of an HTML page.

use xxhash_rust::xxh3::xxh3_64;

const START: &str = "<!-- xxh3-64 of all before: ";
const END: &str = " -->\n";
const LENGTH: usize = START.len() + 16 + END.len();

/// Appends the checksum to a page.
#[must_use]
pub fn seal(page: &str) -> String {
    let sum = xxh3_64(page.as_bytes());
    format!("{page}{START}{sum:016x}{END}")
}

/// Whether the checksum of a page is right; `None` for a page without one.
#[must_use]
pub fn sealed(page: &[u8]) -> Option<bool> {
    let (text, comment) = page.split_at(page.len().saturating_sub(LENGTH));
    let sum = xxh3_64(text);
    if comment == format!("{START}{sum:016x}{END}").as_bytes() {
        return Some(true);
    }
    // A damaged comment counts as a wrong checksum; it is recognised by its remaining parts.
    let looks_like = [START, "xxh3", "all before", END].iter().any(|part| {
        comment
            .windows(part.len())
            .any(|window| window == part.as_bytes())
    });
    looks_like.then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_bit_is_noticed() {
        let page = seal("<!doctype html><p>text</p>\n");
        assert_eq!(sealed(page.as_bytes()), Some(true));
        assert_eq!(sealed(b"<!doctype html><p>text</p>\n"), None);
        for at in 0..page.len() {
            for bit in 0..8 {
                let mut bytes = page.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                assert_eq!(sealed(&bytes), Some(false), "byte {at}");
            }
        }
    }
}
