//! The kinds of matrix units.

/// Matrix units of f16 operands and f32 sums, by the fragments that they multiply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatrixUnits {
    /// 16 × 16 × 16, what Vulkan's drivers offer.
    Of16,
    /// 8 × 8 × 8, what Metal has.
    Of8,
}

impl MatrixUnits {
    /// Those with fragments of so many rows, columns and depth; `None` where there are no such.
    pub fn from_side(side: u32) -> Option<Self> {
        match side {
            16 => Some(MatrixUnits::Of16),
            8 => Some(MatrixUnits::Of8),
            _ => None,
        }
    }

    /// Rows, columns and depth of a fragment.
    pub fn side(self) -> u32 {
        match self {
            MatrixUnits::Of16 => 16,
            MatrixUnits::Of8 => 8,
        }
    }
}
