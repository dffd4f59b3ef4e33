//! NumPy's `.npy`: little- or big-endian float32 or float64 arrays in C order. A reader of our own, since the header
//! is a Python literal and only this one dictionary is wanted of it, from files that nobody vouches for.

/// An array of numbers.
#[derive(Debug, PartialEq)]
pub(super) struct Array {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Numbers, the last axis fastest.
    pub data: Vec<f32>,
}

/// Reads an array. The error says what is wrong and what to do.
pub(super) fn read(bytes: &[u8]) -> Result<Array, (String, &'static str)> {
    let not_one = |why: &str| {
        (
            format!("not a .npy array: {why}"),
            "save it again with numpy.save",
        )
    };
    let rest = bytes
        .strip_prefix(b"\x93NUMPY")
        .ok_or_else(|| not_one("it does not begin as one"))?;
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return Err(not_one("its version is unknown")),
    };
    let (header, body) = rest
        .split_at_checked(length)
        .ok_or_else(|| not_one("its header is cut short"))?;
    let header = std::str::from_utf8(header).map_err(|_| not_one("its header is no text"))?;
    let descr = value(header, "descr").and_then(quoted).ok_or_else(|| {
        (
            "it holds records or objects, not plain numbers".to_string(),
            "save it as a float32 array",
        )
    })?;
    let order = value(header, "fortran_order")
        .ok_or_else(|| not_one("its header does not name the order"))?;
    if order.starts_with("True") {
        let help = "save numpy.ascontiguousarray of it";
        return Err(("it is in Fortran order; C order is wanted".into(), help));
    }
    let shape = value(header, "shape")
        .and_then(tuple)
        .ok_or_else(|| not_one("its header names no shape"))?;
    let (size, number): (usize, fn(&[u8]) -> f32) = match descr {
        "<f4" => (4, |b| b.try_into().map_or(f32::NAN, f32::from_le_bytes)),
        ">f4" => (4, |b| b.try_into().map_or(f32::NAN, f32::from_be_bytes)),
        "<f8" => (8, |b| {
            b.try_into()
                .map_or(f32::NAN, |b| f64::from_le_bytes(b) as f32)
        }),
        ">f8" => (8, |b| {
            b.try_into()
                .map_or(f32::NAN, |b| f64::from_be_bytes(b) as f32)
        }),
        other => {
            let what = format!("it holds {other:?}; float32 or float64 is wanted");
            return Err((what, "save it with .astype(numpy.float32)"));
        }
    };
    let wanted = shape
        .iter()
        .try_fold(size, |product, length| product.checked_mul(*length));
    if wanted != Some(body.len()) {
        let what = format!(
            "it holds {} bytes of numbers, which are not {shape:?} of {descr}",
            body.len()
        );
        return Err((what, "it may be cut short: copy or save it again"));
    }
    Ok(Array {
        shape,
        data: body.chunks_exact(size).map(number).collect(),
    })
}

/// What follows a key of the header's dictionary.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let after = [format!("'{key}'"), format!("\"{key}\"")]
        .iter()
        .find_map(|key| header.split_once(key.as_str()))?
        .1;
    Some(after.trim_start().strip_prefix(':')?.trim_start())
}

/// A quoted word at the start of a text.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    Some(text[1..].split_once(quote)?.0)
}

/// A tuple of numbers at the start of a text.
fn tuple(text: &str) -> Option<Vec<usize>> {
    let inside = text.strip_prefix('(')?.split_once(')')?.0;
    inside
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().ok())
        .collect()
}
