//! Benchmark of preparation, compared with only decompressing every entry and verifying its CRC.

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
use crate::text::counted;

/// Options of the benchmark.
#[derive(Debug, Clone, Default)]
pub struct PrepareBench {
    /// Archives, folders or single clips.
    pub sources: Vec<PathBuf>,
    /// Type of the sources; `None` detects it from the file names.
    pub dataset: Option<Dataset>,
    /// Numbers of threads to compare, one row each; 0 uses all cores.
    pub threads: Vec<usize>,
    /// Runs per number of threads.
    pub runs: usize,
    /// Folder for the prepared data, which is removed afterwards; `None` uses the system's folder for temporary files.
    pub out: Option<PathBuf>,
}

/// Results for one number of threads. Times are medians; spreads are minimum and maximum.
#[derive(Debug, Clone, Serialize)]
pub struct PrepareTimes {
    /// Number of threads.
    pub threads: usize,
    /// Time of a whole preparation, including writing and syncing, in seconds.
    pub seconds: f64,
    /// Minimum and maximum.
    pub seconds_spread: [f64; 2],
    /// Time of decompressing every entry and verifying its CRC, in seconds.
    pub inflate_only_seconds: f64,
    /// Minimum and maximum.
    pub inflate_only_spread: [f64; 2],
    /// Ratio of the two times; median over the runs.
    pub ratio: f64,
    /// Peak anonymous memory during preparation, in bytes, without mapped pages of the archive; only known on Linux.
    pub peak_rss: Option<u64>,
}

/// All results. The last row is repeated at the top level of the JSON.
#[derive(Debug, Clone, Serialize)]
pub struct PrepareResults {
    /// Number of clips.
    pub clips: usize,
    /// Size of the sources, in bytes.
    pub bytes_in: u64,
    /// Uncompressed size of the clips, in bytes.
    pub bytes_text: u64,
    /// The last row.
    #[serde(flatten)]
    pub last: PrepareTimes,
    /// One row per number of threads.
    pub rows: Vec<PrepareTimes>,
}

/// Measures decompression and preparation in turn. `report` receives one line per run.
///
/// # Errors
/// As [`prepare()`].
pub fn measure(options: &PrepareBench, report: &dyn Fn(&str)) -> Result<PrepareResults> {
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
            report(&format!(
                "{}, run {}: decompress {inflated:.2} s, prepare {seconds:.2} s",
                counted(threads, "thread"),
                run + 1
            ));
            inflating.push(inflated);
            preparing.push(seconds);
            ratios.push(seconds / inflated);
        }
        let ((seconds, seconds_spread), (inflate_only_seconds, inflate_only_spread)) =
            (spread(preparing), spread(inflating));
        rows.push(PrepareTimes {
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
            "no number of threads given",
            "set --threads to one or more numbers; 0 uses all cores",
        ));
    };
    Ok(PrepareResults {
        clips: catalogue.items.len(),
        bytes_in: catalogue.bytes(),
        bytes_text: text,
        last,
        rows,
    })
}

/// Decompresses every entry; returns the total size in bytes.
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

/// Runs `work`; returns its result, its duration in seconds, and the peak anonymous memory in bytes.
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
        // If no thread can be started, only the memory before the work is known.
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

/// Anonymous memory of this process in bytes, on Linux. Read directly because sysinfo reports only the total resident size,
/// which includes the mapped pages of the archive.
fn anonymous() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
