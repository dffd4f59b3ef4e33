//! The recurrence and the dense product, each as one node of Burn's autodiff graph.

use super::backend::{CellTensors, LstmBackend, LstmKernels, Saved};
use super::options::{Context, Products};
use super::recurrence::Spec;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::{Shape, Slice};
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};

#[derive(Debug)]
struct RecurrenceBackward;

/// What the backward pass needs of the forward pass.
#[derive(Debug, Clone)]
struct State<B: Backend> {
    cell: CellTensors<B>,
    saved: Saved<B>,
    spec: Spec,
}

impl<B: LstmBackend + LstmKernels> Backward<B, 5> for RecurrenceBackward {
    type State = State<B>;

    fn backward(self, ops: Ops<State<B>, 5>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [projected_node, w_hh_node, h0_node, c0_node, peephole_node] = ops.parents;
        let d_out = grads.consume::<B>(&ops.node);
        let State { cell, saved, spec } = ops.state;
        let shape = saved.gates.shape();
        let [steps, batch, groups, wide] = [0, 1, 2, 3].map(|d| shape[d]);
        let hidden = wide / 4;
        let (h0, c0, mask) = (cell.h0.clone(), cell.c0.clone(), cell.mask.clone());
        let out = saved.out.clone();
        // A second holder would make the engine copy them.
        let cells = peephole_node.is_some().then(|| saved.cells.clone());
        let (d_gates, d_state) = B::recurrence_backward(d_out, cell, saved, spec.clone());
        // [T·B, G, 4H]
        let rows = || reshape::<B>(d_gates.clone(), &[steps * batch, groups, wide]);
        if let Some(node) = w_hh_node {
            let previous = B::previous_hidden(out, h0, mask.clone(), spec.clone());
            let by_group = B::float_permute(rows(), &[1, 2, 0]);
            let d_w_hh = match spec.context.products {
                Products::F32 => B::float_matmul(by_group, previous),
                _ => B::product(by_group, previous, spec.context),
            };
            grads.register::<B>(node.id, d_w_hh);
        }
        if let (Some(node), Some(cells)) = (peephole_node, cells) {
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
            grads.register::<B>(node.id, B::float_cat(parts, 1));
        }
        for (node, which) in [(h0_node, 0), (c0_node, 1)] {
            if let Some(node) = node {
                let part = slice::<B>(d_state.clone(), 0, which, 1);
                grads.register::<B>(node.id, reshape::<B>(part, &[groups, batch, hidden]));
            }
        }
        if let Some(node) = projected_node {
            grads.register::<B>(node.id, d_gates);
        }
    }
}

fn reshape<B: Backend>(x: FloatTensor<B>, shape: &[usize]) -> FloatTensor<B> {
    B::float_reshape(x, Shape::from(shape.to_vec()))
}

/// `count` entries from `start` along dimension `dim`.
fn slice<B: Backend>(x: FloatTensor<B>, dim: usize, start: usize, count: usize) -> FloatTensor<B> {
    let mut ranges = vec![Slice::full(); x.shape().num_dims()];
    ranges[dim] = Slice::from(start as isize..(start + count) as isize);
    B::float_slice(x, &ranges)
}

impl<B, C> LstmBackend for Autodiff<B, C>
where
    B: LstmBackend + LstmKernels,
    C: CheckpointStrategy,
{
    fn recurrence(
        projected: FloatTensor<Self>,
        cell: CellTensors<Self>,
        spec: Spec,
    ) -> FloatTensor<Self> {
        let inputs = [&projected, &cell.w_hh, &cell.h0, &cell.c0, &cell.peephole];
        let prepared = RecurrenceBackward
            .prepare::<C>(inputs.map(|x| x.node()))
            .compute_bound()
            .stateful();
        let cell = CellTensors::<B> {
            w_hh: cell.w_hh.into_primitive(),
            h0: cell.h0.into_primitive(),
            c0: cell.c0.into_primitive(),
            peephole: cell.peephole.into_primitive(),
            mask: cell.mask.into_primitive(),
        };
        let projected = projected.into_primitive();
        let saved = B::recurrence_forward(projected, cell.clone(), spec.clone());
        let out = saved.out.clone();
        match prepared {
            OpsKind::Tracked(node) => node.finish(State { cell, saved, spec }, out),
            OpsKind::UnTracked(node) => node.finish(out),
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
