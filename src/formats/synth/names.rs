//! Names and lengths of synthetic clips.

use std::fmt;
use std::path::Path;

use crate::error::{Error, Place, Result};
use crate::rng::Rng;

/// The parts of a clip's name, all 1-based.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// S: camera setup.
    pub setup: usize,
    /// C: camera, 1 to 3.
    pub camera: usize,
    /// P: performer.
    pub performer: usize,
    /// R: replication.
    pub replication: usize,
    /// A: action class.
    pub action: usize,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Name {
            setup,
            camera,
            performer,
            replication,
            action,
        } = self;
        write!(
            f,
            "S{setup:03}C{camera:03}P{performer:03}R{replication:03}A{action:03}"
        )
    }
}

/// Setups of NTU RGB+D 60.
const SETUPS: usize = 17;

/// The forty performers of NTU RGB+D 60, in an order of two training performers of the cross-subject protocol followed by
/// one test performer, so that about two thirds of a small archive are training clips.
const PERFORMERS: [usize; 40] = [
    1, 2, 3, 4, 5, 6, 8, 9, 7, 13, 14, 10, 15, 16, 11, 17, 18, 12, 19, 25, 20, 27, 28, 21, 31, 34,
    22, 35, 38, 23, 24, 26, 29, 30, 32, 33, 36, 37, 39, 40,
];

/// Limit on the clips per class. Three cameras, forty performers, all setups and 999 replications give twice as many names,
/// and few of them are on the list of missing skeletons.
pub const PER_CLASS: usize = 1_000_000;

/// The name of the `number`-th clip of a class (both 0-based). The performer changes with every clip, the camera with nearly
/// every clip.
pub fn numbered(class: usize, number: usize) -> Name {
    let people = PERFORMERS.len();
    let (who, round) = (number % people, number / people);
    Name {
        setup: round / 3 % SETUPS + 1,
        // A Latin square: neighbours differ, and each performer has all three cameras after three rounds.
        camera: (who + who / 3 + round) % 3 + 1,
        performer: PERFORMERS.get(who).copied().unwrap_or(1),
        replication: round / 3 / SETUPS + 1,
        action: class + 1,
    }
}

/// Quantiles (0, 5, 10, …, 100 %) of the lengths of the 56,578 usable clips of NTU RGB+D 60, clamped to 30 and 250.
const LENGTHS: [f32; 21] = [
    30.0, 48.0, 53.0, 56.0, 59.0, 62.0, 65.0, 67.0, 70.0, 73.0, 76.0, 79.0, 83.0, 87.0, 92.0, 98.0,
    105.0, 114.0, 128.0, 149.0, 250.0,
];

/// Draws a frame count from the distribution of real clips: 30 to 250, median 76.
pub fn draw_frame_count(rng: &mut Rng) -> usize {
    let at = rng.unit() * (LENGTHS.len() - 1) as f32;
    let low = at as usize;
    let [a, b] = [low, low + 1].map(|i| LENGTHS.get(i).copied().unwrap_or(250.0));
    (a + (b - a) * (at - low as f32)).round() as usize
}

/// The mean of [`draw_frame_count`].
pub fn mean_frames() -> f64 {
    let [ends, all]: [f32; 2] = [
        LENGTHS[0] + LENGTHS[LENGTHS.len() - 1],
        LENGTHS.iter().sum(),
    ];
    f64::from(all - ends / 2.0) / (LENGTHS.len() - 1) as f64
}

/// Reads clip names and frame counts from a CSV file with two columns and an optional header line.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read; [`Error::Input`] for a row that is not a name and a frame count from 1 to
/// 100,000, for duplicate names, and for a file without clips.
pub fn read_csv(path: &Path) -> Result<Vec<(Name, usize)>> {
    let help = "write lines such as S001C001P001R001A001,103";
    let bad = |e: csv::Error| {
        let line = e.position().map(|p| p.line() as usize);
        match e.into_kind() {
            csv::ErrorKind::Io(source) => Error::io(path, "read", source),
            kind => Error::input(
                Place {
                    line,
                    ..Place::file(path)
                },
                format!("not a table: {kind:?}"),
                help,
            ),
        }
    };
    let mut table = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_path(path)
        .map_err(bad)?;
    let mut rows: Vec<(Name, usize)> = Vec::new();
    for (index, row) in table.records().enumerate() {
        let row = row.map_err(bad)?;
        let name = row.get(0).and_then(|text| parse(text.trim()));
        let frames = row
            .get(1)
            .and_then(|text| text.trim().parse::<usize>().ok());
        match (name, frames) {
            (Some(name), Some(frames @ 1..=100_000)) => rows.push((name, frames)),
            (None, None) if index == 0 => {}
            _ => {
                let line = row.position().map_or(index + 1, |p| p.line() as usize);
                return Err(Error::input(
                    Place::file(path).line(line),
                    "not a clip name and a frame count",
                    help,
                ));
            }
        }
    }
    rows.sort_unstable();
    if let Some([twice, _]) = rows.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let what = format!("duplicate clip {}", twice.0);
        return Err(Error::input(
            Place::file(path),
            what,
            "remove one of the two lines",
        ));
    }
    if rows.is_empty() {
        return Err(Error::input(Place::file(path), "no clips", help));
    }
    Ok(rows)
}

/// Parses `SsssCcccPpppRrrrAaaa`, with or without `.skeleton`.
fn parse(text: &str) -> Option<Name> {
    let text = text.strip_suffix(".skeleton").unwrap_or(text);
    if text.len() != 20 {
        return None;
    }
    let part = |at: usize, letter: &str| -> Option<usize> {
        let digits = text.get(at..at + 4)?.strip_prefix(letter)?;
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        digits.parse().ok().filter(|&n| n > 0)
    };
    Some(Name {
        setup: part(0, "S")?,
        camera: part(4, "C")?,
        performer: part(8, "P")?,
        replication: part(12, "R")?,
        action: part(16, "A").filter(|&a| a <= super::motion::CLASSES)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_do_not_repeat() {
        let names: BTreeSet<_> = (0..10_000).map(|i| numbered(0, i)).collect();
        assert_eq!(names.len(), 10_000);
        assert!(
            names
                .iter()
                .all(|n| (1..=3).contains(&n.camera) && n.setup <= SETUPS)
        );
        assert_eq!(
            names
                .iter()
                .map(|n| (n.camera, n.performer))
                .collect::<BTreeSet<_>>()
                .len(),
            120
        );
    }

    #[test]
    fn names_go_both_ways() {
        let name = numbered(7, 123);
        assert_eq!(parse(&name.to_string()), Some(name));
        assert_eq!(parse(&format!("{name}.skeleton")), Some(name));
        for wrong in [
            "",
            "S001C001P001R001A000",
            "S001C001P001R001A121",
            "S001C001P001R001A+01",
            "S001C001P001R001A0011",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn lengths_are_those_of_real_clips() {
        let mut rng = Rng::new(9, &[]);
        let mut counts: Vec<usize> = (0..10_000).map(|_| draw_frame_count(&mut rng)).collect();
        counts.sort_unstable();
        let mean = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
        assert!((mean / mean_frames() - 1.0).abs() < 0.02, "{mean}");
        assert!((74..=78).contains(&counts[5_000]) && counts[0] >= 30 && counts[9_999] <= 250);
    }
}
