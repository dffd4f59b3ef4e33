//! `sinew inspect`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::progress::Progress;
use super::{say, say_json};
use crate::error::{Error, Place, Result};
use crate::files::{self, OutputKind};
use crate::report::{Contents, Facts, Key, Lengths, Listed, Measured, Source, page, strip};
use crate::text::shortened;
use crate::train::check_output;
use indicatif::HumanCount;
use serde_json::json;

/// Counts what an archive, a folder, a clip or prepared data holds, or draws one clip.
///
/// Of prepared data the manifest is read alone; of an archive every clip, on all cores. A clip that is drawn becomes a page
/// that plays it (NAME.html) and a strip of poses (NAME.svg).
///
/// Example: sinew inspect ntu60
///
/// Example: sinew inspect nturgbd_skeletons_s001_to_s017.zip --clip S001C001P001R001A050
#[derive(clap::Args)]
pub struct Args {
    /// An archive, a folder of clips, a clip, or prepared data
    path: PathBuf,
    /// The clip to draw
    #[arg(long, value_name = "NAME")]
    clip: Option<String>,
    /// Where the drawing goes: FILE.html and FILE.svg; without it the clip's name, in this folder
    #[arg(long, value_name = "FILE", requires = "clip")]
    out: Option<PathBuf>,
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let source = Source::open(&args.path)?;
    match &args.clip {
        Some(clip) => draw(args, &source, clip),
        None => count(args, &source),
    }
}

/// Counts everything. What the list of clips says is printed before the clips are read.
fn count(args: &Args, source: &Source) -> Result<()> {
    let listed = Listed::of(source);
    if !args.json {
        say_listed(&args.path, &listed)?;
    }
    let measured = {
        let progress = Progress::new("inspect", listed.clips);
        Measured::of(source, &|done, total| progress.at(done, total))
    };
    let mut contents = Contents { listed, measured };
    let problem = contents.measured.first_problem.take();
    if args.json {
        say_json(&contents)?;
    } else {
        say_measured(&contents.measured)?;
    }
    match problem {
        None => Ok(()),
        Some(problem) => {
            let what = format!(
                "{} of {} clips cannot be read; the first: {problem}",
                contents.measured.unreadable,
                contents.measured.read + contents.measured.unreadable
            );
            Err(Error::input(
                Place::file(&args.path),
                what,
                "`sinew check` lists all",
            ))
        }
    }
}

fn say_listed(path: &Path, listed: &Listed) -> Result<()> {
    let kind = if listed.kind == "prepared" {
        "prepared data"
    } else {
        "a source"
    };
    say(format!(
        "{}: {kind} of the kind {}",
        path.display(),
        listed.dataset
    ))?;
    say(format!(
        "array    [bodies, frames, joints, 3] {}, one a clip; NaN where a body is absent",
        listed.dtype
    ))?;
    say(format!(
        "layout   {}, {} joints; unit: {}; up: {}",
        listed.layout, listed.joints, listed.unit, listed.up
    ))?;
    say(format!("clips    {}", HumanCount(listed.clips as u64)))?;
    let left_out = [
        (
            listed.missing,
            "left out, on the authors' list of missing skeletons",
        ),
        (listed.skipped, "left out when it was prepared, bad entries"),
        (listed.ignored, "files that are no clips"),
    ];
    for (count, what) in left_out.into_iter().filter(|(count, _)| *count > 0) {
        say(format!("         {what}: {}", HumanCount(count as u64)))?;
    }
    for (by, keys) in &listed.by {
        say(format!("{by:11}  {}", spread(keys)))?;
    }
    let there: Vec<_> = listed
        .classes
        .iter()
        .filter(|class| class.clips > 0)
        .collect();
    say(format!(
        "classes  {} of {}",
        there.len(),
        listed.classes.len()
    ))?;
    let wide = there
        .iter()
        .map(|class| shortened(&class.name).chars().count())
        .max()
        .unwrap_or(0);
    for class in there {
        say(format!(
            "  {:wide$}  {:>7}",
            shortened(&class.name),
            HumanCount(class.clips as u64).to_string()
        ))?;
    }
    if listed.without_class > 0 {
        say(format!(
            "  not said by the name: {}",
            HumanCount(listed.without_class as u64)
        ))?;
    }
    Ok(())
}

/// Clips by a few keys one by one, by many as a range.
fn spread(keys: &BTreeMap<Key, usize>) -> String {
    const FEW: usize = 8;
    if keys.len() <= FEW {
        let each = keys.iter().map(|(key, clips)| match key {
            Key::Number(number) => format!("{number}: {}", HumanCount(*clips as u64)),
            Key::Name(name) => format!("{}: {}", shortened(name), HumanCount(*clips as u64)),
        });
        return each.collect::<Vec<_>>().join(", ");
    }
    let (least, most) = (keys.values().min().copied(), keys.values().max().copied());
    format!(
        "{}, each in {} to {} clips",
        keys.len(),
        least.unwrap_or(0),
        most.unwrap_or(0)
    )
}

fn say_measured(measured: &Measured) -> Result<()> {
    say(format!(
        "read     {} clips: {} frames, {} bodies",
        HumanCount(measured.read as u64),
        HumanCount(measured.frames as u64),
        HumanCount(measured.bodies as u64)
    ))?;
    let with = |from: usize, to: usize| -> u64 {
        let clips = measured.bodies_per_clip.range(from..=to);
        clips.map(|(_, clips)| *clips as u64).sum()
    };
    say(format!(
        "bodies   clips with 1: {}, with 2: {}, with 3 or more: {}",
        HumanCount(with(1, 1)),
        HumanCount(with(2, 2)),
        HumanCount(with(3, usize::MAX))
    ))?;
    if measured.unreadable > 0 {
        let count = HumanCount(measured.unreadable as u64);
        say(format!(
            "         cannot be read, those without any body included: {count}"
        ))?;
    }
    if let Some(lengths) = &measured.lengths {
        say(format!(
            "frames   min {}, median {}, max {}",
            lengths.min, lengths.median, lengths.max
        ))?;
        bars(lengths)?;
    }
    Ok(())
}

/// A histogram in text.
fn bars(lengths: &Lengths) -> Result<()> {
    const WIDEST: usize = 48;
    let most = lengths
        .histogram
        .iter()
        .map(|bin| bin.clips)
        .max()
        .unwrap_or(0)
        .max(1);
    for bin in &lengths.histogram {
        let range = if bin.from == bin.to {
            bin.to.to_string()
        } else {
            format!("{}-{}", bin.from, bin.to)
        };
        // Whatever is there is seen.
        let bar = "#".repeat((bin.clips * WIDEST).div_ceil(most));
        let clips = HumanCount(bin.clips as u64).to_string();
        say(format!("  {range:>11} {clips:>8} {bar}").trim_end())?;
    }
    Ok(())
}

/// Draws a clip and says what it is.
fn draw(args: &Args, source: &Source, name: &str) -> Result<()> {
    let found = source.clip(name)?;
    let facts = Facts::of(source, &found);
    let (html, svg) = targets(args.out.as_deref(), &facts.clip);
    check_output(&html, OutputKind::Page)?;
    check_output(&svg, OutputKind::Picture)?;
    files::write(&html, page(source, &found, &facts).as_bytes())?;
    files::write(&svg, strip(source, &found, &facts).as_bytes())?;
    if args.json {
        let mut value = serde_json::to_value(&facts).unwrap_or_default();
        if let Some(value) = value.as_object_mut() {
            value.insert("html".into(), json!(html));
            value.insert("svg".into(), json!(svg));
        }
        return say_json(&value);
    }
    say_facts(&facts)?;
    say(format!("page     {}", html.display()))?;
    say(format!("strip    {}", svg.display()))
}

fn say_facts(facts: &Facts) -> Result<()> {
    say(format!(
        "{}: {}",
        facts.clip,
        facts.class.as_deref().unwrap_or("class unknown")
    ))?;
    say(format!(
        "array    [{}, {}, {}, 3] float32: bodies, frames, joints, xyz",
        facts.bodies, facts.frames, facts.joints
    ))?;
    for (axis, at) in ["x", "y", "z"].iter().zip(0..3) {
        let (low, high) = (facts.extent.low[at], facts.extent.high[at]);
        say(format!("{axis}        {low:.3} to {high:.3}"))?;
    }
    say(format!("unit     {}", facts.unit))?;
    for (body, track) in facts.tracks.iter().enumerate() {
        let role = track.actor.map_or("not an actor".into(), |actor| {
            format!("actor {}", actor + 1)
        });
        let when = track.span.map_or("never there".into(), |[first, last]| {
            format!("frames {first} to {last}, there in {}", track.frames)
        });
        say(format!(
            "body {}   id {}, {when}: {role}",
            body + 1,
            track.id
        ))?;
    }
    say(format!(
        "actors   {} by the rule {:?}",
        facts.actors, facts.actor_rule
    ))
}

/// Characters of a clip's name in the name of a file, which can have 255 bytes.
const FILE_NAME: usize = 50;

/// The two files of a drawing. A clip's name may hold what a file name may not, and be longer.
fn targets(out: Option<&Path>, name: &str) -> (PathBuf, PathBuf) {
    let base = match out {
        Some(out) => match out.extension().and_then(|extension| extension.to_str()) {
            Some("html" | "svg") => out.with_extension(""),
            _ => out.to_path_buf(),
        },
        None => {
            let fit = |c: char| {
                if c.is_alphanumeric() || "-_.".contains(c) {
                    c
                } else {
                    '_'
                }
            };
            let name: String = name.chars().take(FILE_NAME).map(fit).collect();
            PathBuf::from(format!(
                "{}{name}",
                if name.starts_with('.') { "_" } else { "" }
            ))
        }
    };
    let with = |extension: &str| {
        let mut file = base.clone().into_os_string();
        file.push(extension);
        PathBuf::from(file)
    };
    (with(".html"), with(".svg"))
}
