//! Recurrences with random options and numbers, and their results computed by the twins.

use std::sync::Arc;

use crate::bench::numerics::numbers;
use crate::lstm::testing::{CellOptions, Spec, twin};
use crate::lstm::{Context, Dims, Plan, PlanKind, Precision, Products};
use crate::rng::Rng;

/// Inputs of one recurrence, in the shapes of `LstmBackend`.
#[derive(Clone)]
pub struct Problem {
    /// Its sizes.
    pub dims: Dims,
    /// Its options.
    pub spec: Spec,
    /// The gates' inputs, [T, B, G, 4H].
    pub projected: Vec<f32>,
    /// Recurrent weights, [G, 4H, H].
    pub w_hh: Vec<f32>,
    /// Initial hidden state, [G, B, H].
    pub h0: Vec<f32>,
    /// Initial cell state, [G, B, H].
    pub c0: Vec<f32>,
    /// Peepholes, [G, 3, H], or one number.
    pub peephole: Vec<f32>,
    /// Recurrent mask, [G, B, H], or one number.
    pub mask: Vec<f32>,
    /// Gradient of the hidden states, [T, B, G, H].
    pub d_out: Vec<f32>,
}

/// All results of a recurrence.
#[derive(Default)]
pub struct Results {
    /// Hidden states, [T, B, G, H].
    pub out: Vec<f32>,
    /// Activated gates, [T, B, G, 4H].
    pub gates: Vec<f32>,
    /// Cell states, [T, B, G, H].
    pub cells: Vec<f32>,
    /// The hidden state that entered each step's product, [G, T·B, H].
    pub previous: Vec<f32>,
    /// Gradient of the gates before activation, [T, B, G, 4H].
    pub d_gates: Vec<f32>,
    /// Gradient of h0 and c0, [2, G, B, H].
    pub d_state: Vec<f32>,
}

impl Results {
    /// Each tensor with its name.
    pub fn named(&self) -> [(&'static str, &[f32]); 6] {
        [
            ("out", &self.out),
            ("gates", &self.gates),
            ("cells", &self.cells),
            ("previous", &self.previous),
            ("d_gates", &self.d_gates),
            ("d_state", &self.d_state),
        ]
    }
}

/// The eight combinations of peepholes, mask and lengths.
pub fn option_choices() -> impl Iterator<Item = [bool; 3]> {
    (0..8).map(|bits| [bits & 1 == 1, bits & 2 == 2, bits & 4 == 4])
}

impl Problem {
    /// Draws the direction of each group, and the lengths of the rows: from 0 to more than all steps.
    pub fn new(rng: &mut Rng, dims: Dims, [peephole, masked, lengths]: [bool; 3]) -> Self {
        let Dims {
            steps,
            batch,
            groups,
            hidden,
        } = dims;
        let rows = groups * batch * hidden;
        let spec = Spec {
            reverse: (0..groups).map(|_| rng.chance(0.5)).collect(),
            lengths: lengths
                .then(|| Arc::new((0..batch).map(|_| rng.below(steps + 3) as u32).collect())),
            peephole,
            masked,
            context: Context::default(),
        };
        let of_option = |there: bool, count: usize| if there { count } else { 1 };
        // A dropout mask: a third of the units dropped, the others scaled up.
        let mask = (0..of_option(masked, rows))
            .map(|_| if rng.chance(1.0 / 3.0) { 0.0 } else { 1.5 })
            .collect();
        Problem {
            dims,
            spec,
            projected: numbers(rng, 4 * steps * rows, 2.0),
            w_hh: numbers(
                rng,
                groups * 4 * hidden * hidden,
                1.5 / (hidden as f32).sqrt(),
            ),
            h0: numbers(rng, rows, 1.0),
            c0: numbers(rng, rows, 1.0),
            peephole: numbers(rng, of_option(peephole, groups * 3 * hidden), 0.7),
            mask,
            d_out: numbers(rng, steps * rows, 1.0),
        }
    }

    /// The same in another number format.
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.spec.context.precision = precision;
        self
    }

    /// The same for another plan.
    #[must_use]
    pub fn with_plan(mut self, plan: Plan) -> Self {
        self.spec.context.plan = plan.into();
        self
    }

    /// The same with other dense products; their matrix units are those of the plan that has them.
    #[must_use]
    pub fn with_products(mut self, products: Products) -> Self {
        self.spec.context.products = products;
        self
    }

    /// One line that describes the case.
    pub fn describe(&self) -> String {
        let Problem { dims, spec, .. } = self;
        let [steps, batch, groups, hidden] = dims.sizes();
        let context = spec.context;
        let mut text = format!(
            "{steps} steps, {batch} rows, {groups} groups, {hidden} units, plan {}, {}, reverse {:?}",
            context.plan.of(hidden).name(),
            context.precision.name(),
            spec.reverse,
        );
        for (there, what) in [(spec.peephole, ", peephole"), (spec.masked, ", mask")] {
            text += if there { what } else { "" };
        }
        if let Some(lengths) = &spec.lengths {
            text += &format!(", lengths {lengths:?}");
        }
        text
    }

    fn kind(&self) -> PlanKind {
        self.spec.context.plan.of(self.dims.hidden).kind()
    }

    /// The kernels' options.
    pub fn options(&self) -> CellOptions {
        CellOptions {
            hidden: self.dims.hidden as u32,
            peephole: self.spec.peephole,
            masked: self.spec.masked,
            lengths: self.spec.lengths.is_some(),
            precision: self.spec.context.precision,
        }
    }

    /// A weight as the kernels store it.
    fn stored(&self, weight: f32) -> f32 {
        match self.spec.context.precision {
            Precision::F32 => weight,
            Precision::F16 => half::f16::from_f32(weight).to_f32(),
        }
    }

    fn lengths(&self) -> Vec<u32> {
        self.spec.lengths.as_ref().map_or(vec![0], |l| l.to_vec())
    }

    /// The `info` of a dispatch: T, B, G, two step numbers, a direction per group.
    fn info(&self, first: usize, last: usize) -> Vec<u32> {
        let Dims {
            steps,
            batch,
            groups,
            ..
        } = self.dims;
        let sizes = [steps, batch, groups, first, last].map(|x| x as u32);
        let directions = self.spec.reverse.iter().map(|r| u32::from(*r));
        sizes.into_iter().chain(directions).collect()
    }

    /// W_hh as the forward kernels read it: four gates side by side, [G, H(k), H(unit), 4].
    fn forward_weights(&self) -> Vec<f32> {
        let (groups, h) = (self.dims.groups, self.dims.hidden);
        let mut all = Vec::with_capacity(self.w_hh.len());
        for group in self.w_hh.chunks_exact(4 * h * h).take(groups) {
            for (k, unit) in (0..h).flat_map(|k| (0..h).map(move |unit| (k, unit))) {
                all.extend((0..4).map(|gate| self.stored(group[(gate * h + unit) * h + k])));
            }
        }
        all
    }

    /// W_hh as the backward kernels read it: [G, 4H, HQ, 4], the four units HQ apart, zeros past H.
    fn backward_weights(&self) -> Vec<f32> {
        let (h, quads) = (self.dims.hidden, self.dims.hidden.div_ceil(4));
        let mut all = Vec::with_capacity(self.w_hh.len());
        for row in self.w_hh.chunks_exact(h) {
            for quad in 0..quads {
                let units = (0..4).map(|n| row.get(n * quads + quad));
                all.extend(units.map(|w| w.map_or(0.0, |w| self.stored(*w))));
            }
        }
        all
    }

    /// The steps of each dispatch: at most `at_once`.
    fn pieces(&self, at_once: usize) -> Vec<(usize, usize)> {
        let steps = self.dims.steps;
        (0..steps)
            .step_by(at_once)
            .map(|s| (s, (s + at_once).min(steps)))
            .collect()
    }

    /// Hidden states, gates and cell states by the forward twin of the plan. Buffers start as NaN, as they may on a GPU.
    pub fn twin_forward(&self, at_once: usize) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let (o, lengths, w_hh) = (self.options(), self.lengths(), self.forward_weights());
        let count = self.d_out.len();
        let mut out = vec![f32::NAN; count];
        let mut gates = vec![f32::NAN; 4 * count];
        let mut cells = vec![f32::NAN; count];
        let (run, pieces): (
            fn(_, &_, &_, &_, &_, &_, &_, &_, &mut _, &mut _, &mut _, &_),
            _,
        ) = match self.kind() {
            PlanKind::Resident => (twin::resident_forward, self.pieces(at_once)),
            PlanKind::Stepwise => (twin::stepwise_forward, self.pieces(1)),
            PlanKind::StepwiseUnits => (twin::stepwise_units_forward, self.pieces(1)),
        };
        for (first, last) in pieces {
            run(
                o,
                &self.projected[..],
                &w_hh[..],
                &self.h0[..],
                &self.c0[..],
                &self.peephole[..],
                &self.mask[..],
                &lengths[..],
                &mut out[..],
                &mut gates[..],
                &mut cells[..],
                &self.info(first, last)[..],
            );
        }
        (out, gates, cells)
    }

    /// All results by the twins of the plan, the resident ones `at_once` steps at a time.
    pub fn twins(&self, at_once: usize) -> Results {
        let (out, gates, cells) = self.twin_forward(at_once);
        let (o, lengths, w_hh) = (self.options(), self.lengths(), self.backward_weights());
        let mut previous = vec![f32::NAN; out.len()];
        let info = self.info(0, self.dims.steps);
        twin::previous_hidden(
            o,
            &out,
            &self.h0,
            &self.mask,
            &lengths,
            &mut previous,
            &info,
        );
        let mut d_gates = vec![f32::NAN; gates.len()];
        let mut d_state = vec![f32::NAN; 2 * self.h0.len()];
        let (run, infos): (
            fn(_, &_, &_, &_, &_, &_, &_, &_, &_, &mut _, &mut _, &_),
            Vec<_>,
        ) = match self.kind() {
            PlanKind::Resident => {
                let pieces = self.pieces(at_once).into_iter().rev();
                (
                    twin::resident_backward,
                    pieces.map(|(f, l)| self.info(f, l)).collect(),
                )
            }
            kind => {
                let after = (0..=self.dims.steps).rev();
                let units = kind == PlanKind::StepwiseUnits;
                (
                    if units {
                        twin::stepwise_units_backward
                    } else {
                        twin::stepwise_backward
                    },
                    after.map(|a| self.info(a, 0)).collect(),
                )
            }
        };
        for info in infos {
            run(
                o,
                &self.d_out[..],
                &w_hh[..],
                &gates[..],
                &cells[..],
                &self.c0[..],
                &self.peephole[..],
                &self.mask[..],
                &lengths[..],
                &mut d_gates[..],
                &mut d_state[..],
                &info[..],
            );
        }
        Results {
            out,
            gates,
            cells,
            previous,
            d_gates,
            d_state,
        }
    }

    /// Gradients of all inputs, from the results of the twins, named as by [`super::through_autodiff`].
    pub fn gradients(&self, results: &Results) -> Vec<(&'static str, Vec<f32>)> {
        let (w_hh, peephole) = self.products(results);
        let (h0, c0) = results.d_state.split_at(self.h0.len());
        let mut all = vec![
            ("projected", results.d_gates.clone()),
            ("w_hh", w_hh),
            ("h0", h0.to_vec()),
            ("c0", c0.to_vec()),
        ];
        if self.spec.peephole {
            all.push(("peephole", peephole));
        }
        all
    }

    /// Gradients of `w_hh` [G, 4H, H] and `peephole` [G, 3, H] from the results of both passes, summed in double precision:
    /// the gates' gradient times the hidden state that entered the product, and times the cell states.
    pub fn products(&self, results: &Results) -> (Vec<f32>, Vec<f32>) {
        let Dims {
            steps,
            batch,
            groups,
            hidden: h,
        } = self.dims;
        let mut w_hh = vec![0.0f64; groups * 4 * h * h];
        let mut peephole = vec![0.0f64; groups * 3 * h];
        // `previous_hidden` also gives the cell state before each step, without the mask.
        let plain = CellOptions {
            masked: false,
            ..self.options()
        };
        let mut before = vec![0.0; results.cells.len()];
        let info = self.info(0, steps);
        let lengths = self.lengths();
        twin::previous_hidden(
            plain,
            &results.cells,
            &self.c0,
            &[],
            &lengths,
            &mut before,
            &info,
        );
        for g in 0..groups {
            for (t, b) in (0..steps).flat_map(|t| (0..batch).map(move |b| (t, b))) {
                let at = self.dims.at(t, b, g, h);
                let entered = ((g * steps + t) * batch + b) * h;
                for unit in 0..h {
                    let d = [0, 1, 2, 3].map(|v| f64::from(results.d_gates[4 * at + v * h + unit]));
                    for (v, d) in d.iter().enumerate() {
                        let row = &mut w_hh[((g * 4 + v) * h + unit) * h..][..h];
                        for (w, x) in row.iter_mut().zip(&results.previous[entered..]) {
                            *w += d * f64::from(*x);
                        }
                    }
                    let (c, after) = (before[entered + unit], results.cells[at + unit]);
                    for (k, (d, cell)) in [(d[0], c), (d[1], c), (d[3], after)]
                        .into_iter()
                        .enumerate()
                    {
                        peephole[(g * 3 + k) * h + unit] += d * f64::from(cell);
                    }
                }
            }
        }
        let single = |x: Vec<f64>| x.into_iter().map(|x| x as f32).collect();
        (single(w_hh), single(peephole))
    }
}
