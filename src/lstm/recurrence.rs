//! What a recurrence is: its sizes and options, shared by every engine, and the differentiable call.

use super::backend::{CellTensors, LstmBackend};
use super::options::Context;
use burn::backend::Dispatch;
use burn::tensor::{Bool, DType, Int, Shape, Tensor, TensorData};
use std::sync::Arc;

/// Sizes of a recurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dims {
    /// T, time steps.
    pub steps: usize,
    /// B, rows.
    pub batch: usize,
    /// G, independent recurrences of the same shape that run side by side: directions, body parts.
    pub groups: usize,
    /// H, hidden units of one group.
    pub hidden: usize,
}

impl Dims {
    /// From the shape of a tensor [T, B, G, `gates`·H].
    pub fn of(shape: &Shape, gates: usize) -> Self {
        let [steps, batch, groups, wide] = [0, 1, 2, 3].map(|d| shape[d]);
        Dims {
            steps,
            batch,
            groups,
            hidden: wide / gates,
        }
    }

    /// T, B, G, H.
    pub fn sizes(self) -> [usize; 4] {
        [self.steps, self.batch, self.groups, self.hidden]
    }

    /// Floating-point operations of the recurrent products of one pass: 8·T·B·G·H².
    pub fn flops(&self) -> f64 {
        let rows = (self.batch * self.groups) as f64;
        8.0 * self.steps as f64 * rows * (self.hidden * self.hidden) as f64
    }

    /// Offset of row `b`, group `g` at time `t` in a tensor [T, B, G, `width`].
    #[inline]
    pub fn at(&self, t: usize, b: usize, g: usize, width: usize) -> usize {
        ((t * self.batch + b) * self.groups + g) * width
    }
}

/// Options of a recurrence. The same for every engine and plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spec {
    /// One flag per group: true goes from a row's last step to its first. None at all: every group goes forward.
    pub reverse: Vec<bool>,
    /// Valid steps of each row; outputs after them are zero and the state does not change. None: all T.
    pub lengths: Option<Arc<Vec<u32>>>,
    /// The gates see the cell state through `peephole`.
    pub peephole: bool,
    /// The hidden state is multiplied by `mask` before it enters the recurrent product.
    pub masked: bool,
    /// How it is computed. A plan that the device does not run ([`super::Plan::supports`]) is replaced by
    /// [`super::Plan::STEPWISE`].
    pub context: Context,
}

impl Spec {
    /// Valid steps of row `b` out of `steps`.
    #[inline]
    pub fn length(&self, b: usize, steps: usize) -> usize {
        self.lengths
            .as_ref()
            .map_or(steps, |l| (l[b] as usize).min(steps))
    }

    /// The time index that group `g` visits as its `s`-th step in a row of `length` valid steps.
    #[inline]
    pub fn time(&self, g: usize, s: usize, length: usize) -> usize {
        if self.reverse[g] { length - 1 - s } else { s }
    }

    /// The time index that group `g` visits last in row `b` out of `steps`; none for a row of length 0.
    pub fn last_time(&self, g: usize, b: usize, steps: usize) -> Option<usize> {
        let length = self.length(b, steps);
        Some(self.time(g, length.checked_sub(1)?, length))
    }
}

/// The differentiable recurrence on tensors.
///
/// `projected` [T, B, G, 4H], `w_hh` [G, 4H, H], `h0` and `c0` [G, B, H], `peephole` [G, 3, H], `mask` [G, B, H];
/// returns the hidden states [T, B, G, H]. The flags of `spec` for peephole and mask are set from what is given.
///
/// # Panics
/// On tensors of other shapes or another type than float32, and on flags and lengths for another number of groups and rows: the kernels check no index.
pub fn recurrence(
    projected: Tensor<4>,
    w_hh: Tensor<3>,
    h0: Tensor<3>,
    c0: Tensor<3>,
    peephole: Option<Tensor<3>>,
    mask: Option<Tensor<3>>,
    spec: Spec,
) -> Tensor<4> {
    let spec = checked(&projected, &w_hh, [&h0, &c0], [&peephole, &mask], spec);
    let cell = cell_tensors(w_hh, [h0, c0], [peephole, mask]);
    let projected = projected.into_dispatch();
    Tensor::from_dispatch(<Dispatch as LstmBackend>::recurrence(projected, cell, spec))
}

/// The hidden states of [`recurrence`], and each row's final hidden and cell state [G, B, H]: those after its last valid
/// step, which for a reverse group is time 0; the initial ones for a row of length 0. All three are differentiable.
///
/// # Panics
/// As [`recurrence`].
pub fn recurrence_with_state(
    projected: Tensor<4>,
    w_hh: Tensor<3>,
    h0: Tensor<3>,
    c0: Tensor<3>,
    peephole: Option<Tensor<3>>,
    mask: Option<Tensor<3>>,
    spec: Spec,
) -> (Tensor<4>, [Tensor<3>; 2]) {
    let spec = checked(&projected, &w_hh, [&h0, &c0], [&peephole, &mask], spec);
    let cell = cell_tensors(w_hh, [h0.clone(), c0.clone()], [peephole, mask]);
    let projected = projected.into_dispatch();
    let (out, cells) =
        <Dispatch as LstmBackend>::recurrence_and_cells(projected, cell, spec.clone());
    let out = Tensor::from_dispatch(out);
    let hidden = at_last_step(out.clone(), h0, &spec);
    let cell = at_last_step(Tensor::from_dispatch(cells), c0, &spec);
    (out, [hidden, cell])
}

/// The options with their flags set, once shapes and types are checked.
fn checked(
    projected: &Tensor<4>,
    w_hh: &Tensor<3>,
    [h0, c0]: [&Tensor<3>; 2],
    [peephole, mask]: [&Option<Tensor<3>>; 2],
    spec: Spec,
) -> Spec {
    let [steps, batch, groups, gates] = projected.dims();
    let hidden = gates / 4;
    let sizes =
        format!("a recurrence of {steps} steps, {batch} rows, {groups} groups, {hidden} units");
    let state = [groups, batch, hidden];
    assert_eq!(w_hh.dims(), [groups, 4 * hidden, hidden], "w_hh of {sizes}");
    assert_eq!(h0.dims(), state, "h0 of {sizes}");
    assert_eq!(c0.dims(), state, "c0 of {sizes}");
    if let Some(peephole) = peephole {
        assert_eq!(peephole.dims(), [groups, 3, hidden], "peephole of {sizes}");
    }
    if let Some(mask) = mask {
        assert_eq!(mask.dims(), state, "mask of {sizes}");
    }
    let mut types = vec![
        ("projected", projected.dtype()),
        ("w_hh", w_hh.dtype()),
        ("h0", h0.dtype()),
        ("c0", c0.dtype()),
    ];
    types.extend(peephole.as_ref().map(|x| ("peephole", x.dtype())));
    types.extend(mask.as_ref().map(|x| ("mask", x.dtype())));
    for (name, dtype) in types {
        assert_eq!(dtype, DType::F32, "{name} of {sizes}");
    }
    let reverse = match spec.reverse.is_empty() {
        true => vec![false; groups],
        false => spec.reverse,
    };
    assert_eq!(reverse.len(), groups, "directions of {sizes}");
    if let Some(lengths) = &spec.lengths {
        assert_eq!(lengths.len(), batch, "lengths of {sizes}");
    }
    Spec {
        reverse,
        peephole: peephole.is_some(),
        masked: mask.is_some(),
        ..spec
    }
}

/// The tensors on their backend, with one number in place of an option that is absent.
fn cell_tensors(
    w_hh: Tensor<3>,
    [h0, c0]: [Tensor<3>; 2],
    options: [Option<Tensor<3>>; 2],
) -> CellTensors<Dispatch> {
    let device = w_hh.device();
    let absent = || Tensor::zeros([1, 1, 1], &device);
    let [peephole, mask] = options.map(|option| option.unwrap_or_else(absent).into_dispatch());
    CellTensors {
        w_hh: w_hh.into_dispatch(),
        h0: h0.into_dispatch(),
        c0: c0.into_dispatch(),
        peephole,
        mask,
    }
}

/// The values [T, B, G, H] of each row and group at its last valid step, [G, B, H]; `initial` for a row of length 0.
fn at_last_step(values: Tensor<4>, initial: Tensor<3>, spec: &Spec) -> Tensor<3> {
    let [steps, batch, groups, hidden] = values.dims();
    let device = values.device();
    let rows = (0..batch).flat_map(|b| (0..groups).map(move |g| (g, b)));
    let last: Vec<i64> = rows
        .map(|(g, b)| spec.last_time(g, b, steps).unwrap_or(0) as i64)
        .collect();
    let last = Tensor::<4, Int>::from_data(TensorData::new(last, [1, batch, groups, 1]), &device);
    let values = values.gather(0, last.expand([1, batch, groups, hidden]));
    let values = values.reshape([batch, groups, hidden]).swap_dims(0, 1);
    let empty: Vec<bool> = (0..batch).map(|b| spec.length(b, steps) == 0).collect();
    if !empty.contains(&true) {
        return values;
    }
    let empty = Tensor::<3, Bool>::from_data(TensorData::new(empty, [1, batch, 1]), &device);
    values.mask_where(empty.expand([groups, batch, hidden]), initial)
}
