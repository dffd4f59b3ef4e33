//! Inputs that tests make: clips in the NTU text format, archives of them, and a short way to prepare them.
#![allow(dead_code, reason = "each test uses its own part")]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use sinew::cli::exit_code;
use sinew::error::Result;
use sinew::formats::Dataset;
use sinew::prepare::{PrepareOptions, PrepareSummary, prepare};
use zip::write::{SimpleFileOptions, ZipWriter};

/// A clip: for each frame, the ids of its bodies.
pub fn text(frames: &[&[u64]]) -> String {
    let mut text = format!("{}\n", frames.len());
    for (frame, ids) in frames.iter().enumerate() {
        text += &format!("{}\n", ids.len());
        for id in *ids {
            text += &format!("{id} 0 1 1 1 1 0 0.02764709 0.05745083 2\n25\n");
            for joint in 0..25 {
                let [x, y, z] = coordinate(frame, *id, joint);
                text += &format!("{x} {y} {z} 277.4 191.8 1036.2 519.2 -0.2 0.05 0.97 -0.12 2\n");
            }
        }
    }
    text
}

/// What [`text`] writes for a joint.
pub fn coordinate(frame: usize, id: u64, joint: usize) -> [f32; 3] {
    let id = (id % 1000) as f32;
    [
        frame as f32 * 0.125 + id,
        joint as f32 * 0.0625 - 1.5,
        3.5 - joint as f32 * 0.25,
    ]
}

/// A clip of one body.
pub fn simple(frames: usize) -> String {
    text(&vec![&[72_057_594_037_931_101][..]; frames])
}

/// Names of some sound clips.
pub fn name(index: usize) -> String {
    format!(
        "S001C{:03}P{:03}R001A{:03}",
        index % 3 + 1,
        index % 40 + 1,
        index % 60 + 1
    )
}

/// Sound clips with one to three bodies.
pub fn sound(count: usize) -> Vec<(String, String)> {
    let clip = |index: usize| {
        let frames: Vec<Vec<u64>> = (0..10 + index % 7)
            .map(|frame| {
                (0..=(index + frame) as u64 % 3)
                    .map(|body| u64::MAX - body)
                    .collect()
            })
            .collect();
        let frames: Vec<&[u64]> = frames.iter().map(Vec::as_slice).collect();
        (format!("{}.skeleton", name(index)), text(&frames))
    };
    (0..count).map(clip).collect()
}

/// Writes a zip archive, its entries in a folder as NTU's are.
pub fn zip<N: AsRef<str>, T: AsRef<[u8]>>(path: &Path, entries: &[(N, T)]) -> PathBuf {
    let mut zip = ZipWriter::new(File::create(path).unwrap());
    for (name, text) in entries {
        let options =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        zip.start_file(format!("nturgb+d_skeletons/{}", name.as_ref()), options)
            .unwrap();
        zip.write_all(text.as_ref()).unwrap();
    }
    zip.finish().unwrap();
    path.to_path_buf()
}

/// Writes entries as files of a folder.
pub fn folder<N: AsRef<str>, T: AsRef<[u8]>>(path: &Path, entries: &[(N, T)]) -> PathBuf {
    for (name, text) in entries {
        let file = path.join(name.as_ref());
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    path.to_path_buf()
}

/// Prepares a source with two threads.
pub fn prepared(source: &Path, out: &Path) -> Result<PrepareSummary> {
    with(source, out, None, false)
}

/// Prepares a source of a kind, bad entries left out or not.
pub fn with(
    source: &Path,
    out: &Path,
    dataset: Option<Dataset>,
    skip_bad: bool,
) -> Result<PrepareSummary> {
    let mut options = PrepareOptions::new([source], out);
    options.dataset = dataset;
    options.threads = 2;
    options.skip_bad = skip_bad;
    prepare(&options, &mut |_| {})
}

/// The message of a preparation that must fail, and that it left nothing behind.
pub fn refused(source: &Path, out: &Path) -> String {
    let error = prepared(source, out).expect_err("this must not be published");
    assert_eq!(exit_code(&error), 1, "{error}");
    assert!(!out.exists(), "something was left behind after: {error}");
    error.to_string()
}

/// The data for development, where they are.
pub fn data(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data")
        .join(name);
    if !path.exists() {
        println!("skipped: {} is not here", path.display());
    }
    path.exists().then_some(path)
}
