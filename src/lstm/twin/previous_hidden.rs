//! Twin of `shaders/previous_hidden.wgsl`.

use super::cell::{length_of, masked};
use crate::lstm::kernel::CellOptions;

/// The hidden state that entered each step's recurrent product, [G, T, B, H].
pub fn previous_hidden(
    o: CellOptions,
    out: &[f32],
    h0: &[f32],
    mask: &[f32],
    lengths: &[u32],
    previous: &mut [f32],
    info: &[u32],
) {
    let [t_all, b_all, g_all] = [0, 1, 2].map(|i| info[i] as usize);
    let h_all = o.hidden as usize;
    for g in 0..g_all {
        for t in 0..t_all {
            for place in 0..b_all * h_all {
                let row = place / h_all;
                let length = length_of(o, lengths, row, t_all);
                let from = if info[5 + g] == 1 {
                    t + 1
                } else {
                    t.wrapping_sub(1)
                };
                let mut h = 0.0;
                if t < length {
                    if from < length {
                        h = out[((from * b_all + row) * g_all + g) * h_all + place % h_all];
                    } else {
                        h = h0[g * b_all * h_all + place];
                    }
                    h = masked(o, mask, h, g * b_all * h_all + place);
                }
                previous[(g * t_all + t) * b_all * h_all + place] = h;
            }
        }
    }
}
