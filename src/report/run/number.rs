//! Formatting of numbers.

/// Shown in place of a missing number.
pub(super) const NONE: &str = "–";

/// A number with four significant digits, in scientific notation only if very small or large.
pub(super) fn short(x: f64) -> String {
    if !x.is_finite() {
        return "not finite".into();
    }
    if x == 0.0 {
        return "0".into();
    }
    let magnitude = x.abs().log10().floor() as i32;
    if !(-4..6).contains(&magnitude) {
        let text = format!("{x:.3e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", plain(digits));
    }
    let places = (3 - magnitude).max(0) as usize;
    plain(&format!("{x:.places$}")).into()
}

/// A fraction from 0 to 1 as a percentage with one decimal.
pub(super) fn percent(x: f64) -> String {
    if x.is_finite() {
        format!("{:.1}\u{a0}%", x * 100.0)
    } else {
        short(x)
    }
}

/// A number that may be missing.
pub(super) fn or_none(x: Option<f64>, show: fn(f64) -> String) -> String {
    x.map_or_else(|| NONE.into(), show)
}

/// A decimal without trailing zeros.
fn plain(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (x, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.002, "0.002"),
            (2.0794415, "2.079"),
            (0.000_031_25, "3.125e-5"),
            (0.00042, "0.00042"),
            (1234.56, "1235"),
            (120_000.0, "120000"),
            (2.5e9, "2.5e9"),
            (-0.5, "-0.5"),
            (f64::NAN, "not finite"),
            (f64::INFINITY, "not finite"),
        ] {
            assert_eq!(short(x), text);
        }
        assert_eq!(percent(0.909_09), "90.9\u{a0}%");
        assert_eq!(or_none(None, percent), NONE);
    }
}
