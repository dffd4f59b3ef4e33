//! Parser of `.skeleton` files. Of the twelve numbers of a joint only x, y and z are converted.

use memchr::memchr;

use super::plain::plain_joint;
use crate::error::{Error, Place, Result};
use crate::formats::number::{float, shown, whole, without_mark};
use crate::formats::{MOST_COORDINATE, MOST_TENSOR};
use crate::text::counted;

/// Maximum number of bodies in a frame: what Kinect v2 tracks.
const MOST_BODIES: u64 = 6;
/// Joints of Kinect v2.
const JOINTS: usize = 25;
/// Numbers on the line of a body and on the line of a joint.
const BODY_WORDS: usize = 10;
pub(super) const JOINT_WORDS: usize = 12;

/// Number of body ids above which the size of the clip is checked before all of it is read; real clips have a few.
const MANY_IDS: usize = 64;

/// All bodies of a clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Tracks {
    /// Body ids in the order of their first frame.
    pub ids: Vec<u64>,
    /// Number of frames, including those without bodies.
    pub frames: usize,
    /// Coordinates in metres, [bodies, frames, 25, 3]; NaN if a body is absent.
    pub data: Vec<f32>,
}

/// Parses a `.skeleton` file.
///
/// # Errors
/// [`Error::Input`] with the line for truncated text, a number of joints other than 25, a coordinate that is not a number
/// within [`MOST_COORDINATE`], a wrong number of values on a line, text after the last frame, and anything else that is not
/// this format; without a line for a clip without bodies, or with too many.
pub fn parse(text: &[u8], place: &Place) -> Result<Tracks> {
    parse_frames(text).map_err(|fault| {
        let place = if fault.line == 0 {
            place.clone()
        } else {
            place.clone().line(fault.line)
        };
        Error::input(place, fault.what, fault.help)
    })
}

/// A problem at a line; line 0 is the clip as a whole.
struct Fault {
    line: usize,
    what: String,
    help: &'static str,
}

const AGAIN: &str = "get this clip again, or leave it out";
const NOT_ONE: &str = "use only NTU RGB+D .skeleton files, or leave it out";

fn parse_frames(text: &[u8]) -> std::result::Result<Tracks, Fault> {
    let text = without_mark(text);
    let mut lines = Lines {
        rest: text,
        line: 0,
    };
    let frames = lines.count("the number of frames")?;
    // Each frame takes at least two bytes, which bounds the number of frames.
    if frames == 0 || frames as usize > text.len() {
        return Err(lines.fault(
            format!("{frames} frames in {} bytes of text", text.len()),
            NOT_ONE,
        ));
    }
    let frames = frames as usize;
    let mut ids: Vec<u64> = Vec::new();
    // The track and frame of each body in the order of the text, parallel to the coordinates.
    let mut seen: Vec<(usize, usize)> = Vec::new();
    let mut coordinates: Vec<f32> = Vec::with_capacity(text.len() / 8);
    for frame in 0..frames {
        if lines.at_end() {
            return Err(lines.fault(format!("truncated after frame {frame} of {frames}"), AGAIN));
        }
        let bodies = lines.count("the number of bodies")?;
        if bodies > MOST_BODIES {
            return Err(lines.fault(
                format!("{bodies} bodies in a frame, more than {MOST_BODIES}"),
                NOT_ONE,
            ));
        }
        let first_here = seen.len();
        for _ in 0..bodies {
            let id = lines.body()?;
            let track = ids
                .iter()
                .position(|known| *known == id)
                .unwrap_or_else(|| {
                    ids.push(id);
                    ids.len() - 1
                });
            // A clip with a new id in every frame would take quadratic time.
            if ids.len() > MANY_IDS && too_large(ids.len(), frames) {
                return Err(too_many_bodies("at least ", ids.len(), frames));
            }
            if seen[first_here..].iter().any(|(other, _)| *other == track) {
                return Err(lines.fault(
                    format!("body {id} appears twice in frame {}", frame + 1),
                    AGAIN,
                ));
            }
            let joints = lines.count("the number of joints")?;
            if joints != JOINTS as u64 && lines.rest.is_empty() {
                return Err(lines.cut(joints.to_string().as_bytes()));
            }
            if joints != JOINTS as u64 {
                return Err(lines.fault(
                    format!("{joints} joints, but a body in NTU RGB+D has {JOINTS}"),
                    NOT_ONE,
                ));
            }
            seen.push((track, frame));
            for _ in 0..JOINTS {
                coordinates.extend(lines.joint()?);
            }
        }
    }
    if let Some(garbage) = lines.garbage() {
        let what = format!(
            "unexpected {} after the last of {frames} frames",
            shown(garbage)
        );
        return Err(lines.fault(what, AGAIN));
    }
    if ids.is_empty() {
        let what = format!("no body in any of the {frames} frames");
        return Err(Fault {
            line: 0,
            what,
            help: "leave this clip out",
        });
    }
    if too_large(ids.len(), frames) {
        return Err(too_many_bodies("", ids.len(), frames));
    }
    let stride = JOINTS * 3;
    let data = if ids.len() == 1 && seen.len() == frames {
        coordinates
    } else {
        let mut data = vec![f32::NAN; ids.len() * frames * stride];
        for ((track, frame), body) in seen.into_iter().zip(coordinates.chunks_exact(stride)) {
            let start = (track * frames + frame) * stride;
            data[start..start + stride].copy_from_slice(body);
        }
        data
    };
    Ok(Tracks { ids, frames, data })
}

/// Whether the coordinates of so many bodies over so many frames exceed [`MOST_TENSOR`].
fn too_large(bodies: usize, frames: usize) -> bool {
    let numbers = bodies.saturating_mul(frames).saturating_mul(JOINTS * 3);
    numbers > MOST_TENSOR / 4
}

#[cold]
fn too_many_bodies(bound: &str, bodies: usize, frames: usize) -> Fault {
    Fault {
        line: 0,
        what: format!("{bound}{bodies} bodies over {frames} frames are too many for one clip"),
        help: "split this clip into shorter ones, or leave it out",
    }
}

/// The text, line by line.
struct Lines<'a> {
    rest: &'a [u8],
    /// 1-based number of the current line.
    line: usize,
}

impl<'a> Lines<'a> {
    fn fault(&self, what: String, help: &'static str) -> Fault {
        Fault {
            line: self.line,
            what,
            help,
        }
    }

    fn at_end(&self) -> bool {
        self.rest.trim_ascii_start().is_empty()
    }

    /// The next line, trimmed. `wanted` is what should be on it.
    fn next(&mut self, wanted: &str) -> std::result::Result<&'a [u8], Fault> {
        self.begin(wanted)?;
        let end = memchr(b'\n', self.rest).unwrap_or(self.rest.len());
        let line = &self.rest[..end];
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        Ok(line.trim_ascii())
    }

    /// A line with a single integer.
    fn count(&mut self, wanted: &str) -> std::result::Result<u64, Fault> {
        let line = self.next(wanted)?;
        whole(line).ok_or_else(|| self.fault(format!("{} is not {wanted}", shown(line)), NOT_ONE))
    }

    /// The line of a body; returns its id.
    fn body(&mut self) -> std::result::Result<u64, Fault> {
        self.begin("a body")?;
        let word = self.word();
        let Some(id) = whole(word) else {
            return Err(self.fault(format!("{} is not a body's id", shown(word)), NOT_ONE));
        };
        let more = self.finish();
        self.exactly(1 + more, BODY_WORDS, "a body")?;
        Ok(id)
    }

    /// The line of a joint; returns x, y and z.
    #[inline]
    fn joint(&mut self) -> std::result::Result<[f32; 3], Fault> {
        self.begin("a joint")?;
        match plain_joint(self.rest) {
            Some((xyz, length)) => {
                self.rest = &self.rest[length..];
                Ok(xyz)
            }
            None => self.any_joint(),
        }
    }

    /// The line of a joint in any form.
    #[inline(never)]
    fn any_joint(&mut self) -> std::result::Result<[f32; 3], Fault> {
        let mut xyz = [0.0; 3];
        for (count, x) in xyz.iter_mut().enumerate() {
            *x = self.number(count)?;
        }
        let more = self.finish();
        self.exactly(3 + more, JOINT_WORDS, "a joint")?;
        Ok(xyz)
    }

    /// The next coordinate of the line, after `count` others.
    fn number(&mut self, count: usize) -> std::result::Result<f32, Fault> {
        let word = self.word();
        match float(word) {
            Some(number) if number.abs() <= MOST_COORDINATE => Ok(number),
            found => Err(self.coordinate(word, count, found)),
        }
    }

    /// The error for a word that is not a valid coordinate; `number` is its value if it is a number.
    #[cold]
    fn coordinate(&mut self, word: &[u8], count: usize, number: Option<f32>) -> Fault {
        let more = self.finish();
        if word.is_empty() {
            return self.miscounted(count, JOINT_WORDS, "a joint");
        }
        if let Some(number) = number {
            let why = if number.is_finite() {
                "out of range"
            } else {
                "not finite"
            };
            return self.fault(format!("the coordinate {} is {why}", shown(word)), AGAIN);
        }
        if self.rest.is_empty() && more == 0 {
            return self.cut(word);
        }
        self.fault(format!("{} is not a coordinate", shown(word)), NOT_ONE)
    }

    /// Starts the next line, which must exist.
    #[inline]
    fn begin(&mut self, wanted: &str) -> std::result::Result<(), Fault> {
        if self.rest.is_empty() {
            return Err(self.ended(wanted));
        }
        self.line += 1;
        Ok(())
    }

    /// The next word of the line; empty at its end.
    #[inline]
    fn word(&mut self) -> &'a [u8] {
        let start = self
            .rest
            .iter()
            .position(|byte| !is_blank(*byte) || *byte == b'\n');
        let from = &self.rest[start.unwrap_or(self.rest.len())..];
        let end = from
            .iter()
            .position(|byte| is_blank(*byte))
            .unwrap_or(from.len());
        self.rest = &from[end..];
        &from[..end]
    }

    /// Skips the rest of the line; returns the number of words in it.
    #[inline]
    fn finish(&mut self) -> usize {
        let end = memchr(b'\n', self.rest).unwrap_or(self.rest.len());
        let words = words(&self.rest[..end]);
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        words
    }

    /// Checks the number of words on a line.
    #[inline]
    fn exactly(&self, words: usize, wanted: usize, what: &str) -> std::result::Result<(), Fault> {
        if words == wanted {
            Ok(())
        } else {
            Err(self.miscounted(words, wanted, what))
        }
    }

    #[cold]
    fn miscounted(&self, words: usize, wanted: usize, what: &str) -> Fault {
        let cut = if self.rest.is_empty() && words < wanted {
            ": truncated"
        } else {
            ""
        };
        self.fault(
            format!(
                "{} for {what} instead of {wanted}{cut}",
                counted(words, "number")
            ),
            AGAIN,
        )
    }

    #[cold]
    fn ended(&self, wanted: &str) -> Fault {
        self.fault(format!("truncated: the text ends before {wanted}"), AGAIN)
    }

    /// The error for an invalid word at the very end of the text.
    #[cold]
    fn cut(&self, word: &[u8]) -> Fault {
        self.fault(
            format!("truncated: the text ends in {}", shown(word)),
            AGAIN,
        )
    }

    /// The first non-empty line after the last frame.
    fn garbage(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let line = self.next("").ok()?;
            if !line.is_empty() {
                return Some(line);
            }
        }
        None
    }
}

/// Separators of words: spaces, tabs and line ends.
#[inline]
fn is_blank(byte: u8) -> bool {
    byte <= b' '
}

/// The number of words that begin in a piece of a line that is empty or starts with a blank.
fn words(line: &[u8]) -> usize {
    let pairs = line.iter().zip(line.iter().skip(1));
    pairs
        .filter(|(before, byte)| is_blank(**before) && !is_blank(**byte))
        .count()
}
