//! `sinew demo`

use super::settings::Settings;
use super::{eval, export, prepare, report, say, synth, train};
use crate::device::Choice;
use crate::error::Result;
use crate::files;
use crate::shards::MANIFEST;
use crate::train::Run;
use std::path::PathBuf;
use std::time::Instant;

/// The whole way on a small made archive: synth, prepare, train, evaluate, export, report.
/// What an earlier demo left in the folder is used again.
///
/// Example: sinew demo
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Folder for everything that is made
    #[arg(default_value = "sinew-demo")]
    dir: PathBuf,
    /// Clips to make
    #[arg(long, default_value_t = 480)]
    clips: usize,
    /// Passes over the training clips
    #[arg(long, default_value_t = 25)]
    epochs: usize,
    /// auto, gpu, cpu, or a number that `sinew devices` lists
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

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let started = Instant::now();
    let stage = |number: usize, what: &str| {
        say(format!(
            "\n[{number}/6 at {:.0} s] {what}",
            started.elapsed().as_secs_f64()
        ))
    };
    let (archive, data) = (args.dir.join("made.zip"), args.dir.join("data"));
    let (run, weights) = (args.dir.join("run"), args.dir.join("weights.safetensors"));
    files::create_folder(&args.dir)?;
    if data.join(MANIFEST).exists() {
        stage(2, "synth and prepare: their data are there already")?;
    } else {
        stage(
            1,
            "synth: an archive of made clips in the real NTU RGB+D text format",
        )?;
        synth::run(&synth::Args {
            out: archive.clone(),
            clips: Some(args.clips),
            classes: 8,
            seed: 0,
            like: None,
        })?;
        stage(2, "prepare: the archive into checked shards")?;
        prepare::run(&prepare::Args {
            source: vec![archive.clone()],
            out: data.clone(),
            dataset: None,
            threads: 0,
            skip_bad: false,
        })?;
    }
    if Run::recipe(&run).is_ok() {
        stage(
            3,
            "train: the run is there already and goes on where it stopped",
        )?;
        train::run(&train::Args {
            resume: Some(run.clone()),
            ..train::Args::default()
        })?;
    } else {
        stage(
            3,
            "train: a Two-Stream RNN on the training people (protocol xsub)",
        )?;
        train::run(&train::Args {
            data: Some(data.clone()),
            protocol: Some("xsub".into()),
            out: Some(run.clone()),
            settings: Settings {
                set: SETTINGS.map(String::from).to_vec(),
                epochs: Some(args.epochs),
                device: Some(args.device),
                ..Settings::default()
            },
            ..train::Args::default()
        })?;
    }
    stage(4, "eval: clips of people that were never trained on")?;
    let evaluated = eval::evaluate(&eval::Args {
        run: run.clone(),
        data: None,
        protocol: None,
        checkpoint: eval::Which::Best,
        set: Vec::new(),
        device: args.device,
        json: false,
    })?;
    eval::print(&evaluated.protocol, &evaluated.report)?;
    stage(5, "export: the weights with PyTorch's names")?;
    export::run(&export::Args {
        run: run.clone(),
        out: weights.clone(),
        checkpoint: eval::Which::Best,
    })?;
    stage(
        6,
        "report: a page with curves, confusions and the clips it gets most wrong",
    )?;
    let page = run.join(report::PAGE);
    report::write(&run, &page, Some(&evaluated))?;
    say(format!(
        "\ndone in {:.0} s; top-1 {:.4}",
        started.elapsed().as_secs_f64(),
        evaluated.report.top1
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
