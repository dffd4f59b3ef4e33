//! LSTMs of the same hidden size, run side by side as one recurrence.

use super::layer::{Lstm, LstmDirection};
use super::options::{Context, Products};
use super::product::product;
use super::recurrence::{Dims, Spec, recurrence, recurrence_with_state};
use burn::nn::LstmState;
use burn::tensor::Tensor;
use std::sync::Arc;

/// Runs LSTMs of the same hidden size side by side in one recurrence, each on its own input [T, B, I].
///
/// Returns [T, B, G·H]: LSTM by LSTM, forward before reverse. The initial `state` has G groups in the same order,
/// [G, B, H]; zeros if `None`. `lengths` are the valid steps of each row: outputs after them are zero, and the reverse
/// direction starts at a row's own end. `mask` [G, B, H] multiplies the hidden state that enters each step.
///
/// A batch whose gates would outgrow the device's largest binding, or whose states its largest dispatch, is run in pieces
/// of rows. Options of the LSTMs other than their parameters have no effect: what they stand for is given here.
///
/// # Panics
/// On no LSTM at all; on LSTMs of different hidden sizes, or of which only some have peepholes; on inputs of different
/// steps or rows, or without any; on other shapes and types than these; on another number of lengths than rows, and on a
/// length beyond the number of steps.
pub fn side_by_side(
    lstms: &[(&Lstm, Tensor<3>)],
    state: Option<LstmState<3>>,
    lengths: Option<&[u32]>,
    mask: Option<Tensor<3>>,
    context: Context,
) -> Tensor<3> {
    let outputs = pieces(lstms, state, lengths, mask, context).map(|piece| {
        let Piece { h0, c0, spec, .. } = piece;
        flat(recurrence(
            piece.projected,
            piece.w_hh,
            h0,
            c0,
            piece.peephole,
            piece.mask,
            spec,
        ))
    });
    joined(outputs.collect())
}

/// Runs LSTMs as [`side_by_side`] does, and also returns the final state: the hidden and cell states [G, B, H] after each
/// row's last valid step, or the initial ones for a row of length 0.
///
/// # Panics
/// As [`side_by_side`].
pub fn side_by_side_with_state(
    lstms: &[(&Lstm, Tensor<3>)],
    state: Option<LstmState<3>>,
    lengths: Option<&[u32]>,
    mask: Option<Tensor<3>>,
    context: Context,
) -> (Tensor<3>, LstmState<3>) {
    let (mut outputs, mut hidden, mut cell) = (Vec::new(), Vec::new(), Vec::new());
    for piece in pieces(lstms, state, lengths, mask, context) {
        let Piece { h0, c0, spec, .. } = piece;
        let (output, [h, c]) = recurrence_with_state(
            piece.projected,
            piece.w_hh,
            h0,
            c0,
            piece.peephole,
            piece.mask,
            spec,
        );
        outputs.push(flat(output));
        hidden.push(h);
        cell.push(c);
    }
    (
        joined(outputs),
        LstmState::new(joined(cell), joined(hidden)),
    )
}

/// The arguments of [`recurrence`] for some rows of a batch.
struct Piece {
    projected: Tensor<4>,
    w_hh: Tensor<3>,
    h0: Tensor<3>,
    c0: Tensor<3>,
    peephole: Option<Tensor<3>>,
    mask: Option<Tensor<3>>,
    spec: Spec,
}

/// Hidden states [T, B, G, H] as features [T, B, G·H].
fn flat(hidden: Tensor<4>) -> Tensor<3> {
    let [steps, batch, groups, width] = hidden.dims();
    hidden.reshape([steps, batch, groups * width])
}

/// The pieces, joined along their rows.
fn joined(mut pieces: Vec<Tensor<3>>) -> Tensor<3> {
    match pieces.len() {
        1 => pieces.remove(0),
        _ => Tensor::cat(pieces, 1),
    }
}

/// The whole batch, or pieces of as many rows as the device takes.
fn pieces<'a>(
    lstms: &'a [(&Lstm, Tensor<3>)],
    state: Option<LstmState<3>>,
    lengths: Option<&'a [u32]>,
    mask: Option<Tensor<3>>,
    context: Context,
) -> impl Iterator<Item = Piece> + 'a {
    let dims = checked(lstms, state.as_ref(), lengths, mask.as_ref());
    let (batch, rows) = (dims.batch, context.rows(dims));
    (0..batch).step_by(rows).map(move |start| {
        if rows >= batch {
            return piece(lstms, state.clone(), lengths, mask.clone(), context);
        }
        let count = rows.min(batch - start);
        let some = |x: Tensor<3>| x.narrow(1, start, count);
        let lstms: Vec<_> = lstms
            .iter()
            .map(|(lstm, x)| (*lstm, some(x.clone())))
            .collect();
        let state = state.clone().map(|state| state.map_state(some));
        let lengths = lengths.map(|l| &l[start..start + count]);
        piece(&lstms, state, lengths, mask.clone().map(some), context)
    })
}

/// The sizes of the recurrence, once all that is given fits together: the shapes of the whole batch, before it is split.
fn checked(
    lstms: &[(&Lstm, Tensor<3>)],
    state: Option<&LstmState<3>>,
    lengths: Option<&[u32]>,
    mask: Option<&Tensor<3>>,
) -> Dims {
    let directions: Vec<&LstmDirection> = lstms.iter().flat_map(|(l, _)| &l.directions).collect();
    let (Some((_, x)), Some(first)) = (lstms.first(), directions.first()) else {
        panic!("no LSTM to run");
    };
    let [steps, batch, _] = x.dims();
    assert!(
        steps > 0 && batch > 0,
        "an input of {steps} steps and {batch} rows is empty"
    );
    let hidden = first.weight_hh.dims()[1];
    let peephole = first.peephole.is_some();
    for (lstm, x) in lstms {
        let [its_steps, its_batch, input] = x.dims();
        assert_eq!(
            [its_steps, its_batch],
            [steps, batch],
            "steps and rows differ between the inputs"
        );
        assert!(!lstm.directions.is_empty(), "an LSTM has no direction");
        for direction in &lstm.directions {
            let (w_ih, w_hh) = (direction.weight_ih.dims(), direction.weight_hh.dims());
            assert_eq!(w_hh, [4 * hidden, hidden], "weight_hh of {hidden} units");
            assert_eq!(
                w_ih,
                [4 * hidden, input],
                "weight_ih of {hidden} units and {input} features"
            );
            assert_eq!(
                direction.peephole.is_some(),
                peephole,
                "only some of the LSTMs have peepholes"
            );
        }
    }
    let dims = Dims {
        steps,
        batch,
        groups: directions.len(),
        hidden,
    };
    let shape = [dims.groups, batch, hidden];
    if let Some(state) = state {
        assert_eq!(state.hidden.dims(), shape, "shape of the hidden state");
        assert_eq!(state.cell.dims(), shape, "shape of the cell state");
    }
    if let Some(mask) = mask {
        assert_eq!(mask.dims(), shape, "shape of the mask");
    }
    if let Some(lengths) = lengths {
        assert_eq!(lengths.len(), batch, "lengths for {batch} rows");
        if let Some(length) = lengths.iter().find(|length| **length as usize > steps) {
            panic!("a length of {length} in a batch of {steps} steps");
        }
    }
    dims
}

fn piece(
    lstms: &[(&Lstm, Tensor<3>)],
    state: Option<LstmState<3>>,
    lengths: Option<&[u32]>,
    mask: Option<Tensor<3>>,
    context: Context,
) -> Piece {
    let hidden = lstms[0].0.d_hidden();
    let [steps, batch, _] = lstms[0].1.dims();
    let directions: Vec<&LstmDirection> = lstms.iter().flat_map(|(l, _)| &l.directions).collect();
    let groups = directions.len();
    let projected = lstms
        .iter()
        .map(|(lstm, x)| project(lstm, x.clone(), context))
        .collect();
    let projected = Tensor::cat(projected, 1).reshape([steps, batch, groups, 4 * hidden]);
    let w_hh = Tensor::stack(directions.iter().map(|d| d.weight_hh.val()).collect(), 0);
    let peephole = directions[0].peephole.is_some().then(|| {
        let of = |d: &&LstmDirection| -> Option<Tensor<2>> {
            let weights = d.peephole.as_ref()?;
            Some(Tensor::stack(weights.iter().map(|w| w.val()).collect(), 0))
        };
        Tensor::stack(directions.iter().filter_map(of).collect(), 0)
    });
    let device = projected.device();
    let zeros = || Tensor::zeros([groups, batch, hidden], &device);
    let (c0, h0) = match state {
        Some(state) => state.unpack(),
        None => (zeros(), zeros()),
    };
    let spec = Spec {
        reverse: lstms
            .iter()
            .flat_map(|(l, _)| (0..l.directions.len()).map(|d| d == 1))
            .collect(),
        lengths: lengths.map(|l| Arc::new(l.to_vec())),
        context,
        ..Spec::default()
    };
    Piece {
        projected,
        w_hh,
        h0,
        c0,
        peephole,
        mask,
        spec,
    }
}

/// The input projection of all steps and directions, with both biases: [T·B, D·4H].
fn project(lstm: &Lstm, x: Tensor<3>, context: Context) -> Tensor<2> {
    let [steps, batch, input] = x.dims();
    let of = |f: fn(&LstmDirection) -> Tensor<2>| {
        Tensor::cat(lstm.directions.iter().map(f).collect(), 0)
    };
    let weight = of(|d| d.weight_ih.val());
    let bias = of(|d| (d.bias_ih.val() + d.bias_hh.val()).unsqueeze_dim(1));
    let (x, weight) = (x.reshape([steps * batch, input]), weight.transpose());
    let product = match context.products {
        Products::F32 => x.matmul(weight),
        _ => product(x.unsqueeze_dim(0), weight.unsqueeze_dim(0), context).squeeze_dim(0),
    };
    product + bias.transpose()
}
