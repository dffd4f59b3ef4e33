//! `sinew bench kernels`

use crate::bench::kernels::shapes::{NAMES, Shape, named};
use crate::bench::kernels::{Event, LayerTimes, Options, measure};
use crate::cli::{say, say_json, tell};
use crate::device::{Choice, Compute, open};
use crate::error::{Error, Result};
use std::time::Duration;

/// Times LSTM layers, ours with every plan beside Burn's own, compares their numbers, and says how far each is from what
/// the device can do.
///
/// Example: sinew bench kernels --batch 64 --steps 100 --input 150 --hidden 128
///
/// Example: sinew bench kernels --shapes model --device gpu
#[derive(clap::Args)]
pub struct Args {
    /// Lists of layers instead of one: model, flashrnn, small; a software adapter takes small unless told otherwise
    #[arg(long, value_parser = NAMES, value_delimiter = ',', conflicts_with_all = ["batch", "steps", "input", "hidden", "groups"])]
    shapes: Vec<String>,
    /// Rows of one layer [default: 64]
    #[arg(long)]
    batch: Option<usize>,
    /// Time steps [default: 100]
    #[arg(long)]
    steps: Option<usize>,
    /// Numbers of an input step [default: 150]
    #[arg(long)]
    input: Option<usize>,
    /// Hidden units of a group [default: 128]
    #[arg(long)]
    hidden: Option<usize>,
    /// Recurrences side by side; an even number are layers of two directions [default: 1]
    #[arg(long)]
    groups: Option<usize>,
    /// Timed passes a row
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    runs: u32,
    /// Our layers or Burn's alone
    #[arg(long, value_parser = ["sinew", "burn"])]
    only: Option<String>,
    /// Seconds for all of it; what does not fit in is left out
    #[arg(long)]
    seconds: Option<u32>,
    /// auto, gpu, cpu, or a number that `sinew devices` lists
    #[arg(long, default_value = "auto")]
    device: Choice,
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

/// The layers that the arguments ask for.
fn shapes(args: &Args, compute: &Compute) -> Result<Vec<Shape>> {
    let sizes = [args.batch, args.steps, args.input, args.hidden, args.groups];
    let software = compute.adapter.as_ref().is_some_and(|a| !a.hardware());
    if !args.shapes.is_empty() {
        let lists = args.shapes.iter().map(|name| named(name));
        return Ok(lists.collect::<Result<Vec<_>>>()?.concat());
    }
    if software && sizes.iter().all(Option::is_none) {
        return named("small");
    }
    let defaults = [64, 100, 150, 128, 1];
    let [batch, steps, input, hidden, groups] =
        std::array::from_fn(|n| sizes[n].unwrap_or(defaults[n]));
    Ok(vec![Shape::one(batch, steps, input, hidden, groups)?])
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let compute = open(args.device)?;
    tell(compute.describe());
    let options = Options {
        shapes: shapes(args, &compute)?,
        runs: args.runs as usize,
        time: args.seconds.map(|s| Duration::from_secs(s.into())),
        only: args.only.clone(),
    };
    let mut printed = Printed::default();
    let table = measure(&compute, &options, &mut |event| {
        let lines = printed.lines(&event);
        // Progress goes where it does not disturb the JSON.
        for line in lines {
            if args.json {
                tell(line);
            } else {
                say(line)?;
            }
        }
        Ok(())
    })?;
    if args.json {
        say_json(&table)?;
    }
    let wrong: Vec<_> = table.rows.iter().filter(|row| !row.ok).collect();
    match wrong.first() {
        None => Ok(()),
        Some(row) => {
            let what = format!(
                "{} of {} rows are wrong on {}; the first: {} {} in {}, relative error {:.1e}",
                wrong.len(),
                table.rows.len(),
                compute.name(),
                row.name,
                row.plan,
                row.dtype,
                row.max_error
            );
            Err(Error::failed(what, "report it with the driver's version"))
        }
    }
}

/// The rows of the shape that is being printed.
#[derive(Default)]
struct Printed {
    shape: Option<Shape>,
    rows: Vec<LayerTimes>,
}

impl Printed {
    fn lines(&mut self, event: &Event<'_>) -> Vec<String> {
        let (shape, line) = match event {
            Event::Peak(peak) => {
                let half = peak.rate_f16_gflops;
                let half = half.map_or(String::new(), |rate| format!(", {rate:.0} in f16"));
                let units = peak.rate_units_gflops;
                let units =
                    units.map_or(String::new(), |rate| format!(", {rate:.0} on matrix units"));
                return vec![format!(
                    "the device moves {:.1} GB/s and does {:.0} GFLOP/s in f32{half}{units}; Burn's matrix product {:.0}",
                    peak.bandwidth_gb_s, peak.rate_gflops, peak.product_gflops
                )];
            }
            Event::Layer(row) => (&row.shape, line(row)),
            Event::Skipped(left) => {
                let (name, plan, dtype) = (left.name, &left.plan, left.dtype);
                let why = &left.reason;
                let line = format!("  {name:6} {plan:14} {dtype}  left out: {why}");
                (&left.shape, line)
            }
        };
        let mut lines = Vec::new();
        if self.shape.as_ref() != Some(shape) {
            self.shape = Some(shape.clone());
            self.rows.clear();
            lines.push(heading(shape));
        }
        lines.push(line);
        if let Event::Layer(row) = event {
            self.rows.push((*row).clone());
            if row.name == "burn" {
                lines.extend(
                    self.rows
                        .iter()
                        .filter(|r| r.name != "burn")
                        .map(|r| beside(r, row)),
                );
            }
        }
        lines
    }
}

fn heading(shape: &Shape) -> String {
    let inputs: Vec<_> = shape.inputs.iter().map(usize::to_string).collect();
    format!(
        "{}: batch {}, steps {}, input {}, hidden {}, {} groups; median [p10, p90] ms",
        shape.layer,
        shape.batch,
        shape.steps,
        inputs.join(" "),
        shape.hidden,
        shape.groups()
    )
}

fn line(row: &LayerTimes) -> String {
    format!(
        "  {:6} {:14} {}  forward {:9.3} [{:.3}, {:.3}]  backward {:9.3} [{:.3}, {:.3}]  {:7.1} GFLOP/s, {:.3} of the floor \
         ({:.3} ms)  error {:.1e} in {} rows, {} runs",
        row.name,
        row.plan,
        row.dtype,
        row.forward_ms,
        row.forward_spread[0],
        row.forward_spread[1],
        row.backward_ms,
        row.backward_spread[0],
        row.backward_spread[1],
        row.gflops,
        row.of_floor,
        row.floor_ms,
        row.max_error,
        row.reference_rows,
        row.runs,
    )
}

/// How many times as fast as Burn's layer.
fn beside(row: &LayerTimes, burn: &LayerTimes) -> String {
    let both = |r: &LayerTimes| r.forward_ms + r.backward_ms;
    format!(
        "  {} {} {}: {:.2} times Burn's speed forward, {:.2} forward and backward",
        row.name,
        row.plan,
        row.dtype,
        burn.forward_ms / row.forward_ms,
        both(burn) / both(row)
    )
}
