//! The CPU engine behind Burn's Flex backend.

use super::{Dims, Inputs, Spec};
use crate::lstm::backend::{CellTensors, LstmKernels, Saved};
use crate::lstm::options::{Context, Products};
use crate::lstm::rounding::{largest_of, rounded};
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorData, TensorMetadata};

/// The numbers of a tensor, in order; its own memory where it is contiguous.
struct Numbers(TensorData);

impl Numbers {
    fn of(tensor: FloatTensor<Flex>) -> Self {
        Numbers(tensor.into_data())
    }

    fn slice(&self) -> &[f32] {
        self.0
            .as_slice()
            .unwrap_or_else(|_| unreachable!("the engine's tensors are float32"))
    }
}

fn tensor(values: Vec<f32>, shape: &[usize]) -> FloatTensor<Flex> {
    FloatTensor::<Flex>::from_data(TensorData::new(values, shape))
}

impl LstmKernels for Flex {
    fn recurrence_forward(
        projected: FloatTensor<Self>,
        cell: CellTensors<Self>,
        spec: Spec,
    ) -> Saved<Self> {
        let dims = Dims::of(&projected.shape(), 4);
        let tensors = [
            projected,
            cell.w_hh,
            cell.h0,
            cell.c0,
            cell.peephole,
            cell.mask,
        ];
        let [projected, w_hh, h0, c0, peephole, mask] = tensors.map(Numbers::of);
        let saved = super::forward(Inputs {
            dims,
            spec: &spec,
            projected: projected.slice(),
            w_hh: w_hh.slice(),
            h0: h0.slice(),
            c0: c0.slice(),
            peephole: peephole.slice(),
            mask: mask.slice(),
        });
        let [steps, batch, groups, hidden] = dims.sizes();
        Saved {
            out: tensor(saved.out, &[steps, batch, groups, hidden]),
            gates: tensor(saved.gates, &[steps, batch, groups, 4 * hidden]),
            cells: tensor(saved.cells, &[steps, batch, groups, hidden]),
        }
    }

    fn recurrence_backward(
        d_out: FloatTensor<Self>,
        cell: CellTensors<Self>,
        saved: Saved<Self>,
        spec: Spec,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let dims = Dims::of(&d_out.shape(), 1);
        let tensors = [cell.w_hh, cell.c0, cell.peephole, cell.mask];
        let [w_hh, c0, peephole, mask] = tensors.map(Numbers::of);
        let [d_out, gates, cells] = [d_out, saved.gates, saved.cells].map(Numbers::of);
        let inputs = Inputs {
            dims,
            spec: &spec,
            projected: &[],
            w_hh: w_hh.slice(),
            h0: &[],
            c0: c0.slice(),
            peephole: peephole.slice(),
            mask: mask.slice(),
        };
        let gradients = super::backward(inputs, gates.slice(), cells.slice(), d_out.slice());
        let [steps, batch, groups, hidden] = dims.sizes();
        (
            tensor(gradients.gates, &[steps, batch, groups, 4 * hidden]),
            tensor(gradients.state, &[2, groups, batch, hidden]),
        )
    }

    fn previous_hidden(
        out: FloatTensor<Self>,
        h0: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        spec: Spec,
    ) -> FloatTensor<Self> {
        let dims = Dims::of(&out.shape(), 1);
        let [out, h0, mask] = [out, h0, mask].map(Numbers::of);
        let previous = super::previous_hidden(dims, &spec, out.slice(), h0.slice(), mask.slice());
        tensor(
            previous,
            &[dims.groups, dims.steps * dims.batch, dims.hidden],
        )
    }

    fn largest(x: FloatTensor<Self>) -> FloatTensor<Self> {
        tensor(vec![largest_of(Numbers::of(x).slice())], &[1])
    }

    /// Burn's product, of operands rounded to f16 where the products are in f16: a processor gains nothing by it, but
    /// learns what a GPU in mixed precision would.
    fn scaled_product(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        a_largest: FloatTensor<Self>,
        b_largest: FloatTensor<Self>,
        context: Context,
    ) -> FloatTensor<Self> {
        match context.products {
            Products::F32 => Flex::float_matmul(a, b),
            Products::Rounded | Products::MatrixUnits(_) => {
                Flex::float_matmul(round(a, a_largest), round(b, b_largest))
            }
        }
    }
}

fn round(x: FloatTensor<Flex>, largest: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let shape = x.shape();
    let largest = largest_of(Numbers::of(largest).slice());
    let x = Numbers::of(x);
    let values: Vec<f32> = x.slice().iter().map(|x| rounded(*x, largest)).collect();
    FloatTensor::<Flex>::from_data(TensorData::new(values, shape))
}
