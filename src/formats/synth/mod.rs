//! Synthetic archives: a kinematic body in the text format of NTU RGB+D, for demonstrations, tests and benchmarks.

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
pub use plan::ArchivePlan;
use plan::ClipSpec;
use text::Tracked;

/// Default number of classes.
pub const CLASSES: usize = 8;

/// The folder of the entries, as in the published archives.
const FOLDER: &str = "nturgb+d_skeletons";

/// Purposes of the random streams.
const PERSON: u64 = 1;
const PARTNER: u64 = 2;
const SETUP: u64 = 3;
const CLIP: u64 = 4;

/// Options of a synthetic archive.
#[derive(Debug, Clone)]
pub struct SynthOptions {
    /// The archive to write; an existing file is replaced once the new one is complete.
    pub out: PathBuf,
    /// Number of clips. With `like`, `None` uses every row, and a smaller number is spread evenly over the rows.
    pub clips: Option<usize>,
    /// Number of classes, 2 to 120; ignored with `like`.
    pub classes: usize,
    /// Random seed. The same seed gives the same bytes.
    pub seed: u64,
    /// A CSV file with clip names and frame counts to reproduce.
    pub like: Option<PathBuf>,
}

/// What an archive contains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SynthSummary {
    /// Number of clips, one entry each.
    pub clips: usize,
    /// Number of clips with two people.
    pub two_person: usize,
    /// Number of classes.
    pub classes: usize,
    /// Number of performers.
    pub performers: usize,
    /// Number of frames of all clips.
    pub frames: usize,
    /// Uncompressed size, in bytes.
    pub text_bytes: u64,
    /// Size of the archive, in bytes.
    pub bytes: u64,
}

/// Writes a synthetic archive: [`ArchivePlan::new`] followed by [`ArchivePlan::write`].
///
/// # Errors
/// As these two.
pub fn write(
    options: &SynthOptions,
    progress: &mut dyn FnMut(usize, usize) -> Result<()>,
) -> Result<SynthSummary> {
    ArchivePlan::new(options)?.write(progress)
}

impl ArchivePlan {
    /// Writes the archive.
    ///
    /// Entries are generated and compressed in parallel, a few at a time, and written in the order of their names, so memory
    /// stays small and the bytes do not depend on the number of threads. The archive appears under its name once it is
    /// complete. `progress` receives (clips done, total clips) and can stop the work by returning an error.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written, and any error of `progress`.
    pub fn write(
        self,
        progress: &mut dyn FnMut(usize, usize) -> Result<()>,
    ) -> Result<SynthSummary> {
        let ArchivePlan { options, specs } = &self;
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
            // The names of NTU's actions would not fit the synthetic motions.
            let names: String = (0..options.classes)
                .map(|class| Class::numbered(class).name() + "\n")
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

/// Records the first error of a file and reports success from then on: a `ZipWriter` that is dropped unfinished tries to
/// finish, and would print that error on the terminal.
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
fn entry(spec: &ClipSpec, seed: u64) -> Result<(u64, ZipArchive<Cursor<Vec<u8>>>)> {
    let mut text = Vec::with_capacity(spec.frames * (1 + usize::from(spec.class.pair)) * 3_200);
    text::write_clip(&record(spec, seed), &mut text);
    let archive = packed(&format!("{}.skeleton", spec.name), &text)?;
    Ok((text.len() as u64, archive))
}

/// One file in the archive's folder, as an archive of one entry.
fn packed(file: &str, text: &[u8]) -> Result<ZipArchive<Cursor<Vec<u8>>>> {
    let name = format!("{FOLDER}/{file}");
    let refused = |e: zip::result::ZipError| Error::io(&name, "compress", e.into());
    let mut zip = ZipWriter::new(Cursor::new(Vec::with_capacity(text.len() / 2)));
    // The lowest level whose compression ratio is within a few percent of that of the published archives.
    zip.start_file(
        &name,
        SimpleFileOptions::default().compression_level(Some(4)),
    )
    .map_err(refused)?;
    zip.write_all(text)
        .map_err(|e| Error::io(&name, "compress", e))?;
    zip.finish_into_readable().map_err(refused)
}

/// The bodies that the sensor would track, frame by frame.
fn record(spec: &ClipSpec, seed: u64) -> Vec<Vec<Tracked>> {
    let mut rng = clip_stream(seed, &spec.name);
    // The plan drew the frame count from the start of this stream; skip it.
    names::draw_frame_count(&mut rng);
    let performer = spec.name.performer as u64;
    let mut people = vec![Person::draw(&mut Rng::new(seed, &[PERSON, performer]))];
    if spec.class.pair {
        // A performer always has the same partner, so splits by performer also separate partners.
        people.push(Person::draw(&mut Rng::new(seed, &[PARTNER, performer])));
    }
    let floor = -Rng::new(seed, &[SETUP, spec.name.setup as u64]).range(0.75, 1.05);
    // The three cameras stand at 0 and ±45 degrees.
    let turn = [
        0.0,
        std::f32::consts::FRAC_PI_4,
        -std::f32::consts::FRAC_PI_4,
    ][spec.name.camera % 3];
    let tracks = motion::animate(&spec.class, &people, spec.frames, turn, floor, &mut rng);

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

/// A range of frames that starts in the inner half of a clip.
fn span(frames: usize, length: usize, rng: &mut Rng) -> std::ops::Range<usize> {
    let start = frames / 4 + rng.below((frames / 2).saturating_sub(length));
    start..(start + length).min(frames)
}

/// A random set of inferred joints, among the hands and feet, which the sensor often has to guess.
fn inferred(rng: &mut Rng) -> u32 {
    const GUESSED: u32 = 1 << 6 | 1 << 7 | 1 << 10 | 1 << 11 | 1 << 15 | 1 << 19 | 0b1111 << 21;
    rng.next_u32() & rng.next_u32() & rng.next_u32() & GUESSED
}

/// A chair that the sensor mistakes for a body: flat, low and still.
fn furniture() -> [Point; JOINTS] {
    std::array::from_fn(|j| {
        [
            1.1 + 0.1 * (j % 5) as f32,
            -0.6 + 0.03 * (j / 5) as f32,
            4.1,
        ]
    })
}
