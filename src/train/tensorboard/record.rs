//! TFRecord framing: length, its checksum, data, their checksum.

use std::ops::Range;

/// Added to a checksum, since data may hold checksums themselves.
const MASK: u32 = 0xa282_ead8;

fn masked(bytes: &[u8]) -> [u8; 4] {
    let sum = crc32c::crc32c(bytes).rotate_right(15);
    sum.wrapping_add(MASK).to_le_bytes()
}

/// Appends one record.
pub(super) fn append(out: &mut Vec<u8>, data: &[u8]) {
    let length = (data.len() as u64).to_le_bytes();
    out.extend(length);
    out.extend(masked(&length));
    out.extend(data);
    out.extend(masked(data));
}

/// A part of a file.
#[derive(Debug, PartialEq)]
pub(super) enum Part<'a> {
    /// The data of a whole record.
    Record(&'a [u8]),
    /// Bytes that are no record.
    Damaged(Range<usize>),
    /// From here to the end there is half a record, as a kill leaves it.
    Cut(usize),
}

/// The parts of a file, in their order.
pub(super) fn parts(bytes: &[u8]) -> Vec<Part<'_>> {
    let (mut parts, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        match starts_at(bytes, at) {
            Start::Record(data) => {
                at += data.len() + FRAME;
                parts.push(Part::Record(data));
            }
            Start::Cut => {
                parts.push(Part::Cut(at));
                return parts;
            }
            Start::Damaged => {
                let whole = |start: &usize| matches!(starts_at(bytes, *start), Start::Record(_));
                let end = (at + 1..bytes.len()).find(whole).unwrap_or(bytes.len());
                parts.push(Part::Damaged(at..end));
                at = end;
            }
        }
    }
    parts
}

/// Bytes of the longest record that is believed: those of a run have less than a hundredth. It bounds what is looked at
/// where damaged bytes are searched for the next record.
const LONGEST: u64 = 1 << 16;

/// Bytes of a record around its data.
const FRAME: usize = 16;

enum Start<'a> {
    Record(&'a [u8]),
    Damaged,
    Cut,
}

/// What begins at a place.
fn starts_at(bytes: &[u8], at: usize) -> Start<'_> {
    let Some((head, rest)) = bytes[at..].split_first_chunk::<12>() else {
        return Start::Cut;
    };
    let [length, sum] = [&head[..8], &head[8..]];
    if masked(length) != *sum {
        return Start::Damaged;
    }
    let length = length
        .iter()
        .rev()
        .fold(0u64, |n, byte| n << 8 | u64::from(*byte));
    if length > LONGEST {
        return Start::Damaged;
    }
    let data = usize::try_from(length)
        .ok()
        .and_then(|length| rest.split_at_checked(length));
    let Some((data, Some(data_sum))) = data.map(|(data, rest)| (data, rest.first_chunk::<4>()))
    else {
        return Start::Cut;
    };
    match masked(data) == *data_sum {
        true => Start::Record(data),
        false => Start::Damaged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_costs_the_records_that_it_is_in() {
        let mut file = Vec::new();
        append(&mut file, b"one");
        let second = file.len();
        append(&mut file, b"");
        let third = file.len();
        append(&mut file, b"three");
        let [one, three] = [&b"one"[..], b"three"].map(Part::Record);
        assert_eq!(parts(&file), [one, Part::Record(b""), three]);
        for end in 1..file.len() {
            let cut = parts(&file[..end]).pop();
            let between = [second, third].contains(&end);
            assert_eq!(matches!(cut, Some(Part::Cut(_))), !between, "at {end}");
        }
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut bytes = file.clone();
                bytes[at] ^= 1 << bit;
                let records = parts(&bytes);
                let damaged = records.iter().any(|part| matches!(part, Part::Damaged(_)));
                assert!(damaged, "byte {at}");
                let whole = records.iter().filter(|p| matches!(p, Part::Record(_)));
                assert_eq!(whole.count(), 2, "byte {at}");
            }
        }
    }
}
