//! SBU Kinect Interaction: `sXXsYY/CC/NNN/skeleton_pos.txt`, one row per frame: the frame number, then 15 joints × (x, y, z)
//! of the first and of the second person, separated by commas.

use std::sync::LazyLock;

use super::number::{float, shown, without_mark};
use super::{MOST_COORDINATE, MOST_TENSOR, Recording};
use crate::error::{Error, Place, Result};
use crate::skeleton::{About, Clip};
use crate::text::counted;

/// The file name of every clip.
pub(super) const FILE: &str = "skeleton_pos.txt";
const JOINTS: usize = 15;
const PEOPLE: usize = 2;
/// Numbers in a row.
const ROW: usize = 1 + PEOPLE * JOINTS * 3;

/// The eight class names.
pub(super) fn classes() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
        include_str!("../../assets/sbu_classes.txt")
            .lines()
            .collect()
    });
    &NAMES
}

/// The parts of a clip's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// `sXXsYY-CC-NNN`.
    pub name: String,
    /// Class index.
    pub label: usize,
    /// The two people, 1-based.
    pub pair: [u32; 2],
}

impl Name {
    /// Parses the last folders of `…/sXXsYY/CC/NNN/skeleton_pos.txt`.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let mut folders = path.rsplit(['/', '\\']).skip(1);
        let (take, class, pair) = (folders.next()?, folders.next()?, folders.next()?);
        let people = pair.strip_prefix('s')?.split_once('s')?;
        let person = |digits: &str| digits.parse::<u32>().ok().filter(|_| digits.len() == 2);
        let label = class.parse::<usize>().ok()?.checked_sub(1)?;
        let sound = label < classes().len()
            && class.len() == 2
            && take.bytes().all(|byte| byte.is_ascii_digit());
        sound.then_some(())?;
        let pair_of = [person(people.0)?, person(people.1)?];
        Some(Name {
            name: format!("{pair}-{class}-{take}"),
            label,
            pair: pair_of,
        })
    }
}

/// Parses a clip. Coordinates are kept as stored in the file, normalised.
///
/// # Errors
/// [`Error::Input`] for an empty file, and with the line for a row that does not have 91 numbers or a coordinate that is not
/// a number within [`MOST_COORDINATE`].
pub(super) fn parse(
    text: &[u8],
    name: &str,
    label: usize,
    about: About,
    place: &Place,
) -> Result<Recording> {
    let help = "get this clip again, or leave it out";
    let text = without_mark(text).trim_ascii_end();
    if text.is_empty() {
        return Err(Error::input(place.clone(), "no frames", help));
    }
    let person = JOINTS * 3;
    let mut people = [Vec::new(), Vec::new()];
    let mut frames = 0;
    for line in text.split(|byte| *byte == b'\n') {
        frames += 1;
        let fault = |what: String| Error::input(place.clone().line(frames), what, help);
        let line = line.trim_ascii();
        let count = line.split(|byte| *byte == b',').count();
        if count != ROW {
            return Err(fault(format!(
                "{} instead of {ROW} (the frame number and 2 people with {JOINTS} joints)",
                counted(count, "number")
            )));
        }
        for (at, word) in line.split(|byte| *byte == b',').enumerate() {
            let word = word.trim_ascii();
            let number = float(word).filter(|number| number.abs() <= MOST_COORDINATE);
            let number =
                number.ok_or_else(|| fault(format!("{} is not a coordinate", shown(word))))?;
            if let Some(at) = at.checked_sub(1) {
                people[at / person].push(number);
            }
        }
        if frames * ROW * 4 > MOST_TENSOR {
            return Err(fault(format!(
                "more than {frames} frames are too many for one clip"
            )));
        }
    }
    let [mut data, second] = people;
    data.extend(second);
    let ids = match about.pair {
        Some(pair) => pair.map(|person| person.to_string()).to_vec(),
        None => vec!["1".into(), "2".into()],
    };
    let clip = Clip {
        name: name.into(),
        label,
        bodies: PEOPLE,
        frames,
        joints: JOINTS,
        data,
    };
    Ok(Recording { clip, ids, about })
}
