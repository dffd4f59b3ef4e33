//! `sinew check`

use super::reporter::Reporter;
use super::{say, say_json, tell};
use crate::check::{Checked, PathKind, check, mend};
use crate::error::{Error, Result};
use crate::text::counted;
use serde_json::json;
use std::path::PathBuf;

/// Reports problems with an archive, prepared data, a run or a weights file; exits 1 if any are found.
///
/// Example: sinew check ntu60
///
/// Example: sinew check runs/first --mend
#[derive(clap::Args)]
pub struct Args {
    /// An archive, a folder of clips, prepared data, a run, or a weights file
    path: PathBuf,
    /// Repair a run first: restore a damaged or edited config.toml from the newest checkpoint, and drop damaged lines and
    /// records of metrics, timing and event files; every repair and loss is listed
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
        mended = mend(&args.path)?;
        mended.iter().for_each(tell);
    }
    let Checked {
        kind,
        checked: count,
        problems,
        warnings,
    } = {
        let mut reporter = Reporter::new("check");
        check(&args.path, &mut |event| reporter.show(event))
    };
    let what = match kind {
        PathKind::Run | PathKind::Weights => "file",
        PathKind::Source | PathKind::Prepared => "clip",
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
