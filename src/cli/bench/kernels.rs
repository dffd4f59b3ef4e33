//! `sinew bench kernels`

use crate::bench::kernels;
use crate::cli::{say, say_json};
use crate::device::{Choice, open};
use crate::error::Result;

/// Times one LSTM layer, ours with every plan beside Burn's own, and compares their numbers.
///
/// Example: sinew bench kernels --batch 64 --steps 100 --input 150 --hidden 128
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Rows
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// Time steps
    #[arg(long, default_value_t = 100)]
    steps: usize,
    /// Numbers of an input step
    #[arg(long, default_value_t = 150)]
    input: usize,
    /// Hidden units
    #[arg(long, default_value_t = 128)]
    hidden: usize,
    /// Timed passes a row
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// auto, gpu, cpu, or a number that `sinew devices` lists
    #[arg(long, default_value = "auto")]
    device: Choice,
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let compute = open(args.device)?;
    eprintln!("{}", compute.describe());
    let shape = kernels::Shape {
        batch: args.batch,
        steps: args.steps,
        input: args.input,
        hidden: args.hidden,
    };
    let table = kernels::measure(&compute, shape, args.runs.max(1))?;
    if args.json {
        return say_json(&table);
    }
    say(format!(
        "batch {}, steps {}, input {}, hidden {}, float32; {} runs, median [p10, p90] ms",
        args.batch, args.steps, args.input, args.hidden, args.runs
    ))?;
    for row in &table.rows {
        say(format!(
            "  {:6} {:9}  forward {:9.2} [{:.2}, {:.2}]  backward {:9.2} [{:.2}, {:.2}]  {:7.1} GFLOP/s  error {:.1e}",
            row.name,
            row.plan,
            row.forward_ms,
            row.forward_spread[0],
            row.forward_spread[1],
            row.backward_ms,
            row.backward_spread[0],
            row.backward_spread[1],
            row.gflops,
            row.max_error,
        ))?;
    }
    for row in table.rows.iter().filter(|row| row.name != "burn") {
        if let Some(burn) = table.rows.iter().find(|row| row.name == "burn") {
            let both = |r: &kernels::Row| r.forward_ms + r.backward_ms;
            say(format!(
                "  {} {}: {:.2} times Burn's speed forward, {:.2} forward and backward",
                row.name,
                row.plan,
                burn.forward_ms / row.forward_ms,
                both(burn) / both(row)
            ))?;
        }
    }
    Ok(())
}
