//! A line for each epoch: `metrics.jsonl` and `timing.jsonl`.

use super::checkpoint::Checkpoint;
use super::folder::{CHECKPOINTS, METRICS, TIMING};
use crate::error::{Error, Place, Result, Warning};
use crate::files;
use crate::limits::RUN_FILE_BYTES;
use crate::text::ranges;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use std::fs::OpenOptions;
use std::io::Write;
use std::ops::Range;
use std::path::Path;

/// One line of `metrics.jsonl`: an epoch's numbers, none of which a clock decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Optimisation steps done at its end.
    pub step: usize,
    /// Learning rate of its last step.
    #[serde(deserialize_with = "number")]
    pub lr: f64,
    /// Mean training loss a sample: of smoothed targets, and where posteriors are fused the two streams' losses added, so
    /// that it cannot be compared with the validation loss.
    #[serde(deserialize_with = "number")]
    pub loss: f64,
    /// Share of training samples whose class was right.
    #[serde(deserialize_with = "number")]
    pub accuracy: f64,
    /// Validation clips' top-1, where they were evaluated.
    pub validation_top1: Option<f64>,
    /// Validation clips' loss, where they were evaluated.
    pub validation_loss: Option<f64>,
    /// Whether these are the best weights so far.
    pub best: bool,
}

/// One line of `timing.jsonl`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochTiming {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Seconds of its training steps; of a run that was resumed within the epoch, of those since.
    #[serde(deserialize_with = "number")]
    pub seconds: f64,
    /// Training samples a second.
    #[serde(deserialize_with = "number")]
    pub samples_per_s: f64,
    /// Share of the time in which the device waited for data.
    #[serde(deserialize_with = "number")]
    pub data_wait: f64,
    /// Share of the time in which the ranks summed their gradients, waiting for the slowest included; 0 with one rank.
    #[serde(default, deserialize_with = "number")]
    pub exchange: f64,
}

/// JSON has no NaN and no infinity: they are written as null.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// The epoch that a line is of, or what is wrong with the line.
type EpochOf = fn(&[u8]) -> std::result::Result<usize, String>;

/// The files that have a line for each epoch.
pub(super) const EPOCH_FILES: [(&str, EpochOf); 2] = [
    (METRICS, |line| {
        parse::<EpochMetrics>(line).map(|line| line.epoch)
    }),
    (TIMING, |line| {
        parse::<EpochTiming>(line).map(|line| line.epoch)
    }),
];

fn parse<T: DeserializeOwned>(line: &[u8]) -> std::result::Result<T, String> {
    serde_json::from_slice(line).map_err(|e| e.to_string())
}

/// A whole line of a file.
pub(super) struct EpochLine {
    /// Its number, from 1.
    pub number: usize,
    /// Its bytes, the line feed included.
    pub bytes: Range<usize>,
    /// The epoch that it is of, or what is wrong with it.
    pub epoch: std::result::Result<usize, String>,
}

/// The whole lines of a file: all but a last one without a line feed, which a kill cut short.
pub(super) fn whole_lines(bytes: &[u8], epoch_of: EpochOf) -> Vec<EpochLine> {
    let mut start = 0;
    let ends = memchr::memchr_iter(b'\n', bytes);
    ends.enumerate()
        .map(|(index, end)| {
            let line = EpochLine {
                number: index + 1,
                bytes: start..end + 1,
                epoch: epoch_of(&bytes[start..end]),
            };
            start = end + 1;
            line
        })
        .collect()
}

/// The last epoch that `metrics.jsonl` has a readable line of; 0 without one.
pub(super) fn last_epoch(folder: &Path) -> Result<usize> {
    let [(name, epoch_of), _] = EPOCH_FILES;
    let bytes = files::bytes_if_there(&folder.join(name), RUN_FILE_BYTES)?;
    let lines = whole_lines(&bytes.unwrap_or_default(), epoch_of);
    Ok(lines
        .into_iter()
        .filter_map(|line| line.epoch.ok())
        .max()
        .unwrap_or(0))
}

/// That lines of finished epochs are missing from a run's metrics; none where they are complete, or where no checkpoint
/// tells how many there should be.
#[must_use]
pub fn lost_epochs(run: &Path, metrics: &[EpochMetrics]) -> Option<Warning> {
    let newest = Checkpoint::newest(&run.join(CHECKPOINTS), &mut |_| ()).ok()?;
    let there = |epoch: &usize| metrics.iter().any(|line| line.epoch == *epoch);
    let lost: Vec<usize> = (1..=newest.position.epoch).filter(|e| !there(e)).collect();
    if lost.is_empty() {
        return None;
    }
    let what = format!("no numbers of epoch {}, which are finished", ranges(&lost));
    let help = "`sinew check RUN` says what is damaged";
    Some(Warning::new(Place::file(run.join(METRICS)), what, help))
}

/// What stays of a file when the epochs behind a position run again.
pub(super) struct KeptLines {
    /// The bytes that stay.
    pub bytes: Vec<u8>,
    /// Epochs that will not run again and of which no line can be read.
    pub lost: Vec<usize>,
    /// Whether damaged lines are among those that do not stay.
    pub damaged: bool,
}

/// Keeps the lines of the first `epochs` epochs.
pub(super) fn kept_lines(bytes: &[u8], epoch_of: EpochOf, epochs: usize) -> KeptLines {
    let mut kept = KeptLines {
        bytes: Vec::with_capacity(bytes.len()),
        lost: Vec::new(),
        damaged: false,
    };
    let mut next = 1;
    for line in whole_lines(bytes, epoch_of) {
        match line.epoch {
            Ok(epoch) if (next..=epochs).contains(&epoch) => {
                kept.lost.extend(next..epoch);
                kept.bytes.extend_from_slice(&bytes[line.bytes]);
                next = epoch + 1;
            }
            Ok(_) => {}
            Err(_) => kept.damaged = true,
        }
    }
    kept.lost.extend(next..=epochs);
    kept
}

/// The lines of a file, less a last one that a kill cut short.
///
/// # Errors
/// [`Error::Io`], or [`Error::Input`] at the first damaged line.
pub(super) fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let bytes = files::bytes_of(path, RUN_FILE_BYTES)?;
    let end = memchr::memrchr(b'\n', &bytes).unwrap_or(0);
    let lines = bytes[..end].split(|byte| *byte == b'\n');
    let numbered = lines.enumerate().filter(|_| end > 0);
    numbered
        .map(|(index, line)| {
            let place = Place::file(path).line(index + 1);
            parse(line).map_err(|what| Error::input(place, format!("damaged: {what}"), DROP))
        })
        .collect()
}

/// What to do about a damaged line.
pub(super) const DROP: &str =
    "`sinew check RUN --mend` or `sinew train --resume RUN` drops the line and keeps the rest";

/// Appends a line, which stays once this has returned.
pub(super) fn append_line(path: &Path, line: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string(line)
        .map_err(|e| Error::input(Place::file(path), e.to_string(), "report this defect"))?;
    text.push('\n');
    let file = OpenOptions::new().append(true).create(true).open(path);
    let mut file = file.map_err(|e| Error::io(path, "write", e))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_data())
        .map_err(|e| Error::io(path, "write", e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_run_again_are_dropped_in_silence() {
        let line = |epoch: usize| {
            format!("{{\"epoch\":{epoch},\"seconds\":1,\"samples_per_s\":1,\"data_wait\":0}}\n")
        };
        let (_, epoch_of) = EPOCH_FILES[1];
        let whole: String = (1..=5).map(line).collect();
        let kept = kept_lines(whole.as_bytes(), epoch_of, 3);
        assert_eq!(kept.bytes, (1..=3).map(line).collect::<String>().as_bytes());
        assert!(kept.lost.is_empty() && !kept.damaged);
        let damaged = whole.replace("epoch\":2", "epoch\":\u{e4}");
        let kept = kept_lines(damaged.as_bytes(), epoch_of, 3);
        assert_eq!((kept.lost, kept.damaged), (vec![2], true));
        assert_eq!(kept.bytes, (line(1) + &line(3)).as_bytes());
        assert_eq!(kept_lines(b"", epoch_of, 4).lost, [1, 2, 3, 4]);
        // One that says to be of an epoch that was there already.
        let twice = whole.replace("epoch\":4", "epoch\":3");
        assert_eq!(kept_lines(twice.as_bytes(), epoch_of, 5).lost, [4]);
    }
}
