//! The forward pass.

use super::math::{sigmoid, tanh, tile_of};
use super::shared::{Block, load};
use super::*;

/// Results of a forward pass.
pub struct Saved {
    /// Hidden state of every step, [T, B, G, H].
    pub out: Vec<f32>,
    /// Activated gates i, f, g, o, [T, B, G, 4H].
    pub gates: Vec<f32>,
    /// Cell state of every step, [T, B, G, H].
    pub cells: Vec<f32>,
}

struct Task<'a> {
    inputs: Inputs<'a>,
    block: Block,
    panels: &'a [f32],
    out: &'a Shared<'a>,
    gates: &'a Shared<'a>,
    cells: &'a Shared<'a>,
}

/// Runs the recurrence forward.
pub fn forward(inputs: Inputs<'_>) -> Saved {
    match width() {
        #[cfg(target_arch = "x86_64")]
        Width::Avx512 => run::<6, 16>(inputs, |task| {
            // SAFETY: `width` found the instruction set.
            unsafe { walk_avx512(task) }
        }),
        #[cfg(target_arch = "x86_64")]
        Width::Avx2 => run::<3, 8>(inputs, |task| {
            // SAFETY: `width` found the instruction set.
            unsafe { walk_avx2(task) }
        }),
        Width::Portable => run::<4, 4>(inputs, walk::<4, 4, PORTABLE_FMA>),
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
    walk: impl Fn(&Task<'_>) + Sync,
) -> Saved {
    let dims = inputs.dims;
    let cells_len = dims.steps * dims.batch * dims.groups * dims.hidden;
    let (mut out, mut gates, mut cells) = (
        vec![0.0; cells_len],
        vec![0.0; 4 * cells_len],
        vec![0.0; cells_len],
    );
    let panels = pack::<L>(dims, inputs.w_hh);
    {
        let (out, gates, cells) = (
            Shared::new(&mut out),
            Shared::new(&mut gates),
            Shared::new(&mut cells),
        );
        let group = panels.len() / dims.groups;
        blocks::<R>(dims).into_par_iter().for_each(|block| {
            let panels = &panels[block.group * group..][..group];
            walk(&Task {
                inputs,
                block,
                panels,
                out: &out,
                gates: &gates,
                cells: &cells,
            });
        });
    }
    Saved { out, gates, cells }
}

/// W_hh [G, 4H, H] as panels [G][units/L][k][gate][L], zeros for units beyond H.
fn pack<const L: usize>(dims: Dims, w_hh: &[f32]) -> Vec<f32> {
    let h = dims.hidden;
    let panel = h * 4 * L;
    let mut packed = vec![0.0; dims.groups * h.div_ceil(L) * panel];
    packed
        .par_chunks_mut(panel)
        .enumerate()
        .for_each(|(index, panel)| {
            let (g, first) = (index / h.div_ceil(L), index % h.div_ceil(L) * L);
            for gate in 0..4 {
                for l in 0..L.min(h - first) {
                    let row = &w_hh[((g * 4 + gate) * h + first + l) * h..][..h];
                    for (k, w) in row.iter().enumerate() {
                        panel[(k * 4 + gate) * L + l] = *w;
                    }
                }
            }
        });
    packed
}

#[inline(always)]
fn walk<const R: usize, const L: usize, const FMA: bool>(task: &Task<'_>) {
    let Task {
        inputs,
        block,
        panels,
        ..
    } = task;
    let Inputs { dims, spec, .. } = *inputs;
    let (h, g) = (dims.hidden, block.group);
    let rows = block.rows.len();
    let padded = rows.next_multiple_of(R);
    let stride = h.next_multiple_of(L);
    // Zero rows and units pad the blocks; what they compute is never stored.
    let (mut hidden, mut next, mut cell) = (
        vec![0.0; padded * stride],
        vec![0.0; padded * stride],
        vec![0.0; padded * stride],
    );
    for r in 0..rows {
        let from = (g * dims.batch + block.rows.start + r) * h;
        hidden[r * stride..][..h].copy_from_slice(&inputs.h0[from..from + h]);
        cell[r * stride..][..h].copy_from_slice(&inputs.c0[from..from + h]);
        apply_mask(inputs, from, &mut hidden[r * stride..][..h]);
    }
    let peep = |k: usize, first: usize, count: usize| -> [f32; L] {
        if spec.peephole {
            load(inputs.peephole, (g * 3 + k) * h + first, count)
        } else {
            [0.0; L]
        }
    };
    for s in 0..dims.steps {
        for (panel, first) in panels.chunks_exact(h * 4 * L).zip((0..h).step_by(L)) {
            let count = L.min(h - first);
            let [w_ci, w_cf, w_co] = std::array::from_fn(|k| peep(k, first, count));
            for tile_row in (0..padded).step_by(R) {
                let sums = tile_of::<R, L, FMA>(
                    rows - tile_row,
                    &hidden[tile_row * stride..],
                    stride,
                    h,
                    panel,
                );
                for r in 0..R.min(rows - tile_row) {
                    let (row, b) = (tile_row + r, block.rows.start + tile_row + r);
                    let length = spec.length(b, dims.steps);
                    let state = row * stride + first;
                    if s >= length {
                        next[state..state + L].copy_from_slice(&hidden[state..state + L]);
                        continue;
                    }
                    let t = spec.time(g, s, length);
                    let gates = dims.at(t, b, g, 4 * h) + first;
                    let x: [[f32; L]; 4] =
                        std::array::from_fn(|v| load(inputs.projected, gates + v * h, count));
                    let c0: [f32; L] = load(&cell, state, L);
                    let mut a = [[0.0; L]; 4];
                    let (mut c, mut out) = ([0.0; L], [0.0; L]);
                    for l in 0..L {
                        a[0][l] = sigmoid(sums[r][0][l] + x[0][l] + w_ci[l] * c0[l]);
                        a[1][l] = sigmoid(sums[r][1][l] + x[1][l] + w_cf[l] * c0[l]);
                        a[2][l] = tanh(sums[r][2][l] + x[2][l]);
                        c[l] = a[1][l] * c0[l] + a[0][l] * a[2][l];
                        a[3][l] = sigmoid(sums[r][3][l] + x[3][l] + w_co[l] * c[l]);
                        out[l] = a[3][l] * tanh(c[l]);
                    }
                    cell[state..state + L].copy_from_slice(&c);
                    next[state..state + L].copy_from_slice(&out);
                    let at = dims.at(t, b, g, h) + first;
                    // SAFETY: no other task writes the rows of this block and group.
                    unsafe {
                        for (v, gate) in a.iter().enumerate() {
                            task.gates.write_vector(gates + v * h, gate, count);
                        }
                        task.cells.write_vector(at, &c, count);
                        task.out.write_vector(at, &out, count);
                    }
                }
            }
        }
        for r in 0..rows {
            let b = block.rows.start + r;
            if s < spec.length(b, dims.steps) {
                apply_mask(
                    inputs,
                    (g * dims.batch + b) * h,
                    &mut next[r * stride..][..h],
                );
            }
        }
        std::mem::swap(&mut hidden, &mut next);
    }
}

#[inline(always)]
fn apply_mask(inputs: &Inputs<'_>, from: usize, hidden: &mut [f32]) {
    if inputs.spec.masked {
        for (x, m) in hidden.iter_mut().zip(&inputs.mask[from..]) {
            *x *= m;
        }
    }
}
