//! A recurrence through each engine: the backend trait on a device, the CPU engine itself, the autodiff node.

use burn::backend::Dispatch;
use burn::tensor::{Device, FloatDType, Tensor, TensorData};

use super::problem::{Problem, Results};
use crate::error::{Error, Result};
use crate::lstm::Dims;
use crate::lstm::testing::{CellTensors, LstmKernels, Saved, cpu, recurrence};
use crate::model::read_tensor as read;
use crate::rng::Rng;

/// The memory layout of an input.
#[derive(Clone, Copy, Debug)]
enum MemoryLayout {
    Contiguous,
    /// The first two dimensions swapped.
    Swapped,
    /// Behind others in one buffer.
    Behind,
}

fn random_layout(rng: &mut Rng) -> MemoryLayout {
    [
        MemoryLayout::Contiguous,
        MemoryLayout::Swapped,
        MemoryLayout::Behind,
    ][rng.below(3)]
}

fn tensor<const D: usize>(
    values: &[f32],
    shape: [usize; D],
    layout: MemoryLayout,
    device: &Device,
) -> Tensor<D> {
    let make =
        |values, shape: [usize; D]| Tensor::<D>::from_data(TensorData::new(values, shape), device);
    match layout {
        MemoryLayout::Contiguous => make(values.to_vec(), shape),
        MemoryLayout::Swapped => {
            let inner: usize = shape[2..].iter().product();
            let (rows, columns) = (shape[0], shape[1]);
            let from = |i: usize| &values[(i % rows * columns + i / rows) * inner..][..inner];
            let turned = (0..rows * columns).flat_map(from).copied().collect();
            let mut other = shape;
            other.swap(0, 1);
            make(turned, other).swap_dims(0, 1)
        }
        MemoryLayout::Behind => {
            let one: usize = shape[1..].iter().product();
            let mut longer = vec![f32::NAN; one];
            longer.extend(values);
            let mut other = shape;
            other[0] += 1;
            make(longer, other).narrow(0, 1, shape[0])
        }
    }
}

/// The inputs of a problem as tensors.
struct Inputs {
    projected: Tensor<4>,
    w_hh: Tensor<3>,
    h0: Tensor<3>,
    c0: Tensor<3>,
    peephole: Tensor<3>,
    mask: Tensor<3>,
    d_out: Tensor<4>,
}

impl Inputs {
    fn new(problem: &Problem, rng: &mut Rng, device: &Device) -> Self {
        let Dims {
            steps,
            batch,
            groups,
            hidden,
        } = problem.dims;
        let state = [groups, batch, hidden];
        let of_option = |there: bool, shape| if there { shape } else { [1, 1, 1] };
        let peephole = of_option(problem.spec.peephole, [groups, 3, hidden]);
        let mask = of_option(problem.spec.masked, state);
        let mut three =
            |values: &[f32], shape| tensor::<3>(values, shape, random_layout(rng), device);
        let [w_hh, h0, c0, peephole, mask] = [
            three(&problem.w_hh, [groups, 4 * hidden, hidden]),
            three(&problem.h0, state),
            three(&problem.c0, state),
            three(&problem.peephole, peephole),
            three(&problem.mask, mask),
        ];
        let mut four = |values: &[f32], width| {
            tensor::<4>(
                values,
                [steps, batch, groups, width],
                random_layout(rng),
                device,
            )
        };
        let projected = four(&problem.projected, 4 * hidden);
        let d_out = four(&problem.d_out, hidden);
        Inputs {
            projected,
            w_hh,
            h0,
            c0,
            peephole,
            mask,
            d_out,
        }
    }
}

/// Through the backend trait on a device, with random memory layouts of the inputs.
///
/// # Errors
/// [`Error::Device`] where the device fails.
pub fn through_the_trait(problem: &Problem, rng: &mut Rng, device: &Device) -> Result<Results> {
    let x = Inputs::new(problem, rng, device);
    let spec = || problem.spec.clone();
    let cell = CellTensors::<Dispatch> {
        w_hh: x.w_hh.into_dispatch(),
        h0: x.h0.into_dispatch(),
        c0: x.c0.into_dispatch(),
        peephole: x.peephole.into_dispatch(),
        mask: x.mask.into_dispatch(),
    };
    let projected = x.projected.into_dispatch();
    let saved = Dispatch::recurrence_forward(projected, cell.clone(), spec());
    let Saved { out, gates, cells } = saved.clone();
    let (h0, mask) = (cell.h0.clone(), cell.mask.clone());
    let previous = Dispatch::previous_hidden(out.clone(), h0, mask, spec());
    let d_out = x.d_out.into_dispatch();
    let (d_gates, d_state) = Dispatch::recurrence_backward(d_out, cell, saved, spec());
    let four = |x| read(Tensor::<4>::from_dispatch(x));
    Ok(Results {
        out: four(out)?,
        // Half precision saves them as f16.
        gates: read(Tensor::<4>::from_dispatch(gates).cast(FloatDType::F32))?,
        cells: four(cells)?,
        previous: read(Tensor::<3>::from_dispatch(previous))?,
        d_gates: four(d_gates)?,
        d_state: four(d_state)?,
    })
}

/// Through the CPU engine without Burn.
pub fn through_the_engine(problem: &Problem) -> Results {
    let inputs = cpu::Inputs {
        dims: problem.dims,
        spec: &problem.spec,
        projected: &problem.projected,
        w_hh: &problem.w_hh,
        h0: &problem.h0,
        c0: &problem.c0,
        peephole: &problem.peephole,
        mask: &problem.mask,
    };
    let cpu::Saved { out, gates, cells } = cpu::forward(inputs);
    let (h0, mask) = (&problem.h0, &problem.mask);
    let previous = cpu::previous_hidden(problem.dims, &problem.spec, &out, h0, mask);
    let back = cpu::backward(inputs, &gates, &cells, &problem.d_out);
    Results {
        out,
        gates,
        cells,
        previous,
        d_gates: back.gates,
        d_state: back.state,
    }
}

/// Gradients of all its inputs through the autodiff node on a device, each with its name: `projected`, `w_hh`, `h0`,
/// `c0`, and `peephole` where the recurrence has peepholes.
///
/// # Errors
/// [`Error::Device`] where the device fails.
pub fn through_autodiff(
    problem: &Problem,
    rng: &mut Rng,
    device: &Device,
) -> Result<Vec<(&'static str, Vec<f32>)>> {
    let x = Inputs::new(problem, rng, &device.clone().autodiff());
    let [w_hh, h0, c0, peephole] = [x.w_hh, x.h0, x.c0, x.peephole].map(Tensor::require_grad);
    let projected = x.projected.require_grad();
    let out = recurrence(
        projected.clone(),
        w_hh.clone(),
        h0.clone(),
        c0.clone(),
        problem.spec.peephole.then(|| peephole.clone()),
        problem.spec.masked.then_some(x.mask),
        problem.spec.clone(),
    );
    let grads = (out * x.d_out).sum().backward();
    let missing = || Error::failed("an input got no gradient", "report this defect");
    let four = projected.grad(&grads).ok_or_else(missing)?;
    let mut found = vec![("projected", read(four)?)];
    let mut three = vec![("w_hh", w_hh), ("h0", h0), ("c0", c0)];
    if problem.spec.peephole {
        three.push(("peephole", peephole));
    }
    for (name, tensor) in three {
        let gradient = tensor.grad(&grads).ok_or_else(missing)?;
        found.push((name, read(gradient)?));
    }
    Ok(found)
}
