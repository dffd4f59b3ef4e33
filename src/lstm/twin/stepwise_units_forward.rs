//! Twin of `shaders/stepwise_units_forward.wgsl`.

use crate::lstm::kernel::CellOptions;

/// Step `info[3]` forward: what `stepwise_forward` sums, whatever the fragments.
pub fn stepwise_units_forward(
    o: CellOptions,
    projected: &[f32],
    w_hh: &[f32],
    h0: &[f32],
    c0: &[f32],
    peephole: &[f32],
    mask: &[f32],
    lengths: &[u32],
    out: &mut [f32],
    gates: &mut [f32],
    cells: &mut [f32],
    info: &[u32],
) {
    super::stepwise_forward(
        o, projected, w_hh, h0, c0, peephole, mask, lengths, out, gates, cells, info,
    );
}
