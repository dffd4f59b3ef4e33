//! Parser of NumPy's `.npy` format: arrays of floating-point numbers or integers, converted to f32.
//!
//! Hand-written, since the files are untrusted: npyz 0.9 allocates whatever header length a file declares, up to 4 GiB, ignores
//! extra bytes after the data, and reports all problems as text in an I/O error. Conversion to f32 and reordering from Fortran
//! order would be needed in any case.

use half::f16;

use super::MOST_TENSOR;

/// Limit on the length of a header, in bytes, as in NumPy.
const MOST_HEADER: usize = 10_000;
/// Limit on the number of axes; clips have at most four.
const MOST_AXES: usize = 8;

/// An array of numbers.
#[derive(Debug, PartialEq)]
pub(super) struct Array {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub data: Vec<f32>,
}

/// Parses a `.npy` file. The error is what is wrong, and what to do.
pub(super) fn parse(bytes: &[u8]) -> Result<Array, (String, &'static str)> {
    let not_one = |why: &str| {
        (
            format!("not a .npy array: {why}"),
            "save it again with numpy.save",
        )
    };
    let rest = bytes
        .strip_prefix(b"\x93NUMPY")
        .ok_or_else(|| not_one("wrong signature"))?;
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return Err(not_one("unknown version")),
    };
    if length > MOST_HEADER {
        return Err(not_one("the header is too long"));
    }
    let (header, body) = rest
        .split_at_checked(length)
        .ok_or_else(|| not_one("the header is truncated"))?;
    let header = std::str::from_utf8(header).map_err(|_| not_one("the header is not text"))?;
    let descr = value(header, "descr").and_then(quoted).ok_or_else(|| {
        (
            "contains records or objects instead of numbers".to_string(),
            "save it as a float32 array",
        )
    })?;
    let order =
        value(header, "fortran_order").ok_or_else(|| not_one("the header has no fortran_order"))?;
    let columns_first = order.starts_with("True");
    let shape = value(header, "shape")
        .and_then(tuple)
        .ok_or_else(|| not_one("the header has no shape"))?;
    let Some((size, numbers)) = kind(descr) else {
        let what = format!("unsupported dtype {descr:?}");
        return Err((what, "save it with .astype(numpy.float32)"));
    };
    if shape.len() > MOST_AXES {
        let what = format!("{} axes are too many", shape.len());
        return Err((what, "save it as [people, frames, joints, 2 or 3]"));
    }
    let wanted = shape
        .iter()
        .try_fold(size, |product, length| product.checked_mul(*length));
    if wanted != Some(body.len()) {
        let what = format!(
            "{} bytes of data do not match the shape {shape:?} and dtype {descr}",
            body.len()
        );
        return Err((what, "it may be truncated: copy or save it again"));
    }
    // Checked before the conversion, in which a byte may become four.
    if body.len() / size > MOST_TENSOR / 4 {
        let what = format!("the shape {shape:?} is too large for one clip");
        return Err((what, "split it into shorter clips"));
    }
    let mut data = numbers(body);
    if columns_first && !data.is_empty() {
        data = rows_first(&shape, &data);
    }
    Ok(Array { shape, data })
}

/// Converts the data of an array.
type ReadNumbers = fn(&[u8]) -> Vec<f32>;

/// The size of an element in bytes, and the conversion to f32, for a NumPy dtype such as `<f4`. `None` for unsupported types.
fn kind(descr: &str) -> Option<(usize, ReadNumbers)> {
    /// Converts numbers of either byte order.
    macro_rules! kind {
        ($big:expr, $number:ty, $as:expr) => {{
            fn read<const BIG: bool>(bytes: &[u8]) -> Vec<f32> {
                let (numbers, _) = bytes.as_chunks::<{ size_of::<$number>() }>();
                let from = if BIG {
                    <$number>::from_be_bytes
                } else {
                    <$number>::from_le_bytes
                };
                numbers.iter().map(|bytes| $as(from(*bytes))).collect()
            }
            let numbers: ReadNumbers = if $big { read::<true> } else { read::<false> };
            (size_of::<$number>(), numbers)
        }};
    }
    let (order, name) = descr.split_at_checked(1)?;
    let big = match order {
        "<" => false,
        ">" => true,
        // Single bytes have no order.
        "|" if name.ends_with('1') => false,
        _ => return None,
    };
    Some(match name {
        "f2" => kind!(big, f16, f16::to_f32),
        "f4" => kind!(big, f32, |x: f32| x),
        "f8" => kind!(big, f64, |x: f64| x as f32),
        "i1" => kind!(big, i8, f32::from),
        "i2" => kind!(big, i16, f32::from),
        "i4" => kind!(big, i32, |x: i32| x as f32),
        "i8" => kind!(big, i64, |x: i64| x as f32),
        "u1" => kind!(big, u8, f32::from),
        "u2" => kind!(big, u16, f32::from),
        "u4" => kind!(big, u32, |x: u32| x as f32),
        "u8" => kind!(big, u64, |x: u64| x as f32),
        _ => return None,
    })
}

/// Reorders values from Fortran order (first axis fastest) to C order (last axis fastest).
fn rows_first(shape: &[usize], numbers: &[f32]) -> Vec<f32> {
    // The distance between neighbours along each axis.
    let strides: Vec<usize> = shape
        .iter()
        .scan(1, |stride, length| {
            let this = *stride;
            *stride *= length;
            Some(this)
        })
        .collect();
    let mut at = vec![0; shape.len()];
    let mut sorted = Vec::with_capacity(numbers.len());
    while sorted.len() < numbers.len() {
        let from: usize = at
            .iter()
            .zip(&strides)
            .map(|(at, stride)| at * stride)
            .sum();
        sorted.push(numbers[from]);
        for (at, length) in at.iter_mut().zip(shape).rev() {
            *at += 1;
            if *at < *length {
                break;
            }
            *at = 0;
        }
    }
    sorted
}

/// The text after a key of the header's dictionary.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let after = [format!("'{key}'"), format!("\"{key}\"")]
        .iter()
        .find_map(|key| header.split_once(key.as_str()))?
        .1;
    Some(after.trim_start().strip_prefix(':')?.trim_start())
}

/// The quoted string at the start of a text.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    Some(text[1..].split_once(quote)?.0)
}

/// The tuple of integers at the start of a text.
fn tuple(text: &str) -> Option<Vec<usize>> {
    let inside = text.strip_prefix('(')?.split_once(')')?.0;
    inside
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().ok())
        .collect()
}
