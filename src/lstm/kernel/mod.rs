//! The kernels of `shaders/`, each described once: its text, its buffers, its workgroup and its grid.

mod fragments;
mod template;
mod tile;

pub use tile::{PRODUCT_SQUARES, ResidentTile, Squares, StepTile, TILES, Tile, TileSize};

use super::matrix_units::MatrixUnits;
use super::precision::Precision;
use template::{fill, import, shader};

/// Options of a recurrence that are constants of its kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CellOptions {
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

/// A direction through the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pass {
    /// From the inputs to the hidden states.
    Forward,
    /// From the gradients of the hidden states to those of the inputs.
    Backward,
}

impl Pass {
    /// Both.
    pub const BOTH: [Pass; 2] = [Pass::Forward, Pass::Backward];
}

/// How an operand of a dense product lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OperandLayout {
    /// The axis of stride 1 is K.
    pub deep: bool,
    /// Extent and strides are multiples of four: numbers are read in fours.
    pub fours: bool,
}

/// A kernel with its values, which its cache id is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// `shaders/resident_forward.wgsl` and `shaders/resident_backward.wgsl`
    Resident(Pass, CellOptions, ResidentTile),
    /// `shaders/stepwise_forward.wgsl` and `shaders/stepwise_backward.wgsl`
    Stepwise(Pass, CellOptions, StepTile),
    /// `shaders/stepwise_units_forward.wgsl` and `shaders/stepwise_units_backward.wgsl`
    StepwiseUnits(Pass, CellOptions, Squares, MatrixUnits),
    /// `shaders/previous_hidden.wgsl`
    PreviousHidden(CellOptions),
    /// `shaders/largest.wgsl`
    Largest,
    /// `shaders/product_units.wgsl`, of two operands
    ProductUnits([OperandLayout; 2], Squares, MatrixUnits),
}

/// Depth of a piece of the products on matrix units.
const DEPTH: u32 = 32;

/// Numbers that keep the rows of a tile of f16 in different banks.
const PAD: u32 = 8;

impl Kernel {
    /// The kernel of a pass over the steps with a tile; `None` where the tile needs matrix units and there are none.
    pub fn of_pass(
        size: TileSize,
        pass: Pass,
        cell: CellOptions,
        units: Option<MatrixUnits>,
    ) -> Option<Self> {
        Some(match size {
            TileSize::Resident(rows) => {
                Kernel::Resident(pass, cell, ResidentTile::new(cell.hidden, rows))
            }
            TileSize::Stepwise(forward, backward) => match pass {
                Pass::Forward => Kernel::Stepwise(pass, cell, forward),
                Pass::Backward => Kernel::Stepwise(pass, cell, backward),
            },
            TileSize::StepwiseUnits(squares) => Kernel::StepwiseUnits(pass, cell, squares, units?),
        })
    }

    /// The kernel of a pass with the lowest requirements.
    pub fn smallest(pass: Pass, cell: CellOptions) -> Self {
        let tile = match pass {
            Pass::Forward => tile::SMALLEST.0,
            Pass::Backward => tile::SMALLEST.1,
        };
        Kernel::Stepwise(pass, cell, tile)
    }

    /// The file's name in `shaders/`, without its ending, and its text.
    fn shader(&self) -> (&'static str, &'static str) {
        use Pass::{Backward, Forward};
        match self {
            Kernel::Resident(Forward, ..) => shader!("resident_forward"),
            Kernel::Resident(Backward, ..) => shader!("resident_backward"),
            Kernel::Stepwise(Forward, ..) => shader!("stepwise_forward"),
            Kernel::Stepwise(Backward, ..) => shader!("stepwise_backward"),
            Kernel::StepwiseUnits(Forward, ..) => shader!("stepwise_units_forward"),
            Kernel::StepwiseUnits(Backward, ..) => shader!("stepwise_units_backward"),
            Kernel::PreviousHidden(_) => shader!("previous_hidden"),
            Kernel::Largest => shader!("largest"),
            Kernel::ProductUnits(..) => shader!("product_units"),
        }
    }

    /// The file's name in `shaders/`, without its ending.
    pub fn name(&self) -> &'static str {
        self.shader().0
    }

    /// The names of its buffers in the order of their bindings.
    pub fn bindings(&self) -> impl Iterator<Item = &'static str> + use<> {
        template::bindings(self.shader().1)
    }

    /// The WGSL text.
    pub fn source(&self) -> String {
        let text = fill(&import(self.shader().1), &self.values());
        format!("{}{text}", self.extensions())
    }

    /// The lines that enable what the text needs beyond plain WGSL.
    fn extensions(&self) -> &'static str {
        match self {
            Kernel::StepwiseUnits(..) | Kernel::ProductUnits(..) => {
                "enable f16;\nenable wgpu_cooperative_matrix;\n"
            }
            Kernel::Resident(_, cell, _)
            | Kernel::Stepwise(_, cell, _)
            | Kernel::PreviousHidden(cell)
                if cell.precision == Precision::F16 =>
            {
                "enable f16;\n"
            }
            _ => "",
        }
    }

    /// Threads of a workgroup.
    pub fn threads(&self) -> u32 {
        match self {
            Kernel::Resident(.., tile) => tile.threads,
            Kernel::Stepwise(.., tile) => tile.threads(),
            Kernel::StepwiseUnits(.., squares, _) | Kernel::ProductUnits(_, squares, _) => {
                squares.threads()
            }
            Kernel::PreviousHidden(_) => 64,
            Kernel::Largest => 256,
        }
    }

    /// Upper bound of the workgroup memory, in bytes.
    pub fn memory(&self) -> usize {
        let bytes = match self {
            // Backward there are four numbers for each row and lane, in f32 whatever the weights are.
            Kernel::Resident(_, _, tile) => 16 * tile.rows() * tile.lanes,
            Kernel::Stepwise(_, _, tile) => 16 * (tile.row_tile() + 2 * tile.weight_quads()),
            // Two operands, a row of fragments of each square, and two numbers per row.
            Kernel::StepwiseUnits(_, _, squares, units) => {
                let (rows, columns) = (squares.rows(), squares.columns());
                let operands = 2 * (rows * (DEPTH + PAD) + DEPTH * (columns + PAD));
                operands + 4 * squares.down * units.side() * (columns + 4) + 8 * rows
            }
            Kernel::PreviousHidden(_) => 0,
            Kernel::Largest => 4 * self.threads(),
            // Deep operands take the most; and a fragment of each square.
            Kernel::ProductUnits(_, squares, units) => {
                let operands = (squares.rows() + squares.columns()) * (DEPTH + PAD);
                2 * operands + 4 * squares.count() * units.side() * units.side()
            }
        };
        bytes as usize
    }

    /// Whether a thread can hold its sums in registers.
    pub fn possible(&self) -> bool {
        match self {
            Kernel::Resident(.., tile) => tile.possible(),
            _ => true,
        }
    }

    /// Columns, rows and groups that one workgroup computes. Columns are hidden units in the passes over the steps, and
    /// rows times hidden units in `previous_hidden`, whose rows are steps. In a dense product, each piece of K counts as a
    /// group.
    fn covers(&self) -> [usize; 3] {
        let [columns, rows] = match self {
            Kernel::Resident(.., tile) => [u32::MAX, tile.rows()],
            Kernel::Stepwise(Pass::Forward, _, tile) => [tile.columns(), tile.rows()],
            // Fours of units.
            Kernel::Stepwise(Pass::Backward, _, tile) => [4 * tile.columns(), tile.rows()],
            // The four gates of a unit.
            Kernel::StepwiseUnits(Pass::Forward, _, squares, _) => {
                [squares.columns() / 4, squares.rows()]
            }
            Kernel::StepwiseUnits(Pass::Backward, _, squares, _)
            | Kernel::ProductUnits(_, squares, _) => [squares.columns(), squares.rows()],
            Kernel::PreviousHidden(_) => [self.threads(), 1],
            // Sixteen numbers per thread.
            Kernel::Largest => [16 * self.threads(), 1],
        };
        [columns as usize, rows as usize, 1]
    }

    /// Workgroups along x, y and z of a dispatch over columns, rows and groups.
    pub fn grid(&self, work: [usize; 3]) -> [usize; 3] {
        let covers = self.covers();
        let [x, y, z] = [0, 1, 2].map(|axis| work[axis].div_ceil(covers[axis]));
        match self {
            // A workgroup has all units of its rows.
            Kernel::Resident(..) => [y, z, 1],
            _ => [x, y, z],
        }
    }

    /// The values of the shader's placeholders.
    fn values(&self) -> Vec<(&'static str, String)> {
        let mut values = vec![("WG", self.threads().to_string())];
        match self {
            Kernel::Resident(pass, cell, tile) => {
                values.extend(cell.values());
                values.extend(tile.values(*pass));
            }
            Kernel::Stepwise(_, cell, tile) => {
                values.extend(cell.values());
                values.extend(tile.values());
            }
            Kernel::StepwiseUnits(_, cell, squares, units) => {
                values.extend(cell.values());
                values.extend([
                    ("SIDE", units.side().to_string()),
                    ("DOWN", squares.down.to_string()),
                    ("ACROSS", squares.across.to_string()),
                    ("SUMS", fragments::sums(*units)),
                    // Rows of what enters lie along k, rows of W_hh along columns.
                    ("MULTIPLY", fragments::multiply(*units, [true, false])),
                    ("STORE", fragments::store_rows(*units)),
                ]);
            }
            Kernel::PreviousHidden(cell) => values.extend(cell.values()),
            Kernel::Largest => {}
            Kernel::ProductUnits([a, b], squares, units) => {
                let side = units.side();
                values.extend([
                    ("SIDE", side.to_string()),
                    ("GRID", squares.down.to_string()),
                    ("STAGING", (squares.count() * side * side).to_string()),
                    ("SUMS", fragments::sums(*units)),
                    ("MULTIPLY", fragments::multiply(*units, [a.deep, b.deep])),
                    ("STORE", fragments::store_each(*units)),
                    // Where its strides are in `info`.
                    ("a.STRIDES", 7.to_string()),
                    ("b.STRIDES", 9.to_string()),
                    ("a.DEEP", a.deep.to_string()),
                    ("b.DEEP", b.deep.to_string()),
                    ("a.TYPE", a.numbers().into()),
                    ("b.TYPE", b.numbers().into()),
                    ("a.SHARED", a.shared(squares.rows()).to_string()),
                    ("b.SHARED", b.shared(squares.columns()).to_string()),
                    ("a.LOAD", a.load("a")),
                    ("b.LOAD", b.load("b")),
                ]);
            }
        }
        values
    }
}

impl CellOptions {
    fn values(&self) -> [(&'static str, String); 5] {
        let stored = match self.precision {
            Precision::F32 => "f32",
            Precision::F16 => "f16",
        };
        [
            ("H", self.hidden.to_string()),
            ("PEEPHOLE", self.peephole.to_string()),
            ("MASKED", self.masked.to_string()),
            ("LENGTHS", self.lengths.to_string()),
            ("STORED", stored.into()),
        ]
    }
}

impl ResidentTile {
    fn values(&self, pass: Pass) -> [(&'static str, String); 7] {
        let units = self.lanes_per_thread();
        let of_gate = self.lanes * self.rows() / 4;
        let state = match pass {
            Pass::Forward => of_gate,
            Pass::Backward => 4 * of_gate,
        };
        [
            ("LANES", self.lanes),
            ("RG", self.row_groups),
            ("RPT", self.rows_per_thread),
            ("UPT", units),
            ("CELLS", units * self.rows_per_thread),
            ("WEIGHTS", 4 * units),
            ("STATE", state),
        ]
        .map(|(name, value)| (name, value.to_string()))
    }
}

impl StepTile {
    fn values(&self) -> [(&'static str, String); 12] {
        let threads = self.threads();
        let row_loads = self.row_quads().div_ceil(threads);
        [
            ("UX", self.across),
            ("RY", self.down),
            ("KS", self.slices),
            ("UPT", self.columns_per_thread),
            ("RPT", self.rows_per_thread),
            ("DEPTH", self.depth),
            ("CELLS", self.columns_per_thread * self.rows_per_thread),
            ("HL", row_loads),
            ("LOADED_ROWS", 4 * row_loads),
            ("WL", self.weight_quads().div_ceil(threads)),
            ("ROW_TILE", self.row_tile()),
            ("UNIT_TILE", 2 * self.weight_quads()),
        ]
        .map(|(name, value)| (name, value.to_string()))
    }
}

impl OperandLayout {
    /// The type of its buffer's numbers.
    fn numbers(self) -> &'static str {
        if self.fours { "vec4<f32>" } else { "f32" }
    }

    /// Numbers of its tile in workgroup memory, `outer` of them along the axis that is not K.
    fn shared(self, outer: u32) -> u32 {
        match self.deep {
            true => outer * (DEPTH + PAD),
            false => DEPTH * (outer + PAD),
        }
    }

    /// Loads four numbers from `at`.
    fn load(self, name: &str) -> String {
        if self.fours {
            return format!("return {name}[at / 4u];");
        }
        let there = match self.deep {
            true => "k + i < end",
            false => "outer + i < outers",
        };
        format!(
            "var four = vec4<f32>(0.0);\n    \
             for (var i = 0u; i < 4u; i++) {{ if ({there}) {{ four[i] = {name}[at + i]; }} }}\n    \
             return four;"
        )
    }
}
