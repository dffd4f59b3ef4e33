//! TFRecord framing: length, its checksum, data, their checksum.

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

/// The records of a file, up to one that is damaged or cut short.
pub(super) fn records(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let (sum, rest) = rest.split_first_chunk::<4>()?;
        let size = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let (data, rest) = rest.split_at_checked(size)?;
        let (data_sum, rest) = rest.split_first_chunk::<4>()?;
        bytes = rest;
        (masked(length) == *sum && masked(data) == *data_sum).then_some(data)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_ends_the_records() {
        let mut file = Vec::new();
        append(&mut file, b"one");
        append(&mut file, b"");
        append(&mut file, b"three");
        assert_eq!(
            records(&file).collect::<Vec<_>>(),
            [&b"one"[..], b"", b"three"]
        );
        for end in 0..file.len() {
            assert!(records(&file[..end]).count() < 3);
        }
        file[13] ^= 1;
        assert_eq!(records(&file).count(), 0);
    }
}
