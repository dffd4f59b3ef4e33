//! Fast path for the usual form of a joint's line. Word boundaries are found sixteen bytes at a time, so the nine numbers
//! that are not needed cost almost nothing, and x, y and z are parsed independently.

use wide::u8x16;

use super::text::JOINT_WORDS;
use crate::formats::MOST_COORDINATE;
use crate::formats::number::leading;

/// Bytes per mask, and masks per line.
const BLOCK: usize = 64;
const BLOCKS: usize = 3;

/// Parses a joint's line at the start of `text` if its words are one blank apart and x, y and z are short: the coordinates,
/// and the length of the line including its end. `None` if the line needs the general parser, or the text ends soon after.
#[inline]
pub(super) fn plain_joint(text: &[u8]) -> Option<([f32; 3], usize)> {
    let text = text.get(..BLOCK * BLOCKS)?;
    let mut blanks = [0; BLOCKS];
    let mut line_end = None;
    for (number, (block, blanks)) in text.chunks_exact(BLOCK).zip(&mut blanks).enumerate() {
        let (blank, newline) = marks(block);
        // Only the blanks up to the end of the line.
        *blanks = blank & (newline ^ newline.wrapping_sub(1));
        if newline != 0 {
            let end = newline.trailing_zeros() as usize;
            let at = BLOCK * number + end;
            if at > 0 && text[at - 1] == b'\r' {
                *blanks &= !(1 << end);
            }
            line_end = Some(at);
            break;
        }
    }
    let line_end = line_end?;
    // One blank follows each word. A blank at the start of the line or next to another one is rejected.
    let (mut words, mut stray, mut before) = (0, 0, 1);
    for mask in blanks {
        words += mask.count_ones() as usize;
        stray |= mask & (mask << 1 | before);
        before = mask >> (BLOCK - 1);
    }
    if words != JOINT_WORDS || stray != 0 {
        return None;
    }
    let [first, ..] = blanks;
    let second = first & first.wrapping_sub(1);
    let third = second & second.wrapping_sub(1);
    let [first, second, third] = [first, second, third].map(|mask| mask.trailing_zeros() as usize);
    let xyz = [
        coordinate(text, 0, first)?,
        coordinate(text, first + 1, second)?,
        coordinate(text, second + 1, third)?,
    ];
    Some((xyz, line_end + 1))
}

/// The coordinate between two offsets.
#[inline]
fn coordinate(text: &[u8], from: usize, to: usize) -> Option<f32> {
    let (number, length) = leading(text.get(from..)?)?;
    (from + length == to && number.abs() <= MOST_COORDINATE).then_some(number)
}

/// Two bit masks of a block, the first byte in the lowest bit: blanks, and line ends.
#[inline]
fn marks(block: &[u8]) -> (u64, u64) {
    let (mut blanks, mut newlines) = (0, 0);
    for (number, bytes) in block.as_chunks::<16>().0.iter().enumerate() {
        let bytes = u8x16::new(*bytes);
        let blank = bytes.min(u8x16::splat(b' ')).simd_eq(bytes);
        let newline = bytes.simd_eq(u8x16::splat(b'\n'));
        blanks |= u64::from(blank.to_bitmask()) << (16 * number);
        newlines |= u64::from(newline.to_bitmask()) << (16 * number);
    }
    (blanks, newlines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::number::float;

    const LINE: &str =
        "0.2181153 -0.1725972 3.785547 277.419 191.8218 1036.233 519.1677 -0.2 0.05 0.9 -0.1 2";

    fn padded(line: &str, end: &str) -> Vec<u8> {
        format!("{line}{end}{}", LINE.repeat(3)).into_bytes()
    }

    #[test]
    fn plain_lines_are_read_to_their_end() {
        for end in ["\n", "\r\n"] {
            // Lines of every length, across block borders.
            for grown in 0..100 {
                let line = LINE.replacen("277.419", &format!("277.{}", "4".repeat(grown + 1)), 1);
                let length = line.len() + end.len();
                let found = plain_joint(&padded(&line, end));
                let expected = (length <= BLOCK * BLOCKS)
                    .then_some(([0.218_115_3, -0.172_597_2, 3.785_547], length));
                assert_eq!(found, expected, "{line}");
            }
        }
    }

    #[test]
    fn unusual_lines_are_left_to_the_general_parser() {
        let words: Vec<&str> = LINE.split(' ').collect();
        for line in [
            format!(" {LINE}"),
            format!("{LINE} "),
            LINE.replacen(' ', "  ", 1),
            LINE.replacen("277.419 ", "277.419\t ", 1),
            words[..11].join(" "),
            format!("{LINE} 3"),
            LINE.replacen("0.2181153", "0.2181153e0", 1),
            LINE.replacen("0.2181153", "1e9", 1),
            LINE.replacen("0.2181153", "9999999", 1),
            LINE.replacen("0.2181153", "NaN", 1),
            String::new(),
        ] {
            for end in ["\n", "\r\n"] {
                assert_eq!(plain_joint(&padded(&line, end)), None, "{line:?}");
            }
        }
        assert_eq!(plain_joint(format!("{LINE}\n").as_bytes()), None, "short");
    }

    #[test]
    fn the_fast_path_agrees_with_splitting_at_blanks() {
        let mut state = 7u64;
        let mut plain = 0;
        for _ in 0..200_000 {
            let mut line = LINE.as_bytes().to_vec();
            for _ in 0..2 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let at = (state >> 32) as usize % line.len();
                line[at] = b"1 .\t7-2\r9\xff34\n05 "[(state >> 59) as usize % 16];
            }
            let mut text = line;
            text.push(b'\n');
            text.resize(BLOCK * BLOCKS, b'0');
            let Some((xyz, length)) = plain_joint(&text) else {
                continue;
            };
            plain += 1;
            let (line, end) = text[..length].split_at(length - 1);
            assert_eq!(end, b"\n");
            assert!(!line.contains(&b'\n'));
            let words: Vec<&[u8]> = line
                .split(|byte| *byte <= b' ')
                .filter(|word| !word.is_empty())
                .collect();
            assert_eq!(words.len(), JOINT_WORDS, "{}", text.escape_ascii());
            for (x, word) in xyz.iter().zip(words) {
                assert_eq!(Some(*x), float(word));
            }
        }
        assert!(plain > 50_000, "{plain}");
    }
}
