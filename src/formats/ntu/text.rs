//! The text of a `.skeleton` file. Of a joint's twelve numbers only x, y and z are parsed.

use memchr::memchr;

use super::plain::plain_joint;
use crate::error::{Error, Place, Result};
use crate::formats::number::{float, shown, whole, without_mark};
use crate::formats::{MOST_COORDINATE, MOST_TENSOR};

/// Most bodies of a frame: what Kinect v2 tracks.
const MOST_BODIES: u64 = 6;
/// Joints of Kinect v2.
const JOINTS: usize = 25;
/// Numbers on a body's line and on a joint's line.
const BODY_WORDS: usize = 10;
pub(super) const JOINT_WORDS: usize = 12;

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
/// With the line: text that ends early (cut short), another number of joints than 25, a coordinate that is no number
/// within [`MOST_COORDINATE`], a wrong number of numbers on a line, text after the last frame, no body in the whole
/// clip, or anything else that is not a skeleton.
pub fn parse(text: &[u8], place: &Place) -> Result<Tracks> {
    read(text).map_err(|fault| {
        let place = if fault.line == 0 {
            place.clone()
        } else {
            place.clone().line(fault.line)
        };
        Error::input(place, fault.what, fault.help)
    })
}

/// What is wrong at a line; 0 for the clip as a whole.
struct Fault {
    line: usize,
    what: String,
    help: &'static str,
}

const AGAIN: &str = "get this clip again, or leave it out";
const NOT_ONE: &str = "put only NTU RGB+D .skeleton files here, or leave it out";

fn read(text: &[u8]) -> std::result::Result<Tracks, Fault> {
    let text = without_mark(text);
    let mut lines = Lines {
        rest: text,
        line: 0,
    };
    let frames = lines.count("the number of frames")?;
    // Each frame takes two bytes at least, so what the text cannot hold is not believed.
    if frames == 0 || frames as usize > text.len() {
        return Err(lines.fault(
            format!("{frames} frames in {} bytes of text", text.len()),
            NOT_ONE,
        ));
    }
    let frames = frames as usize;
    let mut ids: Vec<u64> = Vec::new();
    // Bodies as they come: their track and frame beside the coordinates.
    let mut seen: Vec<(usize, usize)> = Vec::new();
    let mut coordinates: Vec<f32> = Vec::with_capacity(text.len() / 8);
    for frame in 0..frames {
        if lines.at_end() {
            return Err(lines.fault(
                format!("the text ends after frame {frame} of {frames}: it is cut short"),
                AGAIN,
            ));
        }
        let bodies = lines.count("the number of bodies")?;
        if bodies > MOST_BODIES {
            return Err(lines.fault(
                format!("{bodies} bodies in a frame; 0 to {MOST_BODIES} can be"),
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
            if seen[first_here..].iter().any(|(other, _)| *other == track) {
                return Err(lines.fault(
                    format!("body {id} stands twice in frame {}", frame + 1),
                    AGAIN,
                ));
            }
            let joints = lines.count("the number of joints")?;
            if joints != JOINTS as u64 && lines.rest.is_empty() {
                return Err(lines.cut(joints.to_string().as_bytes()));
            }
            if joints != JOINTS as u64 {
                return Err(lines.fault(
                    format!("{joints} joints; a body of NTU RGB+D has {JOINTS}"),
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
        let what = format!("{} after the last of {frames} frames", shown(garbage));
        return Err(lines.fault(what, AGAIN));
    }
    if ids.is_empty() {
        let what = format!("no body in any of its {frames} frames");
        return Err(Fault {
            line: 0,
            what,
            help: "leave this clip out",
        });
    }
    let stride = JOINTS * 3;
    let size = ids.len().saturating_mul(frames).saturating_mul(stride);
    if size > MOST_TENSOR / 4 {
        let what = format!(
            "{} bodies over {frames} frames are more than a clip may have",
            ids.len()
        );
        return Err(Fault {
            line: 0,
            what,
            help: "cut this clip into shorter ones, or leave it out",
        });
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
        Fault {
            line: self.line,
            what,
            help,
        }
    }

    fn at_end(&self) -> bool {
        self.rest.trim_ascii_start().is_empty()
    }

    /// The next line, without its end and the blanks about it.
    fn next(&mut self, wanted: &str) -> std::result::Result<&'a [u8], Fault> {
        self.begin(wanted)?;
        let end = memchr(b'\n', self.rest).unwrap_or(self.rest.len());
        let line = &self.rest[..end];
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        Ok(line.trim_ascii())
    }

    /// A line that is one whole number.
    fn count(&mut self, wanted: &str) -> std::result::Result<u64, Fault> {
        let line = self.next(wanted)?;
        whole(line).ok_or_else(|| self.fault(format!("{} is not {wanted}", shown(line)), NOT_ONE))
    }

    /// A body's line; its id.
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

    /// A joint's line; x, y, z.
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

    /// A joint's line, however it is written.
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

    /// The line's next coordinate; `count` were taken before it.
    fn number(&mut self, count: usize) -> std::result::Result<f32, Fault> {
        let word = self.word();
        match float(word) {
            Some(number) if number.abs() <= MOST_COORDINATE => Ok(number),
            found => Err(self.coordinate(word, count, found)),
        }
    }

    /// What is wrong with a coordinate, which may be a number, though no position.
    #[cold]
    fn coordinate(&mut self, word: &[u8], count: usize, number: Option<f32>) -> Fault {
        let more = self.finish();
        if word.is_empty() {
            return self.miscounted(count, JOINT_WORDS, "a joint");
        }
        if let Some(number) = number {
            let why = if number.is_finite() {
                "no position"
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

    /// Goes to a line, which must be there.
    #[inline]
    fn begin(&mut self, wanted: &str) -> std::result::Result<(), Fault> {
        if self.rest.is_empty() {
            return Err(self.ended(wanted));
        }
        self.line += 1;
        Ok(())
    }

    /// The line's next word; empty at its end.
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

    /// Leaves the line; how many words of it were not taken.
    #[inline]
    fn finish(&mut self) -> usize {
        let end = memchr(b'\n', self.rest).unwrap_or(self.rest.len());
        let words = words(&self.rest[..end]);
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        words
    }

    /// The number of words of a line is as it should be.
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
            ": it is cut short"
        } else {
            ""
        };
        self.fault(
            format!("{words} numbers for {what}, not {wanted}{cut}"),
            AGAIN,
        )
    }

    #[cold]
    fn ended(&self, wanted: &str) -> Fault {
        self.fault(
            format!("the text ends where {wanted} should follow: it is cut short"),
            AGAIN,
        )
    }

    /// What stands at the very end of the text and makes no sense there.
    #[cold]
    fn cut(&self, word: &[u8]) -> Fault {
        self.fault(
            format!("the text ends in {}: it is cut short", shown(word)),
            AGAIN,
        )
    }

    /// The first line after the last frame that is not empty.
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

/// What stands between words: spaces, tabs and the ends of lines.
#[inline]
fn is_blank(byte: u8) -> bool {
    byte <= b' '
}

/// How many words begin on a line, which is empty or begins at a blank.
fn words(line: &[u8]) -> usize {
    let pairs = line.iter().zip(line.iter().skip(1));
    pairs
        .filter(|(before, byte)| is_blank(**before) && !is_blank(**byte))
        .count()
}
