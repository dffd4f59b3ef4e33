//! The recurrence and the dense product, each as one node of Burn's autodiff graph.

use super::backend::{CellTensors, LstmBackend, LstmKernels, Saved};
use super::options::{Context, Products};
use super::recurrence::Spec;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::{FloatDType, Shape, Slice, TensorData};
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};
use burn_autodiff::{Autodiff, NodeId};

/// What the backward pass needs of the forward pass.
#[derive(Debug, Clone)]
struct State<B: Backend> {
    cell: CellTensors<B>,
    saved: Saved<B>,
    spec: Spec,
}

/// The hidden states of every step.
#[derive(Debug)]
struct RecurrenceBackward;

impl<B: LstmBackend + LstmKernels> Backward<B, 5> for RecurrenceBackward {
    type State = State<B>;

    fn backward(self, ops: Ops<State<B>, 5>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d_out = grads.consume::<B>(&ops.node);
        let State { cell, saved, spec } = ops.state;
        let inputs = ops.parents.map(|node| node.map(|node| node.id));
        let before = Before::of(&cell, &spec);
        let out = saved.out.clone();
        // A second holder would make the engine copy them.
        let cells = inputs[4].is_some().then(|| saved.cells.clone());
        let d = B::recurrence_backward(d_out, cell, saved, spec);
        register(inputs, d, before, out, cells, grads);
    }
}

/// The cell states, whose gradient is zero except at each row's last valid step.
///
/// The engine's backward pass takes gradients of hidden states: a step has `dc = dh · o · (1 − tanh² c)` and
/// `do = dh · tanh c · o · (1 − o)`. With its cell state replaced by 0 and its output gate by 1, `dc` is `dh` and `do` is 0:
/// a gradient of its hidden state becomes one of its cell state. Nothing else reads the two at the last step.
#[derive(Debug)]
struct LastCellBackward;

impl<B: LstmBackend + LstmKernels> Backward<B, 5> for LastCellBackward {
    type State = State<B>;

    fn backward(self, ops: Ops<State<B>, 5>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d_cells = grads.consume::<B>(&ops.node);
        let State { cell, saved, spec } = ops.state;
        let inputs = ops.parents.map(|node| node.map(|node| node.id));
        let before = Before::of(&cell, &spec);
        let Saved { out, gates, cells } = saved;
        let shape = cells.shape();
        let [steps, batch, groups, hidden] = [0, 1, 2, 3].map(|d| shape[d]);
        // 1 at the last step of each row and group, 0 elsewhere; and the reverse.
        let mut last = vec![0.0f32; steps * batch * groups];
        for (b, g) in (0..batch).flat_map(|b| (0..groups).map(move |g| (b, g))) {
            if let Some(t) = spec.last_time(g, b, steps) {
                last[(t * batch + b) * groups + g] = 1.0;
            }
        }
        let others = last.iter().map(|last| 1.0 - last).collect();
        let device = cells.device();
        let [last, others] = [last, others].map(|values| {
            let data = TensorData::new(values, [steps, batch, groups, 1]);
            B::float_from_data(data, &device)
        });
        let saved_cells = B::float_mul(cells.clone(), others.clone());
        let [i_f_g, o] = [(0, 3 * hidden), (3 * hidden, hidden)]
            .map(|(start, count)| slice::<B>(gates.clone(), 3, start, count));
        // Saved gates can be f16.
        let dtype: FloatDType = o.dtype().into();
        let [last, others] = [last, others].map(|x| B::float_cast(x, dtype));
        let o = B::float_add(B::float_mul(o, others), last);
        let saved = Saved {
            out: out.clone(),
            gates: B::float_cat(vec![i_f_g, o], 3),
            cells: saved_cells,
        };
        let d = B::recurrence_backward(d_cells, cell, saved, spec);
        register(inputs, d, before, out, Some(cells), grads);
    }
}

/// What entered the first step, and how.
struct Before<B: Backend> {
    h0: FloatTensor<B>,
    c0: FloatTensor<B>,
    mask: FloatTensor<B>,
    spec: Spec,
}

impl<B: Backend> Before<B> {
    fn of(cell: &CellTensors<B>, spec: &Spec) -> Self {
        Before {
            h0: cell.h0.clone(),
            c0: cell.c0.clone(),
            mask: cell.mask.clone(),
            spec: spec.clone(),
        }
    }
}

/// Registers the gradients of the inputs `projected`, `w_hh`, `h0`, `c0` and `peephole`, from those of the gates before
/// activation and of the initial states. `out` and `cells` are the states of every step; peepholes need `cells`.
fn register<B: LstmBackend + LstmKernels>(
    [projected, w_hh, h0, c0, peephole]: [Option<NodeId>; 5],
    (d_gates, d_state): (FloatTensor<B>, FloatTensor<B>),
    before: Before<B>,
    out: FloatTensor<B>,
    cells: Option<FloatTensor<B>>,
    grads: &mut Gradients,
) {
    let shape = d_gates.shape();
    let [steps, batch, groups, wide] = [0, 1, 2, 3].map(|d| shape[d]);
    let hidden = wide / 4;
    let Before {
        h0: first_hidden,
        c0: first_cell,
        mask,
        spec,
    } = before;
    // [T·B, G, 4H]
    let rows = || reshape::<B>(d_gates.clone(), &[steps * batch, groups, wide]);
    if let Some(id) = w_hh {
        let previous = B::previous_hidden(out, first_hidden, mask.clone(), spec.clone());
        let by_group = B::float_permute(rows(), &[1, 2, 0]);
        let d_w_hh = match spec.context.products {
            Products::F32 => B::float_matmul(by_group, previous),
            _ => B::product(by_group, previous, spec.context),
        };
        grads.register::<B>(id, d_w_hh);
    }
    if let (Some(id), Some(cells)) = (peephole, cells) {
        // w_ci and w_cf saw the cell before, w_co the cell after; the mask has no part in either.
        let plain = Spec {
            masked: false,
            ..spec
        };
        let before = B::previous_hidden(cells.clone(), first_cell, mask, plain);
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
    for (id, which) in [(h0, 0), (c0, 1)] {
        if let Some(id) = id {
            let part = slice::<B>(d_state.clone(), 0, which, 1);
            grads.register::<B>(id, reshape::<B>(part, &[groups, batch, hidden]));
        }
    }
    if let Some(id) = projected {
        grads.register::<B>(id, d_gates);
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

/// The tensors without their nodes.
fn untracked<B: Backend, C: CheckpointStrategy>(
    cell: CellTensors<Autodiff<B, C>>,
) -> CellTensors<B> {
    CellTensors {
        w_hh: cell.w_hh.into_primitive(),
        h0: cell.h0.into_primitive(),
        c0: cell.c0.into_primitive(),
        peephole: cell.peephole.into_primitive(),
        mask: cell.mask.into_primitive(),
    }
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
        let (projected, cell) = (projected.into_primitive(), untracked(cell));
        let saved = B::recurrence_forward(projected, cell.clone(), spec.clone());
        let out = saved.out.clone();
        match prepared {
            OpsKind::Tracked(node) => node.finish(State { cell, saved, spec }, out),
            OpsKind::UnTracked(node) => node.finish(out),
        }
    }

    fn recurrence_and_cells(
        projected: FloatTensor<Self>,
        cell: CellTensors<Self>,
        spec: Spec,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let inputs = [&projected, &cell.w_hh, &cell.h0, &cell.c0, &cell.peephole];
        let of_out = RecurrenceBackward
            .prepare::<C>(inputs.map(|x| x.node()))
            .compute_bound()
            .stateful();
        let of_cells = LastCellBackward
            .prepare::<C>(inputs.map(|x| x.node()))
            .compute_bound()
            .stateful();
        let (projected, cell) = (projected.into_primitive(), untracked(cell));
        let saved = B::recurrence_forward(projected, cell.clone(), spec.clone());
        let (out, cells) = (saved.out.clone(), saved.cells.clone());
        let state = || State {
            cell: cell.clone(),
            saved: saved.clone(),
            spec: spec.clone(),
        };
        let out = match of_out {
            OpsKind::Tracked(node) => node.finish(state(), out),
            OpsKind::UnTracked(node) => node.finish(out),
        };
        let cells = match of_cells {
            OpsKind::Tracked(node) => node.finish(state(), cells),
            OpsKind::UnTracked(node) => node.finish(cells),
        };
        (out, cells)
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
