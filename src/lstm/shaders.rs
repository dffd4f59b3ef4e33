//! The text of every kernel, with its sizes and options filled in.

use super::spec::Precision;
use super::tile::{Resident, Squares, Stepwise};
use super::units::Fragments;

/// Options that are constants of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Options {
    /// H.
    pub hidden: u32,
    /// Gates see the cell state.
    pub peephole: bool,
    /// The hidden state is masked before the product.
    pub masked: bool,
    /// Rows end at their own step.
    pub lengths: bool,
    /// Number format of weights, of what enters a product, and of saved gates.
    pub precision: Precision,
}

/// A kernel with its values; what its cache id is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// `shaders/resident_forward.wgsl`
    ResidentForward(Options, Resident),
    /// `shaders/resident_backward.wgsl`
    ResidentBackward(Options, Resident),
    /// `shaders/stepwise_forward.wgsl`
    StepwiseForward(Options, Stepwise),
    /// `shaders/stepwise_backward.wgsl`
    StepwiseBackward(Options, Stepwise),
    /// `shaders/stepwise_units_forward.wgsl`
    StepwiseUnitsForward(Options, Squares, Fragments),
    /// `shaders/stepwise_units_backward.wgsl`
    StepwiseUnitsBackward(Options, Squares, Fragments),
    /// `shaders/previous_hidden.wgsl`
    PreviousHidden(Options),
}

impl Kernel {
    /// The file's name in `shaders/`, without its ending.
    pub fn name(&self) -> &'static str {
        match self {
            Kernel::ResidentForward(..) => "resident_forward",
            Kernel::ResidentBackward(..) => "resident_backward",
            Kernel::StepwiseForward(..) => "stepwise_forward",
            Kernel::StepwiseBackward(..) => "stepwise_backward",
            Kernel::StepwiseUnitsForward(..) => "stepwise_units_forward",
            Kernel::StepwiseUnitsBackward(..) => "stepwise_units_backward",
            Kernel::PreviousHidden(..) => "previous_hidden",
        }
    }

    /// Threads of a workgroup.
    pub fn threads(&self) -> u32 {
        match self {
            Kernel::ResidentForward(_, tile) | Kernel::ResidentBackward(_, tile) => tile.threads,
            Kernel::StepwiseForward(_, tile) | Kernel::StepwiseBackward(_, tile) => tile.threads(),
            Kernel::StepwiseUnitsForward(_, squares, _)
            | Kernel::StepwiseUnitsBackward(_, squares, _) => squares.threads(),
            Kernel::PreviousHidden(..) => 64,
        }
    }

    /// Its options.
    pub fn options(&self) -> Options {
        match self {
            Kernel::ResidentForward(o, _)
            | Kernel::ResidentBackward(o, _)
            | Kernel::StepwiseForward(o, _)
            | Kernel::StepwiseBackward(o, _)
            | Kernel::StepwiseUnitsForward(o, ..)
            | Kernel::StepwiseUnitsBackward(o, ..)
            | Kernel::PreviousHidden(o) => *o,
        }
    }

    fn text(&self) -> &'static str {
        match self {
            Kernel::ResidentForward(..) => include_str!("../../shaders/resident_forward.wgsl"),
            Kernel::ResidentBackward(..) => include_str!("../../shaders/resident_backward.wgsl"),
            Kernel::StepwiseForward(..) => include_str!("../../shaders/stepwise_forward.wgsl"),
            Kernel::StepwiseBackward(..) => include_str!("../../shaders/stepwise_backward.wgsl"),
            Kernel::StepwiseUnitsForward(..) => {
                include_str!("../../shaders/stepwise_units_forward.wgsl")
            }
            Kernel::StepwiseUnitsBackward(..) => {
                include_str!("../../shaders/stepwise_units_backward.wgsl")
            }
            Kernel::PreviousHidden(..) => include_str!("../../shaders/previous_hidden.wgsl"),
        }
    }

    /// What the kernel shares with others, behind its own text.
    fn shared(&self) -> &'static [&'static str] {
        const STEP: &str = include_str!("../../shaders/shared/step.wgsl");
        const FORWARD: &str = include_str!("../../shaders/shared/forward.wgsl");
        const BACKWARD: &str = include_str!("../../shaders/shared/backward.wgsl");
        const UNITS: &str = include_str!("../../shaders/shared/units.wgsl");
        const SCALE: &str = include_str!("../../shaders/shared/scale.wgsl");
        match self {
            Kernel::ResidentForward(..) | Kernel::ResidentBackward(..) => &[STEP],
            Kernel::StepwiseForward(..) => &[STEP, FORWARD],
            Kernel::StepwiseBackward(..) => &[STEP, BACKWARD],
            Kernel::StepwiseUnitsForward(..) => &[STEP, FORWARD, UNITS],
            Kernel::StepwiseUnitsBackward(..) => &[STEP, BACKWARD, SCALE, UNITS],
            Kernel::PreviousHidden(..) => &[],
        }
    }

    /// The WGSL text.
    pub fn source(&self) -> String {
        const CELL: &str = include_str!("../../shaders/shared/cell.wgsl");
        let options = self.options();
        let half = options.precision == Precision::F16;
        let parts = [&[CELL, self.text()], self.shared()].concat();
        let mut values = vec![
            ("H", options.hidden.to_string()),
            ("PEEPHOLE", options.peephole.to_string()),
            ("MASKED", options.masked.to_string()),
            ("LENGTHS", options.lengths.to_string()),
            ("STORED", if half { "f16" } else { "f32" }.to_string()),
            ("WG", self.threads().to_string()),
        ];
        let mut number = |name, value: u32| values.push((name, value.to_string()));
        match self {
            Kernel::ResidentForward(o, tile) | Kernel::ResidentBackward(o, tile) => {
                let lanes = Resident::lanes(o.hidden as usize);
                let units = if tile.row_groups == 1 {
                    lanes.div_ceil(tile.threads)
                } else {
                    1
                };
                let forward = matches!(self, Kernel::ResidentForward(..));
                let a_gate = lanes * tile.rows() as u32 / 4;
                number("LANES", lanes);
                number("RG", tile.row_groups);
                number("RPT", tile.rows_a_thread);
                number("UPT", units);
                number("CELLS", units * tile.rows_a_thread);
                number("WEIGHTS", 4 * units);
                number("STATE", if forward { a_gate } else { 4 * a_gate });
            }
            Kernel::StepwiseForward(_, tile) | Kernel::StepwiseBackward(_, tile) => {
                let threads = tile.threads();
                let row_quads = tile.depth * tile.rows() / 4;
                let columns = tile.depth * tile.columns();
                number("UX", tile.across);
                number("RY", tile.down);
                number("KS", tile.slices);
                number("UPT", tile.columns_a_thread);
                number("RPT", tile.rows_a_thread);
                number("DEPTH", tile.depth);
                number("CELLS", tile.columns_a_thread * tile.rows_a_thread);
                number("HL", row_quads.div_ceil(threads));
                number("LOADED_ROWS", 4 * row_quads.div_ceil(threads));
                number("WL", columns.div_ceil(threads));
                // Where slices meet, it holds a sum of each thread.
                let sums = if tile.slices > 1 { threads } else { 0 };
                number("ROW_TILE", (2 * row_quads).max(sums));
                number("UNIT_TILE", 2 * columns);
            }
            Kernel::StepwiseUnitsForward(_, squares, fragments)
            | Kernel::StepwiseUnitsBackward(_, squares, fragments) => {
                number("SIDE", fragments.side);
                number("DOWN", squares.down);
                number("ACROSS", squares.across);
                values.push(("SUMS", fragments.sums()));
                // Rows of what enters lie along k, rows of W_hh along columns.
                values.push(("MULTIPLY", fragments.multiply([true, false])));
                values.push(("STORE", fragments.store_rows()));
            }
            Kernel::PreviousHidden(_) => {}
        }
        let text = values.iter().fold(parts.join("\n"), |text, (name, value)| {
            text.replace(&format!("{{{{ {name} }}}}"), value)
        });
        match self {
            Kernel::StepwiseUnitsForward(.., fragments)
            | Kernel::StepwiseUnitsBackward(.., fragments) => fragments.finished(&text),
            _ if half => format!("enable f16;\n{text}"),
            _ => text,
        }
    }
}
