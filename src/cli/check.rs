//! `sinew check`

use super::progress::Progress;
use super::{say, say_json, tell};
use crate::error::{Error, Place, Result};
use crate::prepare::{Kind, check, kind};
use crate::train;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Lists everything wrong with an archive, prepared data or a run; exit code 1 if anything is.
///
/// Example: sinew check ntu60
#[derive(clap::Args)]
pub struct Args {
    /// An archive, a folder of clips, prepared data, or a run
    path: PathBuf,
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let (what, count, problems, warnings) = match kind(&args.path) {
        Kind::Run => {
            let (count, problems) = run_folder(&args.path);
            ("checkpoints and weights", count, problems, Vec::new())
        }
        _ => {
            let progress = Progress::new("check", 0);
            let checked = check(&args.path, None, 0, &|done, total| progress.at(done, total));
            ("clips", checked.clips, checked.problems, checked.warnings)
        }
    };
    for warning in &warnings {
        tell(format!("warning: {warning}"));
    }
    if args.json {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        say_json(&json!({
            "path": args.path, "checked": count, "problems": problems, "warnings": warnings,
        }))?;
    }
    if problems.is_empty() {
        if !args.json {
            say(format!("{}: {count} {what}, all well", args.path.display()))?;
        }
        return Ok(());
    }
    let summary = format!("{}: {} wrong", args.path.display(), problems.len());
    Err(Error::Several {
        summary,
        errors: problems,
    })
}

/// Reads everything of a run: settings, numbers, checkpoints, and the best weights where an epoch gave some. Returns how
/// many checkpoints and weights are whole.
fn run_folder(path: &Path) -> (usize, Vec<Error>) {
    let mut problems = Vec::new();
    let mut note = |result: Result<()>| problems.extend(result.err());
    note(train::Run::recipe(path).map(drop));
    let metrics = train::Run::metrics(path);
    let written = matches!(&metrics, Ok(epochs) if epochs.iter().any(|epoch| epoch.best));
    note(metrics.map(drop));
    note(train::Run::timing(path).map(drop));
    let folder = path.join("checkpoints");
    let checkpoints = train::checkpoints(&folder);
    let mut whole = 0;
    for checkpoint in checkpoints.as_ref().into_iter().flatten() {
        let loaded = train::Checkpoint::load(checkpoint).map(drop);
        // Beside a training, an old one may be gone by now.
        if loaded.is_ok() || checkpoint.exists() {
            whole += usize::from(loaded.is_ok());
            note(loaded);
        }
    }
    if whole == 0 && checkpoints.is_ok() {
        let what = "no whole checkpoint, so that it cannot go on";
        note(Err(Error::input(Place::file(&folder), what, "train anew")));
    }
    let best = train::best(path);
    if written || best.exists() {
        note(crate::export::Weights::read(&best).map(drop));
    }
    note(checkpoints.map(drop));
    (whole + usize::from(best.exists()), problems)
}
