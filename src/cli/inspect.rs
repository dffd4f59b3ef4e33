//! `sinew inspect`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::progress::Progress;
use super::{say, say_json};
use crate::error::{Error, Place, Result};
use crate::files::{self, OutputKind};
use crate::report::{
    ClipFacts, Contents, Key, Lengths, Listed, Measured, Source, clip_page, pose_strip,
};
use crate::text::{counted, shortened};
use crate::train::check_output;
use indicatif::HumanCount;
use serde_json::json;

/// Shows what an archive, a folder, a clip or prepared data contains, or draws one clip.
///
/// For sources, all clips are read, on all cores; for prepared data, only the manifest. With --clip, writes an HTML page that
/// plays the clip (NAME.html) and a strip of poses (NAME.svg).
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
    /// Output files FILE.html and FILE.svg [default: the name of the clip, in the current folder]
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

/// Prints the counts. Those from the list of clips are printed before the clips are read.
fn count(args: &Args, source: &Source) -> Result<()> {
    let listed = Listed::of(source);
    if !args.json {
        print_listed(&args.path, &listed)?;
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
        print_measured(&contents.measured)?;
    }
    match problem {
        None => Ok(()),
        Some(problem) => {
            let all = contents.measured.read + contents.measured.unreadable;
            let what = format!(
                "{} of {} cannot be read, the first: {problem}",
                contents.measured.unreadable,
                counted(all, "clip")
            );
            Err(Error::input(
                Place::file(&args.path),
                what,
                "run `sinew check` for a full list",
            ))
        }
    }
}

fn print_listed(path: &Path, listed: &Listed) -> Result<()> {
    let kind = if listed.kind == "prepared" {
        "prepared data"
    } else {
        "source"
    };
    say(format!(
        "{}: {kind}, type {}",
        path.display(),
        listed.dataset
    ))?;
    say(format!(
        "array    [bodies, frames, joints, 3] {} per clip; NaN if a body is absent",
        listed.dtype
    ))?;
    say(format!(
        "layout   {}, {}; unit: {}; up: {}",
        listed.layout,
        counted(listed.joints, "joint"),
        listed.unit,
        listed.up
    ))?;
    say(format!("clips    {}", HumanCount(listed.clips as u64)))?;
    let left_out = [
        (
            listed.missing,
            "left out, on the authors' list of missing skeletons",
        ),
        (listed.skipped, "left out by --skip-bad"),
        (listed.ignored, "ignored files that are not clips"),
    ];
    for (count, what) in left_out.into_iter().filter(|(count, _)| *count > 0) {
        say(format!("         {what}: {}", HumanCount(count as u64)))?;
    }
    for (by, keys) in &listed.by {
        say(format!("{by:11}  {}", spread(keys)))?;
    }
    let present: Vec<_> = listed
        .classes
        .iter()
        .filter(|class| class.clips > 0)
        .collect();
    say(format!(
        "classes  {} of {}",
        present.len(),
        listed.classes.len()
    ))?;
    let wide = present
        .iter()
        .map(|class| shortened(&class.name).chars().count())
        .max()
        .unwrap_or(0);
    for class in present {
        say(format!(
            "  {:wide$}  {:>7}",
            shortened(&class.name),
            HumanCount(class.clips as u64).to_string()
        ))?;
    }
    if listed.without_class > 0 {
        say(format!(
            "  unknown class: {}",
            HumanCount(listed.without_class as u64)
        ))?;
    }
    Ok(())
}

/// The number of clips for each of a few keys, or the range of these numbers for many keys.
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
        "{}, with {} to {} clips each",
        keys.len(),
        least.unwrap_or(0),
        most.unwrap_or(0)
    )
}

fn print_measured(measured: &Measured) -> Result<()> {
    let plural = |count: usize, one: &str, many: &str| {
        let noun = if count == 1 { one } else { many };
        format!("{} {noun}", HumanCount(count as u64))
    };
    say(format!(
        "read     {}: {}, {}",
        plural(measured.read, "clip", "clips"),
        plural(measured.frames, "frame", "frames"),
        plural(measured.bodies, "body", "bodies")
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
            "         cannot be read, including those without any body: {count}"
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
        // At least one character for bins that are not empty.
        let bar = "#".repeat((bin.clips * WIDEST).div_ceil(most));
        let clips = HumanCount(bin.clips as u64).to_string();
        say(format!("  {range:>11} {clips:>8} {bar}").trim_end())?;
    }
    Ok(())
}

/// Draws a clip and prints its summary.
fn draw(args: &Args, source: &Source, name: &str) -> Result<()> {
    let found = source.clip(name)?;
    let facts = ClipFacts::of(source, &found);
    let (html, svg) = targets(args.out.as_deref(), &facts.clip);
    check_output(&html, OutputKind::Page)?;
    check_output(&svg, OutputKind::Picture)?;
    files::write(&html, clip_page(source, &found, &facts).as_bytes())?;
    files::write(&svg, pose_strip(source, &found, &facts).as_bytes())?;
    if args.json {
        let mut value = serde_json::to_value(&facts).unwrap_or_default();
        if let Some(value) = value.as_object_mut() {
            value.insert("html".into(), json!(html));
            value.insert("svg".into(), json!(svg));
        }
        return say_json(&value);
    }
    print_facts(&facts)?;
    say(format!("page     {}", html.display()))?;
    say(format!("strip    {}", svg.display()))
}

fn print_facts(facts: &ClipFacts) -> Result<()> {
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
        let when = track.presence(facts.frames);
        say(format!(
            "body {}   id {}, {when}: {role}",
            body + 1,
            track.id
        ))?;
    }
    say(format!(
        "actors   {} (rule: {})",
        facts.actors, facts.actor_rule
    ))
}

/// Limit on the characters of a clip's name in a file name; file names are limited to 255 bytes.
const FILE_NAME: usize = 50;

/// The two output files. A clip's name may be too long for a file name, or contain characters that are not allowed there.
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
