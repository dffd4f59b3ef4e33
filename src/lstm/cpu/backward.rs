//! The backward pass through time.

use super::math::{tanh, tile_of};
use super::shared::{Block, load, store};
use super::*;

/// Gradients that leave a backward pass; weight gradients are products of these with the inputs.
pub struct Gradients {
    /// With respect to the gates before activation, [T, B, G, 4H]; zero after a row's end.
    pub gates: Vec<f32>,
    /// With respect to h0 and c0, [2, G, B, H].
    pub state: Vec<f32>,
}

struct Task<'a> {
    inputs: Inputs<'a>,
    saved_gates: &'a [f32],
    saved_cells: &'a [f32],
    d_out: &'a [f32],
    block: Block,
    panels: &'a [f32],
    d_gates: &'a Shared<'a>,
    d_state: &'a Shared<'a>,
}

/// Runs the recurrence backward from the gradient of its output, `d_out` [T, B, G, H].
///
/// `inputs.projected` and `inputs.h0` are not read.
pub fn backward(inputs: Inputs<'_>, gates: &[f32], cells: &[f32], d_out: &[f32]) -> Gradients {
    let saved = (gates, cells, d_out);
    match width() {
        #[cfg(target_arch = "x86_64")]
        Width::Avx512 => run::<6, 16>(inputs, saved, |task| {
            // SAFETY: `width` found the instruction set.
            unsafe { walk_avx512(task) }
        }),
        #[cfg(target_arch = "x86_64")]
        Width::Avx2 => run::<3, 8>(inputs, saved, |task| {
            // SAFETY: `width` found the instruction set.
            unsafe { walk_avx2(task) }
        }),
        Width::Portable => run::<4, 4>(inputs, saved, walk::<4, 4, PORTABLE_FMA>),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
fn walk_avx512(task: &Task<'_>) {
    walk::<6, 16, true>(task);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn walk_avx2(task: &Task<'_>) {
    walk::<3, 8, true>(task);
}

fn run<const R: usize, const L: usize>(
    inputs: Inputs<'_>,
    (saved_gates, saved_cells, d_out): (&[f32], &[f32], &[f32]),
    walk: impl Fn(&Task<'_>) + Sync,
) -> Gradients {
    let dims = inputs.dims;
    let state_len = dims.batch * dims.groups * dims.hidden;
    let (mut gates, mut state) = (
        vec![0.0; 4 * dims.steps * state_len],
        vec![0.0; 2 * state_len],
    );
    let panels = pack::<L>(dims, inputs.w_hh);
    {
        let (d_gates, d_state) = (Shared::new(&mut gates), Shared::new(&mut state));
        let group = panels.len() / dims.groups;
        blocks::<R>(dims).into_par_iter().for_each(|block| {
            let panels = &panels[block.group * group..][..group];
            let (d_gates, d_state) = (&d_gates, &d_state);
            walk(&Task {
                inputs,
                saved_gates,
                saved_cells,
                d_out,
                block,
                panels,
                d_gates,
                d_state,
            });
        });
    }
    Gradients { gates, state }
}

/// W_hh [G, 4H, H] as panels [G][units/4L][row of W][4L], zeros for units beyond H.
fn pack<const L: usize>(dims: Dims, w_hh: &[f32]) -> Vec<f32> {
    let h = dims.hidden;
    let (panel, wide) = (4 * h * 4 * L, 4 * L);
    let mut packed = vec![0.0; dims.groups * h.div_ceil(wide) * panel];
    packed
        .par_chunks_mut(panel)
        .enumerate()
        .for_each(|(index, panel)| {
            let (g, first) = (index / h.div_ceil(wide), index % h.div_ceil(wide) * wide);
            let count = wide.min(h - first);
            for (k, to) in panel.chunks_exact_mut(wide).enumerate() {
                to[..count].copy_from_slice(&w_hh[(g * 4 * h + k) * h + first..][..count]);
            }
        });
    packed
}

#[inline(always)]
fn walk<const R: usize, const L: usize, const FMA: bool>(task: &Task<'_>) {
    let Task { inputs, block, .. } = task;
    let Inputs { dims, spec, .. } = *inputs;
    let (h, g) = (dims.hidden, block.group);
    let rows = block.rows.len();
    let padded = rows.next_multiple_of(R);
    let mut d_pre = vec![0.0f32; padded * 4 * h];
    let (mut d_hidden, mut d_cell) = (vec![0.0f32; rows * h], vec![0.0f32; rows * h]);
    for s in (0..dims.steps).rev() {
        for r in 0..rows {
            let b = block.rows.start + r;
            if s < spec.length(b, dims.steps) {
                let (d_hidden, d_cell) = (&d_hidden[r * h..][..h], &mut d_cell[r * h..][..h]);
                cell_gradient::<L>(
                    task,
                    s,
                    b,
                    d_hidden,
                    d_cell,
                    &mut d_pre[r * 4 * h..][..4 * h],
                );
            }
        }
        for (panel, first) in task
            .panels
            .chunks_exact(4 * h * 4 * L)
            .zip((0..h).step_by(4 * L))
        {
            for tile_row in (0..padded).step_by(R) {
                let sums = tile_of::<R, L, FMA>(
                    rows - tile_row,
                    &d_pre[tile_row * 4 * h..],
                    4 * h,
                    4 * h,
                    panel,
                );
                for r in 0..R.min(rows - tile_row) {
                    let (row, b) = (tile_row + r, block.rows.start + tile_row + r);
                    if s >= spec.length(b, dims.steps) {
                        continue;
                    }
                    for (v, sum) in sums[r].iter().enumerate() {
                        let unit = first + v * L;
                        if unit >= h {
                            break;
                        }
                        let count = L.min(h - unit);
                        store(&mut d_hidden, row * h + unit, sum, count);
                        if spec.masked {
                            let to = &mut d_hidden[row * h + unit..][..count];
                            let mask = &inputs.mask[(g * dims.batch + b) * h + unit..][..count];
                            to.iter_mut().zip(mask).for_each(|(x, m)| *x *= m);
                        }
                    }
                }
            }
        }
    }
    for r in 0..rows {
        let at = (g * dims.batch + block.rows.start + r) * h;
        // SAFETY: no other task writes the rows of this block and group.
        unsafe {
            task.d_state.write(at, &d_hidden[r * h..][..h]);
            task.d_state
                .write(dims.groups * dims.batch * h + at, &d_cell[r * h..][..h]);
        }
    }
}

/// Gradients of one row's gates before activation at its `s`-th step; `d_cell` becomes that of the step before.
#[inline(always)]
fn cell_gradient<const L: usize>(
    task: &Task<'_>,
    s: usize,
    b: usize,
    d_hidden: &[f32],
    d_cell: &mut [f32],
    d_pre: &mut [f32],
) {
    let Task {
        inputs,
        block,
        saved_gates,
        saved_cells,
        d_out,
        ..
    } = task;
    let Inputs { dims, spec, .. } = *inputs;
    let (h, g) = (dims.hidden, block.group);
    let length = spec.length(b, dims.steps);
    let t = spec.time(g, s, length);
    let (at, gates) = (dims.at(t, b, g, h), dims.at(t, b, g, 4 * h));
    for first in (0..h).step_by(L) {
        let count = L.min(h - first);
        let peep = |k: usize| -> [f32; L] {
            if spec.peephole {
                load(inputs.peephole, (g * 3 + k) * h + first, count)
            } else {
                [0.0; L]
            }
        };
        let [w_ci, w_cf, w_co] = std::array::from_fn(peep);
        let [i, f, c_hat, o]: [[f32; L]; 4] =
            std::array::from_fn(|v| load(saved_gates, gates + v * h + first, count));
        let c: [f32; L] = load(saved_cells, at + first, count);
        let c_before: [f32; L] = if s == 0 {
            load(inputs.c0, (g * dims.batch + b) * h + first, count)
        } else {
            load(
                saved_cells,
                dims.at(spec.time(g, s - 1, length), b, g, h) + first,
                count,
            )
        };
        let above: [f32; L] = load(d_out, at + first, count);
        let carried: [f32; L] = load(d_hidden, first, count);
        let mut dc: [f32; L] = load(d_cell, first, count);
        let mut d = [[0.0; L]; 4];
        for l in 0..L {
            let dh = above[l] + carried[l];
            let tc = tanh(c[l]);
            d[3][l] = dh * tc * o[l] * (1.0 - o[l]);
            dc[l] += dh * o[l] * (1.0 - tc * tc) + d[3][l] * w_co[l];
            d[0][l] = dc[l] * c_hat[l] * i[l] * (1.0 - i[l]);
            d[1][l] = dc[l] * c_before[l] * f[l] * (1.0 - f[l]);
            d[2][l] = dc[l] * i[l] * (1.0 - c_hat[l] * c_hat[l]);
            dc[l] = dc[l] * f[l] + d[0][l] * w_ci[l] + d[1][l] * w_cf[l];
        }
        store(d_cell, first, &dc, count);
        for (v, d) in d.iter().enumerate() {
            store(d_pre, v * h + first, d, count);
            // SAFETY: no other task writes the rows of this block and group.
            unsafe { task.d_gates.write_vector(gates + v * h + first, d, count) };
        }
    }
}
