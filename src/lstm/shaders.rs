//! The text of every kernel, with its sizes and options filled in.

use super::spec::Dims;

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
}

/// Work of a resident workgroup: `row_groups · rows_a_thread` rows, every unit of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Threads of a workgroup.
    pub threads: u32,
    /// Row groups that share the threads.
    pub row_groups: u32,
    /// Rows of one thread.
    pub rows_a_thread: u32,
}

impl Tile {
    /// The largest tile that fits: at most 256 threads and four rows a thread, the backward pass's [rows, H] of
    /// four gates within the workgroup memory. None where not even one row fits.
    pub fn choose(hidden: usize, max_threads: u32, memory: usize) -> Option<Tile> {
        let threads = max_threads.min(256);
        let fit = memory / (16 * hidden);
        let row_groups = (threads as usize / hidden).clamp(1, fit.max(1));
        let rows_a_thread = (fit / row_groups).min(4);
        (rows_a_thread > 0).then_some(Tile {
            threads,
            row_groups: row_groups as u32,
            rows_a_thread: rows_a_thread as u32,
        })
    }

    /// Rows of a workgroup.
    pub fn rows(self) -> usize {
        (self.row_groups * self.rows_a_thread) as usize
    }
}

/// Work of a stepwise workgroup: 16 units, 16 · `rows_a_thread` rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stepwise {
    /// Rows of one thread.
    pub rows_a_thread: u32,
}

impl Default for Stepwise {
    fn default() -> Self {
        Stepwise { rows_a_thread: 2 }
    }
}

impl Stepwise {
    /// Workgroups of one step: unit tiles, row tiles, groups.
    pub fn count(self, dims: Dims) -> [usize; 3] {
        let rows = 16 * self.rows_a_thread as usize;
        [
            dims.hidden.div_ceil(16),
            dims.batch.div_ceil(rows),
            dims.groups,
        ]
    }
}

/// A kernel with its values; what its cache id is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// `shaders/resident_forward.wgsl`
    ResidentForward(Options, Tile),
    /// `shaders/resident_backward.wgsl`
    ResidentBackward(Options, Tile),
    /// `shaders/stepwise_forward.wgsl`
    StepwiseForward(Options, Stepwise),
    /// `shaders/stepwise_backward.wgsl`
    StepwiseBackward(Options, Stepwise),
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
            Kernel::PreviousHidden(..) => "previous_hidden",
        }
    }

    /// Threads of a workgroup along x and y.
    pub fn workgroup(&self) -> [u32; 2] {
        match self {
            Kernel::ResidentForward(_, tile) | Kernel::ResidentBackward(_, tile) => {
                [tile.threads, 1]
            }
            Kernel::StepwiseForward(..) | Kernel::StepwiseBackward(..) => [16, 16],
            Kernel::PreviousHidden(..) => [64, 1],
        }
    }

    /// The WGSL text.
    pub fn source(&self) -> String {
        const CELL: &str = include_str!("../../shaders/shared/cell.wgsl");
        const STEP: &str = include_str!("../../shaders/shared/step.wgsl");
        let (options, text) = match self {
            Kernel::ResidentForward(o, _) => {
                (o, include_str!("../../shaders/resident_forward.wgsl"))
            }
            Kernel::ResidentBackward(o, _) => {
                (o, include_str!("../../shaders/resident_backward.wgsl"))
            }
            Kernel::StepwiseForward(o, _) => {
                (o, include_str!("../../shaders/stepwise_forward.wgsl"))
            }
            Kernel::StepwiseBackward(o, _) => {
                (o, include_str!("../../shaders/stepwise_backward.wgsl"))
            }
            Kernel::PreviousHidden(o) => (o, include_str!("../../shaders/previous_hidden.wgsl")),
        };
        let mut parts = vec![CELL, text];
        if !matches!(self, Kernel::PreviousHidden(_)) {
            parts.push(STEP);
        }
        let mut values = vec![
            ("H", options.hidden.to_string()),
            ("PEEPHOLE", options.peephole.to_string()),
            ("MASKED", options.masked.to_string()),
            ("LENGTHS", options.lengths.to_string()),
            ("WG", self.workgroup()[0].to_string()),
        ];
        match self {
            Kernel::ResidentForward(o, tile) | Kernel::ResidentBackward(o, tile) => {
                let units = o.hidden.div_ceil(tile.threads);
                let state = tile.rows() as u32 * o.hidden;
                let forward = matches!(self, Kernel::ResidentForward(..));
                values.push(("RG", tile.row_groups.to_string()));
                values.push(("RPT", tile.rows_a_thread.to_string()));
                values.push(("UPT", units.to_string()));
                values.push(("CELLS", (units * tile.rows_a_thread).to_string()));
                values.push(("STATE", (state * if forward { 2 } else { 1 }).to_string()));
            }
            Kernel::StepwiseForward(_, tile) | Kernel::StepwiseBackward(_, tile) => {
                values.push(("RPT", tile.rows_a_thread.to_string()));
                values.push(("STATE", (256 * tile.rows_a_thread).to_string()));
            }
            Kernel::PreviousHidden(_) => {}
        }
        values.iter().fold(parts.join("\n"), |text, (name, value)| {
            text.replace(&format!("{{{{ {name} }}}}"), value)
        })
    }
}
