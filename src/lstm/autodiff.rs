//! The recurrence and the dense product, each as one node of Burn's autodiff graph.

use super::backend::{LstmBackend, LstmKernels};
use super::options::{Context, Products};
use super::recurrence::Spec;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::{FloatDType, Shape, Slice, TensorData};
use burn_autodiff::{Autodiff, NodeId};
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};

/// What the backward pass needs of the forward pass.
#[derive(Debug, Clone)]
struct State<B: Backend> {
    out: FloatTensor<B>,
    w_hh: FloatTensor<B>,
    gates: FloatTensor<B>,
    cells: FloatTensor<B>,
    h0: FloatTensor<B>,
    c0: FloatTensor<B>,
    peephole: FloatTensor<B>,
    mask: FloatTensor<B>,
    spec: Spec,
}

/// The inputs that can have a gradient: `projected`, `w_hh`, `h0`, `c0`, `peephole`.
type Parents = [Option<NodeId>; 5];

/// The hidden states of every step.
#[derive(Debug)]
struct RecurrenceBackward;

impl<B: LstmBackend + LstmKernels> Backward<B, 5> for RecurrenceBackward {
    type State = State<B>;

    fn backward(self, ops: Ops<State<B>, 5>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d_out = grads.consume::<B>(&ops.node);
        let (s, parents) = (ops.state, ops.parents.map(|node| node.map(|n| n.id)));
        // A second holder would make the engine copy them.
        let cells = parents[4].is_some().then(|| s.cells.clone());
        let d = B::recurrence_backward(
            d_out,
            s.w_hh,
            s.gates,
            s.cells,
            s.c0.clone(),
            s.peephole,
            s.mask.clone(),
            s.spec.clone(),
        );
        register::<B>(parents, d, s.out, cells, [s.h0, s.c0, s.mask], s.spec, grads);
    }
}

/// The cell states, whose gradient is zero but at each row's last valid step.
///
/// The backward pass takes gradients of hidden states. With the saved cell state of the last step replaced by 0 and its
/// output gate by 1, the gradient of that step's hidden state becomes that of its cell state: of
/// `dc = dh · o · (1 − tanh² c)` and `do = dh · tanh c · o · (1 − o)`, the first is `dh` and the second 0. The cell state
/// does not depend on the output gate of its own step, and the step before reads its own cell state, so all else stays.
#[derive(Debug)]
struct LastCellBackward;

impl<B: LstmBackend + LstmKernels> Backward<B, 5> for LastCellBackward {
    type State = State<B>;

    fn backward(self, ops: Ops<State<B>, 5>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d_cells = grads.consume::<B>(&ops.node);
        let (s, parents) = (ops.state, ops.parents.map(|node| node.map(|n| n.id)));
        let shape = s.cells.shape();
        let [steps, batch, groups, hidden] = [0, 1, 2, 3].map(|d| shape[d]);
        let mut last = vec![0.0f32; steps * batch * groups];
        for b in 0..batch {
            for g in 0..groups {
                if let Some(t) = s.spec.last_time(g, b, steps) {
                    last[(t * batch + b) * groups + g] = 1.0;
                }
            }
        }
        let others: Vec<f32> = last.iter().map(|last| 1.0 - last).collect();
        let device = s.cells.device();
        let tensor = |values: Vec<f32>| {
            let data = TensorData::new(values, [steps, batch, groups, 1]);
            B::float_from_data(data, &device)
        };
        let (last, others) = (tensor(last), tensor(others));
        let cells = B::float_mul(s.cells.clone(), others.clone());
        let o = slice::<B>(s.gates.clone(), 3, 3 * hidden, hidden);
        // Saved gates may be f16.
        let dtype: FloatDType = o.dtype().into();
        let [last, others] = [last, others].map(|x| B::float_cast(x, dtype));
        let o = B::float_add(B::float_mul(o, others), last);
        let gates = B::float_cat(vec![slice::<B>(s.gates, 3, 0, 3 * hidden), o], 3);
        let d = B::recurrence_backward(
            d_cells,
            s.w_hh,
            gates,
            cells,
            s.c0.clone(),
            s.peephole,
            s.mask.clone(),
            s.spec.clone(),
        );
        let cells = parents[4].is_some().then_some(s.cells);
        register::<B>(parents, d, s.out, cells, [s.h0, s.c0, s.mask], s.spec, grads);
    }
}

/// Registers the gradients of the inputs, from those of the gates before activation and of the initial states.
fn register<B: LstmBackend + LstmKernels>(
    [projected_id, w_hh_id, h0_id, c0_id, peephole_id]: Parents,
    (d_gates, d_state): (FloatTensor<B>, FloatTensor<B>),
    out: FloatTensor<B>,
    cells: Option<FloatTensor<B>>,
    [h0, c0, mask]: [FloatTensor<B>; 3],
    spec: Spec,
    grads: &mut Gradients,
) {
    let shape = d_gates.shape();
    let [steps, batch, groups, wide] = [0, 1, 2, 3].map(|d| shape[d]);
    let hidden = wide / 4;
    // [T·B, G, 4H]
    let rows = || reshape::<B>(d_gates.clone(), &[steps * batch, groups, wide]);
    if let Some(id) = w_hh_id {
        let previous = B::previous_hidden(out, h0, mask.clone(), spec.clone());
        let by_group = B::float_permute(rows(), &[1, 2, 0]);
        let d_w_hh = match spec.context.products {
            Products::F32 => B::float_matmul(by_group, previous),
            _ => B::product(by_group, previous, spec.context),
        };
        grads.register::<B>(id, d_w_hh);
    }
    if let (Some(id), Some(cells)) = (peephole_id, cells) {
        // w_ci and w_cf saw the cell before, w_co the cell after; the mask has no part in either.
        let plain = Spec {
            masked: false,
            ..spec
        };
        let before = B::previous_hidden(cells.clone(), c0, mask, plain);
        let after = reshape::<B>(cells, &[steps * batch, groups, hidden]);
        let after = B::float_permute(after, &[1, 0, 2]);
        let of_gate = |gate: usize, cell: FloatTensor<B>| {
            let d = B::float_permute(slice::<B>(rows(), 2, gate * hidden, hidden), &[1, 0, 2]);
            B::float_sum_dim(B::float_mul(d, cell), 1)
        };
        let parts = vec![
            of_gate(0, before.clone()),
            of_gate(1, before),
            of_gate(3, after),
        ];
        grads.register::<B>(id, B::float_cat(parts, 1));
    }
    for (id, which) in [(h0_id, 0), (c0_id, 1)] {
        if let Some(id) = id {
            let part = slice::<B>(d_state.clone(), 0, which, 1);
            grads.register::<B>(id, reshape::<B>(part, &[groups, batch, hidden]));
        }
    }
    if let Some(id) = projected_id {
        grads.register::<B>(id, d_gates);
    }
}

fn reshape<B: Backend>(x: FloatTensor<B>, shape: &[usize]) -> FloatTensor<B> {
    B::float_reshape(x, Shape::from(shape.to_vec()))
}

/// `count` entries from `start` along dimension `dim`.
fn slice<B: Backend>(x: FloatTensor<B>, dim: usize, start: usize, count: usize) -> FloatTensor<B> {
    let all = x.shape();
    let ranges: Vec<Slice> = (0..all.num_dims())
        .map(|d| {
            if d == dim {
                start..start + count
            } else {
                0..all[d]
            }
        })
        .map(|r| Slice::from(r.start as isize..r.end as isize))
        .collect();
    B::float_slice(x, &ranges)
}

impl<B, C> LstmBackend for Autodiff<B, C>
where
    B: LstmBackend + LstmKernels,
    C: CheckpointStrategy,
{
    fn recurrence(
        projected: FloatTensor<Self>,
        w_hh: FloatTensor<Self>,
        h0: FloatTensor<Self>,
        c0: FloatTensor<Self>,
        peephole: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        spec: Spec,
    ) -> FloatTensor<Self> {
        let nodes = [
            projected.node(),
            w_hh.node(),
            h0.node(),
            c0.node(),
            peephole.node(),
        ];
        let prepared = RecurrenceBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful();
        let [projected, w_hh, h0, c0, peephole, mask] =
            [projected, w_hh, h0, c0, peephole, mask].map(|x| x.into_primitive());
        let (out, gates, cells) = B::recurrence_forward(
            projected,
            w_hh.clone(),
            h0.clone(),
            c0.clone(),
            peephole.clone(),
            mask.clone(),
            spec.clone(),
        );
        match prepared {
            OpsKind::Tracked(node) => {
                let saved = out.clone();
                let state = State {
                    out: saved,
                    w_hh,
                    gates,
                    cells,
                    h0,
                    c0,
                    peephole,
                    mask,
                    spec,
                };
                node.finish(state, out)
            }
            OpsKind::UnTracked(node) => node.finish(out),
        }
    }

    fn recurrence_and_cells(
        projected: FloatTensor<Self>,
        w_hh: FloatTensor<Self>,
        h0: FloatTensor<Self>,
        c0: FloatTensor<Self>,
        peephole: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        spec: Spec,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = || {
            [
                projected.node(),
                w_hh.node(),
                h0.node(),
                c0.node(),
                peephole.node(),
            ]
        };
        let of_out = RecurrenceBackward
            .prepare::<C>(nodes())
            .compute_bound()
            .stateful();
        let of_cells = LastCellBackward
            .prepare::<C>(nodes())
            .compute_bound()
            .stateful();
        let [projected, w_hh, h0, c0, peephole, mask] =
            [projected, w_hh, h0, c0, peephole, mask].map(|x| x.into_primitive());
        let (out, gates, cells) = B::recurrence_forward(
            projected,
            w_hh.clone(),
            h0.clone(),
            c0.clone(),
            peephole.clone(),
            mask.clone(),
            spec.clone(),
        );
        // Both are tracked or neither: they have the same inputs.
        match (of_out, of_cells) {
            (OpsKind::Tracked(of_out), OpsKind::Tracked(of_cells)) => {
                let state = State {
                    out: out.clone(),
                    w_hh,
                    gates,
                    cells: cells.clone(),
                    h0,
                    c0,
                    peephole,
                    mask,
                    spec,
                };
                let out = of_out.finish(state.clone(), out);
                (out, of_cells.finish(state, cells))
            }
            (OpsKind::UnTracked(of_out), OpsKind::UnTracked(of_cells)) => {
                (of_out.finish(out), of_cells.finish(cells))
            }
            _ => unreachable!("the same inputs are tracked or not"),
        }
    }

    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>, context: Context) -> FloatTensor<Self> {
        let nodes = [a.node(), b.node()];
        let prepared = ProductBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful();
        let [a, b] = [a, b].map(|x| x.into_primitive());
        let [a_largest, b_largest] = [a.clone(), b.clone()].map(B::largest);
        let operands = Operands::<B> {
            a,
            b,
            a_largest,
            b_largest,
            context,
        };
        let out = operands.clone().product();
        match prepared {
            OpsKind::Tracked(node) => node.finish(operands, out),
            OpsKind::UnTracked(node) => node.finish(out),
        }
    }
}

#[derive(Debug)]
struct ProductBackward;

/// The operands of a product, and the largest magnitude of each.
#[derive(Debug, Clone)]
struct Operands<B: Backend> {
    a: FloatTensor<B>,
    b: FloatTensor<B>,
    a_largest: FloatTensor<B>,
    b_largest: FloatTensor<B>,
    context: Context,
}

impl<B: LstmKernels> Operands<B> {
    fn product(self) -> FloatTensor<B> {
        B::scaled_product(self.a, self.b, self.a_largest, self.b_largest, self.context)
    }
}

impl<B: LstmKernels> Backward<B, 2> for ProductBackward {
    type State = Operands<B>;

    fn backward(self, ops: Ops<Operands<B>, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [a_node, b_node] = ops.parents;
        let d = grads.consume::<B>(&ops.node);
        let s = ops.state;
        let largest = B::largest(d.clone());
        let turned = |x| B::float_swap_dims(x, 1, 2);
        if let Some(node) = a_node {
            let (d, largest) = (d.clone(), largest.clone());
            let d_a = B::scaled_product(d, turned(s.b), largest, s.b_largest, s.context);
            grads.register::<B>(node.id, d_a);
        }
        if let Some(node) = b_node {
            let d_b = B::scaled_product(turned(s.a), d, s.a_largest, largest, s.context);
            grads.register::<B>(node.id, d_b);
        }
    }
}
