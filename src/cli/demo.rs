//! `sinew demo`

use super::settings::SettingsArgs;
use super::{eval, export, prepare, say, synth, tell, train};
use crate::crossval::interrupted;
use crate::device::{Choice, open};
use crate::error::{Error, Place, Result};
use crate::evaluate::{EvaluateOptions, test_clips};
use crate::files;
use crate::loader::Protocol;
use crate::report::write_run_page;
use crate::shards::{MANIFEST, Prepared};
use crate::text::counted;
use crate::train::{CheckpointChoice, REPORT_PAGE, Run};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Runs the full pipeline on a small synthetic archive: synth, prepare, train, eval, export, report.
/// Results of an earlier demo in the folder are reused.
///
/// Example: sinew demo
#[derive(clap::Args)]
pub struct Args {
    /// Folder for all output
    #[arg(default_value = "sinew-demo")]
    dir: PathBuf,
    /// Clips to generate
    #[arg(long, default_value_t = 480)]
    clips: usize,
    /// Epochs
    #[arg(long, default_value_t = 25)]
    epochs: usize,
    /// auto, gpu, cpu, or an index from `sinew devices`
    #[arg(long, default_value = "auto")]
    device: Choice,
}

/// Settings that keep the demo short on two cores.
const SETTINGS: [&str; 7] = [
    "model.hidden=64",
    "data.frames=50",
    "data.test_clips=1",
    "train.batch=32",
    "train.lr=0.004",
    "train.eval_every=5",
    "schedule.warmup=2",
];

/// Some subjects are trained on, the others are tested.
const PROTOCOL: Protocol = Protocol::Xsub;

/// What the demo writes in its folder.
const MADE: [&str; 5] = [
    ARCHIVE,
    EARLIER_ARCHIVE,
    "data",
    "run",
    "weights.safetensors",
];

const ARCHIVE: &str = "synthetic.zip";

/// The archive's name in demos of earlier versions.
const EARLIER_ARCHIVE: &str = "made.zip";

/// Refuses a folder that holds anything but an earlier demo.
fn refuse_others(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let refused = |error| Error::io(folder, "read the folder", error);
    for entry in std::fs::read_dir(folder).map_err(refused)? {
        let path = entry.map_err(refused)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !MADE.contains(&&*name) && !files::is_leftover(&path) {
            let what = format!("contains other files, such as {name}");
            let help = "choose a new folder, or that of an earlier demo";
            return Err(Error::input(Place::file(folder), what, help));
        }
    }
    Ok(())
}

/// The message of an interrupted training: the demo itself continues it.
fn again(error: Error) -> Error {
    match error {
        Error::Interrupted(_) => interrupted(),
        other => other,
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let started = Instant::now();
    let stage = |number: usize, what: &str| {
        say(format!(
            "\n[{number}/6 at {:.0} s] {what}",
            started.elapsed().as_secs_f64()
        ))
    };
    let earlier = args.dir.join(EARLIER_ARCHIVE);
    let archive = match earlier.exists() {
        true => earlier,
        false => args.dir.join(ARCHIVE),
    };
    let data = args.dir.join("data");
    let (run, weights) = (args.dir.join("run"), args.dir.join("weights.safetensors"));
    let settings = SettingsArgs {
        set: SETTINGS.map(String::from).to_vec(),
        epochs: Some(args.epochs),
        device: Some(args.device),
        ..SettingsArgs::default()
    };
    // Refuse bad options before anything is written.
    settings.layered(Some(PROTOCOL))?;
    open(args.device)?;
    refuse_others(&args.dir)?;
    files::create_folder(&args.dir)?;
    if data.join(MANIFEST).exists() {
        stage(2, "synth and prepare: using the data of an earlier demo")?;
        let there = Prepared::open(&data)?.manifest().clips.len();
        if there != args.clips {
            let what = format!(
                "{} contains a demo with {}",
                args.dir.display(),
                counted(there, "clip")
            );
            let help = format!("choose another folder, or use --clips {there}");
            return Err(Error::failed(what, help));
        }
    } else {
        stage(
            1,
            "synth: an archive of synthetic clips in the NTU RGB+D format",
        )?;
        synth::generate(&synth::Args {
            out: archive.clone(),
            clips: Some(args.clips),
            classes: 8,
            seed: 0,
            like: None,
        })?;
        stage(2, "prepare: the archive into prepared data")?;
        prepare::run(&prepare::Args {
            source: vec![archive.clone()],
            out: data.clone(),
            dataset: None,
            threads: 0,
            skip_bad: false,
        })?;
    }
    if let Ok(stored) = Run::settings_of(&run) {
        stage(3, "train: resuming the run of an earlier demo")?;
        train::run(&train::Args {
            resume: Some(run.clone()),
            settings: SettingsArgs {
                epochs: (args.epochs > stored.train.epochs).then_some(args.epochs),
                ..SettingsArgs::default()
            },
            ..train::Args::default()
        })
        .map_err(again)?;
    } else {
        stage(
            3,
            "train: a Two-Stream RNN on the training subjects (protocol xsub)",
        )?;
        if test_clips(PROTOCOL, &Prepared::open(&data)?).is_err() {
            let what = format!("none of the {} clips shows a test subject", args.clips);
            return Err(Error::failed(
                what,
                "remove the folder, and use more --clips",
            ));
        }
        train::run(&train::Args {
            data: Some(data.clone()),
            protocol: Some(PROTOCOL.to_string()),
            out: Some(run.clone()),
            settings,
            ..train::Args::default()
        })
        .map_err(again)?;
    }
    stage(4, "eval: clips of subjects that were not trained on")?;
    let mut options = EvaluateOptions::new(&run);
    options.device = args.device;
    let evaluation = eval::reported(&options)?;
    eval::print(evaluation.protocol, &evaluation.report)?;
    stage(5, "export: the weights with PyTorch's names")?;
    export::run(&export::Args {
        run: run.clone(),
        out: weights.clone(),
        checkpoint: CheckpointChoice::Best,
    })?;
    stage(
        6,
        "report: a page with curves, confusions and the worst predictions",
    )?;
    let page = run.join(REPORT_PAGE);
    let mut warn = |text: String| tell(format!("warning: {text}"));
    write_run_page(&run, &page, Some(&evaluation), &mut warn)?;
    say(format!(
        "\ndone in {:.0} s; top-1 {:.4}",
        started.elapsed().as_secs_f64(),
        evaluation.report.top1
    ))?;
    for (what, path) in [
        ("archive", &archive),
        ("prepared data", &data),
        ("run", &run),
        ("weights", &weights),
        ("report", &page),
    ] {
        say(format!("  {what:13}  {}", path.display()))?;
    }
    Ok(())
}
