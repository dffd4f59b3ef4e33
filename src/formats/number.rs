//! Numbers and words from bytes.

/// Powers of ten that f32 holds exactly.
const TENS: [f32; 11] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];

/// Reads a decimal number, correctly rounded; none where the word is no number. `NaN` and `inf` are read as such.
pub(super) fn float(word: &[u8]) -> Option<f32> {
    let (negative, digits) = match word {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut mantissa = 0u32;
    let mut decimals = None;
    let mut any = false;
    for &byte in digits {
        match byte {
            // Up to 2^24 and 10^10 are exact in f32, so one division rounds once: the right result.
            b'0'..=b'9' if mantissa < 1_600_000 => {
                mantissa = mantissa * 10 + u32::from(byte - b'0');
                decimals = decimals.map(|count: usize| count + 1);
                any = true;
            }
            b'.' if decimals.is_none() => decimals = Some(0),
            _ => return slow(word),
        }
    }
    let scale = TENS.get(decimals.unwrap_or(0)).filter(|_| any);
    let Some(scale) = scale else {
        return slow(word);
    };
    // The conversion is exact: the mantissa stays below 2^24.
    let value = mantissa as f32 / scale;
    Some(if negative { -value } else { value })
}

/// Longer mantissas, exponents and everything that is no number.
#[cold]
fn slow(word: &[u8]) -> Option<f32> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Reads a whole number of up to 64 bits.
pub(super) fn whole(word: &[u8]) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// A word of the input for an error message: its start, printable.
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
