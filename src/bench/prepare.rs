//! Preparation beside what it cannot do without: inflating every entry and verifying its CRC.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde::Serialize;

use super::spread;
use crate::error::{Error, Result};
use crate::files::Scratch;
use crate::formats::{Catalogue, Dataset};
use crate::prepare::{PrepareOptions, prepare};

/// What to measure.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Archives, folders or single clips.
    pub sources: Vec<PathBuf>,
    /// Kind of the sources; none looks at their file names.
    pub dataset: Option<Dataset>,
    /// Numbers of threads, a row each; 0 takes all cores.
    pub threads: Vec<usize>,
    /// Passes of each kind.
    pub runs: usize,
    /// Folder in which prepared data are written and removed; none takes the system's for temporary files.
    pub out: Option<PathBuf>,
}

/// What was measured with one number of threads. Medians; spreads are the least and the most.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Threads that parse, or inflate.
    pub threads: usize,
    /// A whole preparation, written and synced.
    pub seconds: f64,
    /// Least and most.
    pub seconds_spread: [f64; 2],
    /// Every entry inflated, its CRC verified, nothing else.
    pub inflate_only_seconds: f64,
    /// Least and most.
    pub inflate_only_spread: [f64; 2],
    /// Median over the runs of a preparation's time over that of the inflation beside it.
    pub ratio: f64,
    /// Most bytes of anonymous memory while preparing; mapped pages of the archive don't count. Known on Linux.
    pub peak_rss: Option<u64>,
}

/// Everything that was measured; the numbers of the last row stand at the top too.
#[derive(Debug, Clone, Serialize)]
pub struct Table {
    /// Clips.
    pub clips: usize,
    /// Bytes of the sources.
    pub bytes_in: u64,
    /// Bytes of the clips' text.
    pub bytes_text: u64,
    /// The last row.
    #[serde(flatten)]
    pub last: Row,
    /// A row a number of threads.
    pub rows: Vec<Row>,
}

/// Measures, the two kinds of passes in turn. `say` hears a line a pass.
///
/// # Errors
/// What [`prepare()`] says to the sources or to the place for the prepared data.
pub fn measure(options: &Options, say: &dyn Fn(&str)) -> Result<Table> {
    let catalogue = Catalogue::open(&options.sources, options.dataset)?;
    let place = options.out.clone().unwrap_or_else(std::env::temp_dir);
    let mut rows = Vec::new();
    let mut text = 0;
    for &threads in &options.threads {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if threads == 0 { cores } else { threads };
        let (mut inflating, mut preparing, mut ratios, mut peak) = (vec![], vec![], vec![], None);
        for run in 0..options.runs.max(1) {
            let started = Instant::now();
            text = inflate(&catalogue, threads)?;
            let inflated = started.elapsed().as_secs_f64();
            let folder = Scratch::create(&place, "sinew-bench-")?;
            let mut prepared = PrepareOptions::new(&options.sources, folder.path());
            (prepared.dataset, prepared.threads) = (options.dataset, threads);
            let (result, seconds, memory) = watched(|| prepare(&prepared, &mut |_| {}));
            result?;
            peak = peak.max(memory);
            say(&format!(
                "{threads} threads, run {}: inflate {inflated:.2} s, prepare {seconds:.2} s",
                run + 1
            ));
            inflating.push(inflated);
            preparing.push(seconds);
            ratios.push(seconds / inflated);
        }
        let ((seconds, seconds_spread), (inflate_only_seconds, inflate_only_spread)) =
            (spread(preparing), spread(inflating));
        rows.push(Row {
            threads,
            seconds,
            seconds_spread,
            inflate_only_seconds,
            inflate_only_spread,
            ratio: spread(ratios).0,
            peak_rss: peak,
        });
    }
    let Some(last) = rows.last().cloned() else {
        return Err(Error::setting(
            "no number of threads is named",
            "name one, or 0 for all cores",
        ));
    };
    Ok(Table {
        clips: catalogue.items.len(),
        bytes_in: catalogue.bytes(),
        bytes_text: text,
        last,
        rows,
    })
}

/// Inflates every entry; bytes of text.
fn inflate(catalogue: &Catalogue, threads: usize) -> Result<u64> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(Error::threads)?;
    pool.install(|| {
        catalogue
            .items
            .par_iter()
            .map_init(
                || catalogue.reader(),
                |reader, item| reader.inflate(item).map(|bytes| bytes as u64),
            )
            .try_reduce(|| 0, |a, b| Ok(a + b))
    })
}

/// Runs something; its result, its seconds, and the most anonymous memory seen meanwhile.
fn watched<T>(work: impl FnOnce() -> T) -> (T, f64, Option<u64>) {
    let (peak, done) = (
        AtomicU64::new(anonymous().unwrap_or(0)),
        AtomicBool::new(false),
    );
    let (result, seconds) = std::thread::scope(|scope| {
        let watch = || {
            while !done.load(Ordering::Relaxed) {
                peak.fetch_max(anonymous().unwrap_or(0), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        // Where cannot start another thread, the memory before the work is all that is known.
        let _ = std::thread::Builder::new().spawn_scoped(scope, watch);
        let started = Instant::now();
        let result = work();
        let seconds = started.elapsed().as_secs_f64();
        done.store(true, Ordering::Relaxed);
        (result, seconds)
    });
    let peak = peak.into_inner();
    (result, seconds, (peak > 0).then_some(peak))
}

/// Anonymous memory of this process, as Linux counts it.
fn anonymous() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
