//! How the engine computes: the options that every layer and kernel takes from one place.

use super::device::{DeviceLimits, EngineDevice, SHORTEST_DISPATCH};
use super::gpu::WORKGROUPS;
use super::matrix_units::MatrixUnits;
use super::plans::Plans;
use super::precision::Precision;
use super::recurrence::Dims;
use super::self_test::self_test;

/// What computes the dense products around the recurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Products {
    /// Burn's own, in f32.
    #[default]
    F32,
    /// Burn's own, of operands rounded to f16: what the CPU engine has in place of matrix units.
    Rounded,
    /// Matrix units, of operands rounded to f16 and with f32 sums. The CPU engine rounds.
    MatrixUnits(MatrixUnits),
}

impl Products {
    /// The matrix units that compute them.
    pub fn matrix_units(self) -> Option<MatrixUnits> {
        match self {
            Products::MatrixUnits(units) => Some(units),
            Products::F32 | Products::Rounded => None,
        }
    }
}

/// How recurrences are computed on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// The kernels' plans on a GPU.
    pub plan: Plans,
    /// Number format of the recurrence's products on a GPU; the CPU engine computes them in f32.
    pub precision: Precision,
    /// What computes the dense products, and the recurrence's own in the plan on matrix units.
    pub products: Products,
    /// Bytes of the largest tensor that one kernel can bind; larger batches are split over their rows.
    pub largest: usize,
    /// Floating-point operations of the longest dispatch; a single step can take more.
    pub dispatch: u64,
}

/// B·H of the largest grid that a kernel launches, of workgroups of 64 numbers each.
const LARGEST_GRID: usize = WORKGROUPS * 64;

/// B of the largest grid, of workgroups of the four rows that the smallest tile has.
const MOST_ROWS: usize = WORKGROUPS * 4;

impl Context {
    /// A plan, or one for each hidden size, on a device, in f32.
    pub fn on(device: impl Into<EngineDevice>, plan: impl Into<Plans>) -> Self {
        let DeviceLimits {
            largest, dispatch, ..
        } = device.into().limits;
        Context {
            plan: plan.into(),
            largest,
            dispatch,
            ..Context::default()
        }
    }

    /// The same in a precision, and a line on each path that the self-test turned off or that gains nothing.
    pub fn in_precision(
        self,
        precision: Precision,
        device: impl Into<EngineDevice>,
    ) -> (Self, Vec<String>) {
        let tested = self_test(device, precision);
        let context = Context {
            precision: tested.precision,
            products: tested.products,
            ..self
        };
        (context, tested.notes)
    }

    /// Rows of a recurrence that one pass can take: their gates fit the largest tensor, a step the longest dispatch and
    /// the largest grid. At least one; the batch of `dims` does not count.
    pub fn rows(&self, dims: Dims) -> usize {
        let [steps, _, groups, hidden] = dims.sizes();
        let bytes = (steps * groups * 4 * hidden * size_of::<f32>()).max(1);
        let operations = (8 * groups * hidden * hidden).max(1) as u64;
        (self.largest / bytes)
            .min(LARGEST_GRID / hidden.max(1))
            .min(MOST_ROWS)
            .min(usize::try_from(self.dispatch / operations).unwrap_or(usize::MAX))
            .max(1)
    }
}

impl Default for Context {
    /// The resident plan in f32, and dispatches short enough for every device.
    fn default() -> Self {
        Context {
            plan: Plans::default(),
            precision: Precision::F32,
            products: Products::F32,
            largest: usize::MAX,
            dispatch: SHORTEST_DISPATCH,
        }
    }
}
