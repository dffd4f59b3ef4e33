//! NumPy's `.npy`: arrays of floating-point or whole numbers. A reader of our own, since the header is a Python literal
//! and only this one dictionary is wanted of it, from files that nobody vouches for.

use half::f16;

use super::MOST_TENSOR;

/// Most bytes of a header: what NumPy reads itself.
const MOST_HEADER: usize = 10_000;
/// Most axes of an array: twice as many as a clip has.
const MOST_AXES: usize = 8;

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
    if length > MOST_HEADER {
        return Err(not_one("its header is too long"));
    }
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
    let columns_first = order.starts_with("True");
    let shape = value(header, "shape")
        .and_then(tuple)
        .ok_or_else(|| not_one("its header names no shape"))?;
    let Some((size, numbers)) = kind(descr) else {
        let what = format!("it holds {descr:?}, which is not a kind of number that is read");
        return Err((what, "save it with .astype(numpy.float32)"));
    };
    if shape.len() > MOST_AXES {
        let what = format!("it has {} axes", shape.len());
        return Err((what, "save it as [people, frames, joints, 2 or 3]"));
    }
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
    // Before they are unpacked: a byte may become four.
    if body.len() / size > MOST_TENSOR / 4 {
        let what = format!("its shape is {shape:?}, which is more than a clip may have");
        return Err((what, "cut it into shorter clips"));
    }
    let mut data = numbers(body);
    if columns_first && !data.is_empty() {
        data = rows_first(&shape, &data);
    }
    Ok(Array { shape, data })
}

/// Reads the numbers in some bytes.
type ReadNumbers = fn(&[u8]) -> Vec<f32>;

/// Bytes of a number, and how numbers are read, by NumPy's name of a kind: `<f4`. None where it is not of numbers.
fn kind(descr: &str) -> Option<(usize, ReadNumbers)> {
    /// Reads numbers of either byte order.
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
        // Of one byte, which has no order.
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

/// Numbers in Fortran order, the first axis fastest, in C order.
fn rows_first(shape: &[usize], numbers: &[f32]) -> Vec<f32> {
    // How far apart neighbours along each axis lie.
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
