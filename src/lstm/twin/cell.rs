//! Twin of `shaders/shared/cell.wgsl` and `shaders/shared/step.wgsl`.

use crate::lstm::Precision;
use crate::lstm::kernel::CellOptions;

/// A number as it is stored where the options say so: `Stored` in the shaders.
pub fn stored(o: CellOptions, x: f32) -> f32 {
    match o.precision {
        Precision::F32 => x,
        Precision::F16 => half::f16::from_f32(x).to_f32(),
    }
}

pub fn sigmoid(x: f32) -> f32 {
    let e = (-x.abs()).exp();
    (if x >= 0.0 { 1.0 } else { e }) / (1.0 + e)
}

pub fn tanh_of(x: f32) -> f32 {
    let e = (-2.0 * x.abs()).exp();
    let r = (1.0 - e) / (1.0 + e);
    if x >= 0.0 { r } else { -r }
}

pub fn length_of(o: CellOptions, lengths: &[u32], row: usize, steps: usize) -> usize {
    if o.lengths {
        (lengths[row] as usize).min(steps)
    } else {
        steps
    }
}

pub fn time_of(s: usize, length: usize, reverse: bool) -> usize {
    if reverse && s < length {
        length - 1 - s
    } else {
        s
    }
}

pub fn masked(o: CellOptions, mask: &[f32], value: f32, at: usize) -> f32 {
    if o.masked { value * mask[at] } else { value }
}

/// Activated gates i, f, g, o, the cell state and the hidden state of one unit's step.
pub fn step_on(sums: [f32; 4], before: f32, peep: [f32; 3]) -> ([f32; 4], f32, f32) {
    let i = sigmoid(sums[0] + peep[0] * before);
    let f = sigmoid(sums[1] + peep[1] * before);
    let g = tanh_of(sums[2]);
    let cell = f * before + i * g;
    let o = sigmoid(sums[3] + peep[2] * cell);
    ([i, f, g, o], cell, o * tanh_of(cell))
}

/// Gradients of one unit's gates before activation, and of the cell state of the step before.
pub fn step_back(
    gates: [f32; 4],
    cell: f32,
    before: f32,
    d_hidden: f32,
    d_cell: f32,
    peep: [f32; 3],
) -> ([f32; 4], f32) {
    let [i, f, g, o] = gates;
    let squashed = tanh_of(cell);
    let d_o = d_hidden * squashed * o * (1.0 - o);
    let dc = d_cell + d_hidden * o * (1.0 - squashed * squashed) + d_o * peep[2];
    let d_i = dc * g * i * (1.0 - i);
    let d_f = dc * before * f * (1.0 - f);
    let d_g = dc * i * (1.0 - g * g);
    ([d_i, d_f, d_g, d_o], dc * f + d_i * peep[0] + d_f * peep[1])
}

pub fn peep_of(o: CellOptions, peephole: &[f32], g: usize, u: usize) -> [f32; 3] {
    let h = o.hidden as usize;
    if o.peephole {
        [0, 1, 2].map(|k| peephole[(g * 3 + k) * h + u])
    } else {
        [0.0; 3]
    }
}
