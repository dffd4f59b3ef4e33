//! `sinew bench kernels`

use crate::bench::kernels::shapes::{NAMES, Shape, named};
use crate::bench::kernels::{Event, LayerTimes, Options, measure};
use crate::cli::{say, say_json, tell};
use crate::device::{Choice, Compute, open};
use crate::error::{Error, Result};
use crate::text::counted;
use std::time::Duration;

/// Benchmarks LSTM layers: sinew's with every kernel plan, and Burn's for comparison. Checks their results against each other,
/// and compares their times with the limits of the device.
///
/// Example: sinew bench kernels --batch 64 --steps 100 --input 150 --hidden 128
///
/// Example: sinew bench kernels --shapes model --device gpu
#[derive(clap::Args)]
pub struct Args {
    /// Predefined lists of layers: model, flashrnn or small [default for software adapters: small]
    #[arg(long, value_parser = NAMES, value_delimiter = ',', conflicts_with_all = ["batch", "steps", "input", "hidden", "groups"])]
    shapes: Vec<String>,
    /// Batch size [default: 64]
    #[arg(long)]
    batch: Option<usize>,
    /// Time steps [default: 100]
    #[arg(long)]
    steps: Option<usize>,
    /// Input size [default: 150]
    #[arg(long)]
    input: Option<usize>,
    /// Hidden units per group [default: 128]
    #[arg(long)]
    hidden: Option<usize>,
    /// Parallel recurrences; even numbers are bidirectional layers [default: 1]
    #[arg(long)]
    groups: Option<usize>,
    /// Timed runs per layer and plan; medians are reported
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    runs: u32,
    /// Measure only the layers of sinew or only those of Burn
    #[arg(long, value_parser = ["sinew", "burn"])]
    only: Option<String>,
    /// Total time limit in seconds; measurements that do not fit are skipped
    #[arg(long)]
    seconds: Option<u32>,
    /// auto, gpu, cpu, or an index from `sinew devices`
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
        // With --json, progress goes to standard error.
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
                "{} of {} have wrong results on {}, the first: {} {} in {}, relative error {:.1e}",
                wrong.len(),
                counted(table.rows.len(), "measurement"),
                compute.name(),
                row.name,
                row.plan,
                row.dtype,
                row.max_error
            );
            Err(Error::failed(what, "report it with the driver version"))
        }
    }
}

/// The rows of the current shape.
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
                    "measured peaks: {:.1} GB/s; {:.0} GFLOP/s in f32{half}{units}; {:.0} GFLOP/s for Burn's matrix product",
                    peak.bandwidth_gb_s, peak.rate_gflops, peak.product_gflops
                )];
            }
            Event::Layer(row) => (&row.shape, line(row)),
            Event::Skipped(left) => {
                let (name, plan, dtype) = (left.name, &left.plan, left.dtype);
                let why = &left.reason;
                let line = format!("  {name:6} {plan:14} {dtype}  skipped: {why}");
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
                        .map(|r| comparison(r, row)),
                );
            }
        }
        lines
    }
}

fn heading(shape: &Shape) -> String {
    let inputs: Vec<_> = shape.inputs.iter().map(usize::to_string).collect();
    format!(
        "{}: batch {}, steps {}, input {}, hidden {}, {}; median [p10, p90] ms",
        shape.layer,
        shape.batch,
        shape.steps,
        inputs.join(" "),
        shape.hidden,
        counted(shape.groups(), "group")
    )
}

fn line(row: &LayerTimes) -> String {
    format!(
        "  {:6} {:14} {}  forward {:9.3} [{:.3}, {:.3}]  backward {:9.3} [{:.3}, {:.3}]  {:7.1} GFLOP/s, {:.3} of the roofline \
         ({:.3} ms)  error {:.1e} over {}, {}",
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
        counted(row.reference_rows, "row"),
        counted(row.runs, "run"),
    )
}

/// The speed relative to Burn's layer.
fn comparison(row: &LayerTimes, burn: &LayerTimes) -> String {
    let both = |r: &LayerTimes| r.forward_ms + r.backward_ms;
    format!(
        "  {} {} {}: {:.2} times as fast as Burn forward, {:.2} times forward and backward",
        row.name,
        row.plan,
        row.dtype,
        burn.forward_ms / row.forward_ms,
        both(burn) / both(row)
    )
}
