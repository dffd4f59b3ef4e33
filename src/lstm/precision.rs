//! The number formats that the engine computes in.

use serde::{Deserialize, Serialize};

/// Number format of what enters a product of the LSTM layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// f32 throughout.
    #[default]
    F32,
    /// Operands are rounded to f16; sums, states, weights and the optimiser stay f32.
    F16,
}

impl Precision {
    /// Every precision.
    pub const ALL: [Precision; 2] = [Precision::F32, Precision::F16];

    /// Its name in settings and tables.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::F16 => "f16",
        }
    }
}
