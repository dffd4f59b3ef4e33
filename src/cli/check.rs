//! `sinew check`

use super::progress::Progress;
use super::{say, say_json, tell};
use crate::error::{Error, Result};
use crate::prepare::{Kind, check, kind};
use crate::text::counted;
use crate::train::{check_run, check_weights, mend_run};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Lists everything wrong with an archive, prepared data, a run or a file of weights; exit code 1 if anything is.
///
/// Example: sinew check ntu60
///
/// Example: sinew check runs/first --mend
#[derive(clap::Args)]
pub struct Args {
    /// An archive, a folder of clips, prepared data, a run, or weights
    path: PathBuf,
    /// Mend a run first: write a damaged or edited config.toml anew from the newest checkpoint, and drop damaged lines and
    /// records of metrics, timing and event files; each thing done or lost is said
    #[arg(long)]
    mend: bool,
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let mut mended = Vec::new();
    if args.mend {
        if matches!(kind(&args.path), Kind::Prepared) {
            let what = format!("{} holds prepared data", args.path.display());
            let help = "--mend is for runs; prepare the data again instead";
            return Err(Error::usage(what, help));
        }
        mended = mend_run(&args.path)?;
        mended.iter().for_each(tell);
    }
    let (what, count, problems, warnings) = match kind(&args.path) {
        Kind::Run => {
            let found = check_run(&args.path);
            ("file", found.checked, found.problems, found.warnings)
        }
        Kind::Source if is_weights(&args.path) => {
            let found = check_weights(&args.path);
            ("file", found.checked, found.problems, found.warnings)
        }
        _ => {
            let progress = Progress::new("check", 0);
            let checked = check(&args.path, None, 0, &|done, total| progress.at(done, total));
            ("clip", checked.clips, checked.problems, checked.warnings)
        }
    };
    for warning in &warnings {
        tell(format!("warning: {warning}"));
    }
    if args.json {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        let mut value = json!({
            "path": args.path, "checked": count, "problems": problems, "warnings": warnings,
        });
        if args.mend {
            value["mended"] = json!(mended);
        }
        say_json(&value)?;
    }
    if problems.is_empty() {
        if !args.json {
            let path = args.path.display();
            say(format!(
                "{path}: {}, no problems found",
                counted(count, what)
            ))?;
        }
        return Ok(());
    }
    let found = counted(problems.len(), "problem");
    let summary = format!("{}: {found} found", args.path.display());
    Err(Error::Several {
        summary,
        errors: problems,
    })
}

fn is_weights(path: &Path) -> bool {
    path.is_file() && path.extension().is_some_and(|end| end == "safetensors")
}
