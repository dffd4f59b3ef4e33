//! Parsing of numbers from bytes. Hand-written because it is the inner loop of preparation: short decimals, which nearly all
//! coordinates are, are converted eight digits at a time and without knowing where the number ends; everything else goes to
//! the standard library. A test compares both.

/// Powers of ten; f32 represents them exactly up to 10¹⁰.
const TENS: [f32; 9] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
const POWERS: [u64; 9] = [
    1,
    10,
    100,
    1000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
];

/// A text without the byte order mark that Windows editors add.
pub(super) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// Parses a decimal number, correctly rounded; also `NaN` and `inf`. `None` if the word is not a number.
pub(super) fn float(word: &[u8]) -> Option<f32> {
    match leading(word) {
        Some((value, length)) if length == word.len() => Some(value),
        _ => slow(word),
    }
}

/// Parses a short decimal number at the start of `bytes`, correctly rounded, and returns it with its length. `None` if there
/// is no number, or one that needs the general parser. What follows the number is ignored.
#[inline(always)]
pub(super) fn leading(bytes: &[u8]) -> Option<(f32, usize)> {
    let negative = bytes.first() == Some(&b'-');
    let start = usize::from(negative);
    let (mut at, mut mantissa) = (start, 0u64);
    while let Some(byte @ b'0'..=b'9') = bytes.get(at) {
        mantissa = mantissa * 10 + u64::from(byte - b'0');
        at += 1;
        if at > start + 8 {
            return None;
        }
    }
    let mut written = at - start;
    let mut decimals = 0;
    if bytes.get(at) == Some(&b'.') {
        let (count, fraction) = digits(&bytes[at + 1..]);
        mantissa = mantissa * POWERS[count] + fraction;
        at += 1 + count;
        (written, decimals) = (written + count, count);
    }
    // Mantissas up to 2²⁴ and powers up to 10⁸ are exact in f32, so the single division rounds correctly.
    if written == 0 || mantissa > 1 << 24 {
        return None;
    }
    let value = mantissa as i32 as f32 / TENS[decimals];
    let sign = u32::from(negative) << 31;
    Some((f32::from_bits(value.to_bits() | sign), at))
}

/// The decimal digits at the start of `bytes`, up to eight: their number and value. Computed without a loop, whose length
/// the processor could not predict.
#[inline]
fn digits(bytes: &[u8]) -> (usize, u64) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let block = bytes.first_chunk().copied().unwrap_or_else(|| {
        let mut block = [0; 8];
        block[..bytes.len()].copy_from_slice(bytes);
        block
    });
    // 0 to 9 in the bytes that are digits; the highest bit of `other` is set in those that are not.
    let digits = u64::from_le_bytes(block) ^ (EACH * u64::from(b'0'));
    let other = (((digits & (EACH * 0x7f)) + EACH * 118) | digits) & (EACH * 0x80);
    let count = other.trailing_zeros() / 8;
    // Pad with zeros in front of the digits, the first digit in the lowest byte.
    let digits = digits.checked_shl(64 - 8 * count).unwrap_or(0);
    // Combine neighbours pairwise: 10 a + b, then 100 a + b, then 10,000 a + b.
    let pairs = (digits.wrapping_mul(10 * 256 + 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100 * 65_536 + 1) >> 16) & 0x0000_ffff_0000_ffff;
    let eight = fours.wrapping_mul((10_000 << 32) + 1) >> 32;
    (count as usize, eight)
}

/// Longer mantissas, exponents, and everything that is not a number.
#[cold]
fn slow(word: &[u8]) -> Option<f32> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Parses an unsigned integer of up to 64 bits.
pub(super) fn whole(word: &[u8]) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// The start of a word of the input, quoted and escaped for an error message.
pub(super) fn shown(word: &[u8]) -> String {
    let text = String::from_utf8_lossy(&word[..word.len().min(24)])
        .escape_debug()
        .to_string();
    if word.len() > 24 {
        format!("\"{text}…\"")
    } else {
        format!("\"{text}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_those_of_the_standard_library() {
        let mut state = 1u64;
        for _ in 0..200_000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let digits = (state >> 60) as usize % 10;
            let number = (state >> 33) as f64 / 10f64.powi((state >> 13) as i32 % 14) - 40.0;
            let text = format!("{number:.digits$}");
            assert_eq!(float(text.as_bytes()), text.parse().ok(), "{text}");
        }
        for text in [
            "0",
            "-0",
            "1.",
            ".5",
            "16777217",
            "15999999",
            "1e-3",
            "-1.5E+2",
            "123456789012345678901",
            "+3",
        ] {
            assert_eq!(float(text.as_bytes()), text.parse().ok(), "{text}");
        }
        for text in [
            "", "-", ".", "-.", "1.2.3", "--1", "1,5", "0x10", "abc", "1 ",
        ] {
            assert_eq!(float(text.as_bytes()), None, "{text:?}");
        }
        assert!(float(b"NaN").is_some_and(f32::is_nan));
        assert_eq!(float(b"-inf"), Some(f32::NEG_INFINITY));
    }

    #[test]
    fn whole_numbers_keep_64_bits() {
        assert_eq!(whole(b"72057594037931101"), Some(72_057_594_037_931_101));
        assert_eq!(whole(b"18446744073709551615"), Some(u64::MAX));
        for text in ["18446744073709551616", "", "-1", "1.0", "a"] {
            assert_eq!(whole(text.as_bytes()), None, "{text:?}");
        }
    }
}
