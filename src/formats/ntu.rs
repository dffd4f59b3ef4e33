//! NTU RGB+D: `.skeleton` text, names `SsssCcccPpppRrrrAaaa`, the missing lists and the class names.
//!
//! ```text
//! <frames>
//!   <bodies>                                  a frame, 0 to 6 bodies
//!     <body id> and nine more numbers         a body
//!     <joints>                                25
//!       <x> <y> <z> and nine more numbers     a joint
//! ```

use std::sync::LazyLock;

use crate::error::{Error, Place, Result};
use crate::skeleton::{About, Layout};

use super::MOST_TENSOR;
use super::number::{float, shown, whole};

/// Most bodies of a frame: what Kinect v2 tracks.
const MOST_BODIES: u64 = 6;
/// Joints of Kinect v2.
const JOINTS: usize = 25;
/// Numbers on a body's line and on a joint's line.
const BODY_WORDS: usize = 10;
const JOINT_WORDS: usize = 12;

/// What a clip's name says. All numbers are 1-based.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// Camera setup: 1 to 17 in NTU-60, to 32 in NTU-120.
    pub setup: u32,
    /// Camera: 1 to 3.
    pub camera: u32,
    /// Performer.
    pub performer: u32,
    /// Replication.
    pub replication: u32,
    /// Action class: 1 to 60 in NTU-60, to 120 in NTU-120.
    pub action: u32,
}

impl Name {
    /// Reads `SsssCcccPpppRrrrAaaa`; none for anything else. Actions go from 1 to 120.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let bytes: &[u8; 20] = name.as_bytes().try_into().ok()?;
        let mut numbers = [0; 5];
        for ((part, letter), number) in bytes.chunks_exact(4).zip(b"SCPRA").zip(&mut numbers) {
            let [first, digits @ ..] = part else { return None };
            *number = if first == letter { u32::try_from(whole(digits)?).ok()? } else { return None };
        }
        let [setup, camera, performer, replication, action] = numbers;
        let sound = (1..=120).contains(&action) && setup > 0 && camera > 0 && performer > 0 && replication > 0;
        sound.then_some(Name { setup, camera, performer, replication, action })
    }

    /// Class index, 0-based.
    #[must_use]
    pub fn label(&self) -> usize {
        self.action as usize - 1
    }

    /// All but the class.
    #[must_use]
    pub fn about(&self) -> About {
        About {
            performer: Some(self.performer),
            camera: Some(self.camera),
            setup: Some(self.setup),
            replication: Some(self.replication),
            ..About::default()
        }
    }
}

/// Names whose skeletons are missing or incomplete by the authors' lists: 535 of NTU-120, of which the 302 with a
/// setup up to 17 are those of NTU-60. Sorted.
pub fn missing() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("../../assets/ntu_missing.txt").lines().collect());
    &NAMES
}

/// True for a clip on the missing list.
#[must_use]
pub fn is_missing(name: &str) -> bool {
    missing().binary_search(&name).is_ok()
}

/// The 120 class names; NTU-60 has the first 60.
pub fn classes() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("../../assets/ntu_classes.txt").lines().collect());
    &NAMES
}

/// The joints of NTU RGB+D.
#[must_use]
pub fn layout() -> Layout {
    Layout::ntu25()
}

/// All bodies of a clip by their id.
#[derive(Debug, Clone, PartialEq)]
pub struct Tracks {
    /// Ids in the order of their first frame.
    pub ids: Vec<u64>,
    /// Frames, those without bodies included.
    pub frames: usize,
    /// Coordinates in metres, [bodies, frames, 25, 3]; NaN where a body is absent.
    pub data: Vec<f32>,
}

/// Reads the text of a clip.
///
/// # Errors
/// With the line: text that ends early (cut short), another number of joints than 25, a coordinate that is no finite
/// number, a wrong number of numbers on a line, text after the last frame, no body in the whole clip, or anything
/// else that is not a skeleton.
pub fn parse(text: &[u8], place: &Place) -> Result<Tracks> {
    read(text).map_err(|fault| {
        let place = if fault.line == 0 { place.clone() } else { place.clone().line(fault.line) };
        Error::input(place, fault.what, fault.help)
    })
}

/// What is wrong at a line; 0 for the clip as a whole.
struct Fault {
    line: usize,
    what: String,
    help: &'static str,
}

const AGAIN: &str = "get this clip again, or leave it out with --skip-bad";
const NOT_ONE: &str = "put only NTU RGB+D .skeleton files here, or leave it out with --skip-bad";

fn read(text: &[u8]) -> std::result::Result<Tracks, Fault> {
    let mut lines = Lines { rest: text, line: 0 };
    let frames = lines.count("the number of frames")?;
    // Each frame takes two bytes at least, so what the text cannot hold is not believed.
    if frames == 0 || frames as usize > text.len() {
        return Err(lines.fault(format!("{frames} frames in {} bytes of text", text.len()), NOT_ONE));
    }
    let frames = frames as usize;
    let mut ids: Vec<u64> = Vec::new();
    // Bodies as they come: their track and frame beside the coordinates.
    let mut seen: Vec<(usize, usize)> = Vec::new();
    let mut coordinates: Vec<f32> = Vec::with_capacity(text.len() / 8);
    for frame in 0..frames {
        if lines.at_end() {
            return Err(lines.fault(format!("the text ends after frame {frame} of {frames}: it is cut short"), AGAIN));
        }
        let bodies = lines.count("the number of bodies")?;
        if bodies > MOST_BODIES {
            return Err(lines.fault(format!("{bodies} bodies in a frame; 0 to {MOST_BODIES} can be"), NOT_ONE));
        }
        let first_here = seen.len();
        for _ in 0..bodies {
            let id = lines.body()?;
            let track = ids.iter().position(|known| *known == id).unwrap_or_else(|| {
                ids.push(id);
                ids.len() - 1
            });
            if seen[first_here..].iter().any(|(other, _)| *other == track) {
                return Err(lines.fault(format!("body {id} stands twice in frame {}", frame + 1), AGAIN));
            }
            let joints = lines.count("the number of joints")?;
            if joints != JOINTS as u64 && lines.rest.is_empty() {
                lines.cut(joints.to_string().as_bytes())?;
            }
            if joints != JOINTS as u64 {
                return Err(lines.fault(format!("{joints} joints; a body of NTU RGB+D has {JOINTS}"), NOT_ONE));
            }
            seen.push((track, frame));
            for _ in 0..JOINTS {
                coordinates.extend(lines.joint()?);
            }
        }
    }
    if let Some(garbage) = lines.garbage() {
        let what = format!("{} after the last of {frames} frames", shown(garbage));
        return Err(lines.fault(what, AGAIN));
    }
    if ids.is_empty() {
        let what = format!("no body in any of its {frames} frames");
        return Err(Fault { line: 0, what, help: "leave this clip out with --skip-bad" });
    }
    let stride = JOINTS * 3;
    let size = ids.len().saturating_mul(frames).saturating_mul(stride);
    if size > MOST_TENSOR / 4 {
        let what = format!("{} bodies over {frames} frames are more than a clip may have", ids.len());
        return Err(Fault { line: 0, what, help: "cut this clip into shorter ones, or leave it out with --skip-bad" });
    }
    let data = if ids.len() == 1 && seen.len() == frames {
        coordinates
    } else {
        let mut data = vec![f32::NAN; size];
        for ((track, frame), body) in seen.into_iter().zip(coordinates.chunks_exact(stride)) {
            let start = (track * frames + frame) * stride;
            data[start..start + stride].copy_from_slice(body);
        }
        data
    };
    Ok(Tracks { ids, frames, data })
}

/// The text, line by line.
struct Lines<'a> {
    rest: &'a [u8],
    /// 1-based line last taken.
    line: usize,
}

impl<'a> Lines<'a> {
    fn fault(&self, what: String, help: &'static str) -> Fault {
        Fault { line: self.line, what, help }
    }

    fn at_end(&self) -> bool {
        self.rest.trim_ascii_start().is_empty()
    }

    /// The next line, without its end.
    fn next(&mut self, wanted: &str) -> std::result::Result<&'a [u8], Fault> {
        if self.rest.is_empty() {
            return Err(self.fault(format!("the text ends where {wanted} should follow: it is cut short"), AGAIN));
        }
        self.line += 1;
        let end = newline(self.rest);
        let line = &self.rest[..end];
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        Ok(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// A line that is one whole number.
    fn count(&mut self, wanted: &str) -> std::result::Result<u64, Fault> {
        let line = self.next(wanted)?;
        whole(line.trim_ascii()).ok_or_else(|| self.fault(format!("{} is not {wanted}", shown(line)), NOT_ONE))
    }

    /// A body's line; its id.
    fn body(&mut self) -> std::result::Result<u64, Fault> {
        let line = self.next("a body")?;
        let mut rest = line;
        let id = word(&mut rest);
        let id = whole(id).ok_or_else(|| self.fault(format!("{} is not a body's id", shown(id)), NOT_ONE))?;
        self.exactly(1 + words(rest), BODY_WORDS, "a body")?;
        Ok(id)
    }

    /// A joint's line; x, y, z.
    #[inline]
    fn joint(&mut self) -> std::result::Result<[f32; 3], Fault> {
        let mut rest = self.next("a joint")?;
        let mut xyz = [0.0; 3];
        for (count, x) in xyz.iter_mut().enumerate() {
            let word = word(&mut rest);
            if word.is_empty() {
                self.exactly(count, JOINT_WORDS, "a joint")?;
            }
            *x = match float(word) {
                Some(number) if number.is_finite() => number,
                Some(_) => return Err(self.fault(format!("the coordinate {} is not finite", shown(word)), AGAIN)),
                None if self.rest.is_empty() => self.cut(word)?,
                None => return Err(self.fault(format!("{} is not a coordinate", shown(word)), NOT_ONE)),
            };
        }
        self.exactly(3 + words(rest), JOINT_WORDS, "a joint")?;
        Ok(xyz)
    }

    /// The number of words of a line is as it should be.
    #[inline]
    fn exactly(&self, words: usize, wanted: usize, what: &str) -> std::result::Result<(), Fault> {
        if words == wanted {
            return Ok(());
        }
        let cut = if self.rest.is_empty() && words < wanted { ": it is cut short" } else { "" };
        Err(self.fault(format!("{words} numbers for {what}, not {wanted}{cut}"), AGAIN))
    }

    /// What stands at the very end of the text and makes no sense there.
    fn cut<T>(&self, word: &[u8]) -> std::result::Result<T, Fault> {
        Err(self.fault(format!("the text ends in {}: it is cut short", shown(word)), AGAIN))
    }

    /// The first line after the last frame that is not empty.
    fn garbage(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let line = self.next("").ok()?.trim_ascii();
            if !line.is_empty() {
                return Some(line);
            }
        }
        None
    }
}

/// Where the first line ends.
#[inline]
fn newline(text: &[u8]) -> usize {
    memchr(b'\n', text).unwrap_or(text.len())
}

/// The next word; empty at the end.
#[inline]
fn word<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let start = rest.iter().position(|byte| !is_space(*byte)).unwrap_or(rest.len());
    let from = &rest[start..];
    let end = from.iter().position(|byte| is_space(*byte)).unwrap_or(from.len());
    *rest = &from[end..];
    &from[..end]
}

/// How many words are left: places where a word begins after a space.
#[inline]
fn words(rest: &[u8]) -> usize {
    let begins = |pair: &[u8]| usize::from(is_space(pair[0]) & !is_space(pair[1]));
    let inside: usize = rest.windows(2).map(begins).sum();
    inside + usize::from(rest.first().is_some_and(|byte| !is_space(*byte)))
}

#[inline]
fn is_space(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Position of a byte, eight bytes a step: the classic test for a zero byte in a word.
#[inline]
fn memchr(byte: u8, text: &[u8]) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let pattern = LOW * u64::from(byte);
    let (blocks, tail) = text.as_chunks::<8>();
    for (index, block) in blocks.iter().enumerate() {
        let word = u64::from_le_bytes(*block) ^ pattern;
        let zeros = word.wrapping_sub(LOW) & !word & HIGH;
        if zeros != 0 {
            return Some(index * 8 + zeros.trailing_zeros() as usize / 8);
        }
    }
    tail.iter().position(|other| *other == byte).map(|at| blocks.len() * 8 + at)
}
