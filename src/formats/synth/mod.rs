//! Made archives: a kinematic body in the text format of NTU RGB+D, for demonstrations, tests and measurements.

mod body;
mod motion;
mod names;
mod plan;
mod text;

use std::cell::RefCell;
use std::io::{self, BufWriter, Cursor, Seek, Write};
use std::path::PathBuf;

use rayon::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::error::{Error, Result};
use crate::files::AtomicFile;
use crate::rng::Rng;
use body::{JOINTS, Person, Point};
use motion::Class;
use names::Name;
pub use plan::Plan;
use plan::Spec;
use text::Tracked;

/// Classes unless told otherwise.
pub const CLASSES: usize = 8;

/// The folder that the entries lie in, as in the published archives.
const FOLDER: &str = "nturgb+d_skeletons";

/// Purposes of the random streams.
const PERSON: u64 = 1;
const PARTNER: u64 = 2;
const SETUP: u64 = 3;
const CLIP: u64 = 4;

/// What to make.
#[derive(Debug, Clone)]
pub struct Options {
    /// The archive to write; one that exists is replaced when the new one is whole.
    pub out: PathBuf,
    /// Number of clips; with `like`, `None` takes every row, and fewer are taken evenly from all of them.
    pub clips: Option<usize>,
    /// Number of classes, 2 to 120; `like` brings its own.
    pub classes: usize,
    /// Same seed, same bytes.
    pub seed: u64,
    /// A CSV file of clip names and frame counts to copy.
    pub like: Option<PathBuf>,
}

/// What was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Clips, one entry each.
    pub clips: usize,
    /// Clips with two people.
    pub two_person: usize,
    /// Different classes.
    pub classes: usize,
    /// Different performers.
    pub performers: usize,
    /// Frames of all clips.
    pub frames: usize,
    /// Bytes of text before compression.
    pub text_bytes: u64,
    /// Bytes of the archive.
    pub bytes: u64,
}

/// Writes an archive of made clips: [`Plan::new`] and [`Plan::write`] in one.
///
/// # Errors
/// As both.
pub fn write(
    options: &Options,
    progress: &mut dyn FnMut(usize, usize) -> Result<()>,
) -> Result<Summary> {
    Plan::new(options)?.write(progress)
}

impl Plan {
    /// Writes the archive.
    ///
    /// Entries are made and compressed in parallel, a few at a time, and written in order of their names, so memory stays
    /// small and the bytes do not depend on the number of threads. The archive appears under its name when it is whole.
    /// `progress` is told (clips done, clips in all) and can stop the work with an error.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be written, and what `progress` returns.
    pub fn write(self, progress: &mut dyn FnMut(usize, usize) -> Result<()>) -> Result<Summary> {
        let Plan { options, specs } = &self;
        let out = &options.out;
        let refused = |e: zip::result::ZipError| Error::io(out, "write", e.into());
        let mut summary = self.summary();
        let failed = RefCell::new(None);
        let file = Latch {
            file: BufWriter::new(AtomicFile::create(out)?),
            failed: &failed,
        };
        let mut zip = ZipWriter::new_stream(file);
        if options.like.is_none() {
            // Our motions under the names of NTU's actions would mislead.
            let names: String = (0..options.classes)
                .map(|class| Class::plain(class).name() + "\n")
                .collect();
            zip.merge_archive(packed("classes.txt", names.as_bytes())?)
                .map_err(refused)?;
        }
        let mut done = 0;
        for group in specs.chunks(8 * rayon::current_num_threads()) {
            let entries: Vec<(u64, ZipArchive<Cursor<Vec<u8>>>)> = group
                .par_iter()
                .map(|spec| entry(spec, options.seed))
                .collect::<Result<_>>()?;
            for (bytes, archive) in entries {
                summary.text_bytes += bytes;
                zip.merge_archive(archive).map_err(refused)?;
            }
            if let Some(e) = failed.take() {
                return Err(Error::io(out, "write", e));
            }
            done += group.len();
            progress(done, specs.len())?;
        }
        let mut stream = zip.finish().map_err(refused)?;
        summary.bytes = stream
            .stream_position()
            .map_err(|e| Error::io(out, "write", e))?;
        if let Some(e) = failed.take() {
            return Err(Error::io(out, "write", e));
        }
        let file = stream.into_inner().file.into_inner();
        file.map_err(|e| Error::io(out, "write", e.into_error()))?
            .commit()?;
        Ok(summary)
    }
}

/// Keeps the first failure of a file for us and goes quiet: an archive that is dropped unfinished tries once more to
/// finish, and prints on the terminal what then fails.
struct Latch<'a> {
    file: BufWriter<AtomicFile>,
    failed: &'a RefCell<Option<io::Error>>,
}

impl Write for Latch<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut failed = self.failed.borrow_mut();
        if failed.is_none() {
            *failed = self.file.write_all(bytes).err();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut failed = self.failed.borrow_mut();
        if failed.is_none() {
            *failed = self.file.flush().err();
        }
        Ok(())
    }
}

fn clip_stream(seed: u64, name: &Name) -> Rng {
    let key = [
        name.setup,
        name.camera,
        name.performer,
        name.replication,
        name.action,
    ]
    .map(|n| n as u64);
    Rng::new(seed, &[CLIP, key[0], key[1], key[2], key[3], key[4]])
}

/// One clip as an archive of one entry, and the size of its text.
fn entry(spec: &Spec, seed: u64) -> Result<(u64, ZipArchive<Cursor<Vec<u8>>>)> {
    let mut text = Vec::with_capacity(spec.frames * (1 + usize::from(spec.class.pair)) * 3_200);
    text::write(&record(spec, seed), &mut text);
    let archive = packed(&format!("{}.skeleton", spec.name), &text)?;
    Ok((text.len() as u64, archive))
}

/// A file of the archive's folder as an archive of its own.
fn packed(file: &str, text: &[u8]) -> Result<ZipArchive<Cursor<Vec<u8>>>> {
    let name = format!("{FOLDER}/{file}");
    let refused = |e: zip::result::ZipError| Error::io(&name, "compress", e.into());
    let mut zip = ZipWriter::new(Cursor::new(Vec::with_capacity(text.len() / 2)));
    // The lowest level that still gives the ratio of the published archives within a few percent.
    zip.start_file(
        &name,
        SimpleFileOptions::default().compression_level(Some(4)),
    )
    .map_err(refused)?;
    zip.write_all(text)
        .map_err(|e| Error::io(&name, "compress", e))?;
    zip.finish_into_readable().map_err(refused)
}

/// What the sensor would have tracked, frame by frame.
fn record(spec: &Spec, seed: u64) -> Vec<Vec<Tracked>> {
    let mut rng = clip_stream(seed, &spec.name);
    // The count is drawn first wherever it is drawn, so the numbers that follow are fresh.
    names::frames(&mut rng);
    let performer = spec.name.performer as u64;
    let mut people = vec![Person::draw(&mut Rng::new(seed, &[PERSON, performer]))];
    if spec.class.pair {
        // A performer always acts with the same partner, so that people stay apart when performers are kept apart.
        people.push(Person::draw(&mut Rng::new(seed, &[PARTNER, performer])));
    }
    let floor = -Rng::new(seed, &[SETUP, spec.name.setup as u64]).range(0.75, 1.05);
    // The three cameras stand at 0 and ±45 degrees.
    let turn = [
        0.0,
        std::f32::consts::FRAC_PI_4,
        -std::f32::consts::FRAC_PI_4,
    ][spec.name.camera % 3];
    let tracks = motion::play(&spec.class, &people, spec.frames, turn, floor, &mut rng);

    let lost = if rng.chance(0.02) {
        span(spec.frames, 1 + rng.below(4), &mut rng)
    } else {
        0..0
    };
    let seen_as_body = if rng.chance(0.02) {
        span(spec.frames, 2 + rng.below(8), &mut rng)
    } else {
        0..0
    };
    let id = (1 << 56) + 3_000 + rng.below(7_000) as u64;
    (0..spec.frames)
        .map(|frame| {
            if lost.contains(&frame) {
                return Vec::new();
            }
            let mut bodies: Vec<Tracked> = (id..)
                .step_by(61)
                .zip(&tracks)
                .filter_map(|(id, track)| track.get(frame).map(|&joints| (id, joints)))
                .map(|(id, joints)| Tracked {
                    id,
                    joints,
                    inferred: inferred(&mut rng),
                })
                .collect();
            if seen_as_body.contains(&frame) {
                bodies.push(Tracked {
                    id: id + 17,
                    joints: furniture(),
                    inferred: (1 << JOINTS) - 1,
                });
            }
            bodies
        })
        .collect()
}

/// A stretch of frames somewhere in the inner half of a clip.
fn span(frames: usize, length: usize, rng: &mut Rng) -> std::ops::Range<usize> {
    let start = frames / 4 + rng.below((frames / 2).saturating_sub(length));
    start..(start + length).min(frames)
}

/// Hands and feet are the joints that the sensor often has to guess.
fn inferred(rng: &mut Rng) -> u32 {
    const GUESSED: u32 = 1 << 6 | 1 << 7 | 1 << 10 | 1 << 11 | 1 << 15 | 1 << 19 | 0b1111 << 21;
    rng.next_u32() & rng.next_u32() & rng.next_u32() & GUESSED
}

/// A chair that the sensor takes for a body: flat, low, still.
fn furniture() -> [Point; JOINTS] {
    std::array::from_fn(|j| {
        [
            1.1 + 0.1 * (j % 5) as f32,
            -0.6 + 0.03 * (j / 5) as f32,
            4.1,
        ]
    })
}
