//! The command line: one file per command. Commands parse arguments, call the library and print results.

mod bench;
mod check;
mod crossval;
mod demo;
mod devices;
mod eval;
mod export;
mod inspect;
mod layouts;
mod predict;
mod prepare;
mod progress;
mod report;
mod reporter;
mod settings;
mod signals;
mod synth;
mod train;

use crate::device::share_cores;
use crate::error::{Error, Result, printable};
use crate::train::ranks::refuse_several;
use clap::{Parser, Subcommand};
use serde::Serialize;
use std::fmt::Display;
use std::io::Write;

/// Trains the Two-Stream RNN for skeleton action recognition on any GPU.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Args),
    Devices(devices::Args),
    Layouts(layouts::Args),
    Synth(synth::Args),
    Prepare(prepare::Args),
    Check(check::Args),
    Inspect(inspect::Args),
    Train(Box<train::Args>),
    Crossval(Box<crossval::Args>),
    Eval(eval::Args),
    Predict(predict::Args),
    Export(export::Args),
    Report(report::Args),
    #[command(subcommand)]
    Bench(bench::Command),
}

/// Runs the command that the process was started with.
///
/// # Errors
/// Any error of the command. Invalid arguments end the process with exit code 2 and clap's message.
pub fn run() -> Result<()> {
    let command = Cli::parse().command;
    signals::install_handlers(match command {
        Command::Prepare(_) | Command::Crossval(_) | Command::Demo(_) => {
            "finished work is kept; run the same command to continue"
        }
        _ => "unfinished files were removed",
    })?;
    if !matches!(command, Command::Train(_)) {
        refuse_several()?;
        share_cores(1)?;
    }
    match command {
        Command::Demo(args) => demo::run(&args),
        Command::Devices(args) => devices::run(&args),
        Command::Layouts(args) => layouts::run(&args),
        Command::Synth(args) => synth::run(&args),
        Command::Prepare(args) => prepare::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Crossval(args) => crossval::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Bench(command) => bench::run(&command),
    }
}

/// The process exit code after an error: 1 the work failed, 2 bad usage, 130 interrupted.
#[must_use]
pub fn exit_code(error: &Error) -> u8 {
    match error {
        Error::Usage { .. } => 2,
        Error::Interrupted(_) => 130,
        _ => 1,
    }
}

/// Prints a line on standard output. A closed pipe, as with `head`, is not an error.
fn say(line: impl AsRef<str>) -> Result<()> {
    match writeln!(std::io::stdout(), "{}", printable(line.as_ref())) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|e| Error::io("standard output", "write", e)),
    }
}

/// Prints a line on standard error with a single write, so that lines of several processes do not mix in a shared pipe.
/// Errors are ignored.
pub fn tell(line: impl Display) {
    let line = format!("{}\n", printable(&line.to_string()));
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Prints one JSON value.
fn say_json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Error::failed(format!("cannot format the result: {e}"), "report this bug"))?;
    say(text)
}
