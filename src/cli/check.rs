//! `sinew check`

use super::progress::Progress;
use super::{say, say_json};
use crate::error::{Error, Result};
use crate::prepare::{Kind, check, kind};
use crate::train;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Lists everything wrong with an archive, prepared data or a run; exit code 1 if anything is.
///
/// Example: sinew check ntu60
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// An archive, a folder of clips, prepared data, or a run
    path: PathBuf,
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let (what, count, problems) = match kind(&args.path) {
        Kind::Run => {
            let (count, problems) = run_folder(&args.path)?;
            ("checkpoints and weights", count, problems)
        }
        _ => {
            let progress = Progress::new("check", 0);
            let checked = check(&args.path, None, 0, &|done, total| progress.at(done, total));
            ("clips", checked.clips, checked.problems)
        }
    };
    if args.json {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        say_json(&json!({ "path": args.path, "checked": count, "problems": problems }))?;
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

/// Reads every checkpoint, the best weights and the metrics of a run.
fn run_folder(path: &Path) -> Result<(usize, Vec<Error>)> {
    let mut problems = Vec::new();
    let mut note = |result: Result<()>| problems.extend(result.err());
    note(train::Run::recipe(path).map(drop));
    note(train::Run::metrics(path).map(drop));
    let checkpoints = train::checkpoints(&path.join("checkpoints"))?;
    for checkpoint in &checkpoints {
        note(train::Checkpoint::load(checkpoint).map(drop));
    }
    let best = train::best(path);
    let weights = usize::from(best.exists());
    if best.exists() {
        note(crate::export::Weights::read(&best).map(drop));
    }
    Ok((checkpoints.len() + weights, problems))
}
