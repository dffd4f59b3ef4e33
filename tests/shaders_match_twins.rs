//! Every engine computes what the twins compute: the kernels on the adapter with both plans, Burn's CPU backend and
//! the CPU engine itself, with every option, fresh sizes and inputs that lie in memory in every way.
//!
//! Relative error at most 1e-4: hidden states, gates, cell states, what entered the product, and all gradients.

#[path = "common/devices.rs"]
mod devices;
#[path = "common/numerics.rs"]
mod numerics;
#[path = "common/recurrence.rs"]
mod recurrence;

use burn::backend::Dispatch;
use burn::tensor::{Device, Tensor, TensorData};
use numerics::{fresh, relative_error};
use recurrence::{Problem, Results, option_choices};
use sinew::lstm::{Dims, Plan, RecurrenceBackend, cpu, recurrence as differentiable};
use sinew::rng::Rng;

const LIMIT: f64 = 1e-4;

/// How the numbers of an input lie in memory.
#[derive(Clone, Copy, Debug)]
enum Layout {
    Contiguous,
    /// The first two dimensions swapped.
    Swapped,
    /// Behind others in one buffer.
    Behind,
}

fn layout(rng: &mut Rng) -> Layout {
    [Layout::Contiguous, Layout::Swapped, Layout::Behind][rng.below(3)]
}

fn tensor<const D: usize>(
    values: &[f32],
    shape: [usize; D],
    layout: Layout,
    device: &Device,
) -> Tensor<D> {
    let make =
        |values, shape: [usize; D]| Tensor::<D>::from_data(TensorData::new(values, shape), device);
    match layout {
        Layout::Contiguous => make(values.to_vec(), shape),
        Layout::Swapped => {
            let inner: usize = shape[2..].iter().product();
            let (rows, columns) = (shape[0], shape[1]);
            let from = |i: usize| &values[(i % rows * columns + i / rows) * inner..][..inner];
            let turned = (0..rows * columns).flat_map(from).copied().collect();
            let mut other = shape;
            other.swap(0, 1);
            make(turned, other).swap_dims(0, 1)
        }
        Layout::Behind => {
            let one: usize = shape[1..].iter().product();
            let mut longer = vec![f32::NAN; one];
            longer.extend(values);
            let mut other = shape;
            other[0] += 1;
            make(longer, other).narrow(0, 1, shape[0])
        }
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("float32")
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
        let mut three = |values: &[f32], shape| tensor::<3>(values, shape, layout(rng), device);
        let [w_hh, h0, c0, peephole, mask] = [
            three(&problem.w_hh, [groups, 4 * hidden, hidden]),
            three(&problem.h0, state),
            three(&problem.c0, state),
            three(&problem.peephole, peephole),
            three(&problem.mask, mask),
        ];
        let mut four = |values: &[f32], width| {
            tensor::<4>(values, [steps, batch, groups, width], layout(rng), device)
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

/// The public trait on a device.
fn through_the_trait(problem: &Problem, rng: &mut Rng, device: &Device) -> Results {
    let x = Inputs::new(problem, rng, device);
    let spec = || problem.spec.clone();
    let [w_hh, h0, c0, peephole, mask] =
        [x.w_hh, x.h0, x.c0, x.peephole, x.mask].map(Tensor::into_dispatch);
    let (out, gates, cells) = <Dispatch as RecurrenceBackend>::recurrence_forward(
        x.projected.into_dispatch(),
        w_hh.clone(),
        h0.clone(),
        c0.clone(),
        peephole.clone(),
        mask.clone(),
        spec(),
    );
    let previous =
        <Dispatch as RecurrenceBackend>::previous_hidden(out.clone(), h0, mask.clone(), spec());
    let (d_gates, d_state) = <Dispatch as RecurrenceBackend>::recurrence_backward(
        x.d_out.into_dispatch(),
        w_hh,
        gates.clone(),
        cells.clone(),
        c0,
        peephole,
        mask,
        spec(),
    );
    let four = |x| values(Tensor::<4>::from_dispatch(x));
    Results {
        out: four(out),
        gates: four(gates),
        cells: four(cells),
        previous: values(Tensor::<3>::from_dispatch(previous)),
        d_gates: four(d_gates),
        d_state: four(d_state),
    }
}

/// The CPU engine without Burn.
fn through_the_engine(problem: &Problem) -> Results {
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

/// The worst relative error so far of each tensor.
#[derive(Default)]
struct Worst(Vec<(String, f64)>);

impl Worst {
    fn add(&mut self, name: &str, ours: &[f32], theirs: &[f32], case: &str) {
        let error = relative_error(ours, theirs);
        assert!(error <= LIMIT, "{name}: relative error {error:e} in {case}");
        match self.0.iter_mut().find(|(n, _)| n == name) {
            Some((_, worst)) => *worst = worst.max(error),
            None => self.0.push((name.into(), error)),
        }
    }

    fn all(&mut self, ours: &Results, theirs: &Results, case: &str) {
        for ((name, ours), (_, theirs)) in ours.named().into_iter().zip(theirs.named()) {
            self.add(name, ours, theirs, case);
        }
    }

    fn print(&self, engine: &str) {
        let each: Vec<_> = self.0.iter().map(|(n, e)| format!("{n} {e:.1e}")).collect();
        println!("{engine}: {}", each.join(", "));
    }
}

fn some_dims(rng: &mut Rng, hidden: usize) -> Dims {
    Dims {
        steps: 1 + rng.below(7),
        batch: 1 + rng.below(70),
        groups: 1 + rng.below(4),
        hidden: 1 + rng.below(hidden),
    }
}

#[test]
fn every_kernel_on_every_device() {
    let mut rng = fresh("every_kernel_on_every_device");
    for compute in devices::devices() {
        for plan in Plan::ALL {
            let mut worst = Worst::default();
            for choice in option_choices() {
                let mut dims = some_dims(&mut rng, 70);
                // Odd rows and units, which no tile divides.
                (dims.batch, dims.hidden) = (dims.batch | 1, dims.hidden | 1);
                let mut problem = Problem::new(&mut rng, dims, choice).with_plan(plan);
                // Both directions, whatever was drawn.
                problem.spec.reverse[0] = choice[0] ^ choice[2];
                let theirs = problem.twins(1 + rng.below(dims.steps));
                let ours = through_the_trait(&problem, &mut rng, &compute.device);
                let case = format!("{} on {}", problem.describe(), compute.name());
                worst.all(&ours, &theirs, &case);
            }
            worst.print(&format!("{} {}", compute.name(), plan.name()));
        }
    }
}

/// More units than threads, and steps for several dispatches: 2.5e8 operations are one.
#[test]
fn many_units_in_several_dispatches() {
    let mut rng = fresh("many_units_in_several_dispatches");
    let dims = Dims {
        steps: 10,
        batch: 40,
        groups: 3,
        hidden: 257 + rng.below(64),
    };
    assert!(dims.flops() > 2.0 * 2.5e8);
    let problem = Problem::new(&mut rng, dims, [true; 3]);
    for plan in Plan::ALL {
        let problem = problem.clone().with_plan(plan);
        let theirs = problem.twins(3);
        for compute in devices::devices() {
            let mut worst = Worst::default();
            let ours = through_the_trait(&problem, &mut rng, &compute.device);
            let case = format!("{} on {}", problem.describe(), compute.name());
            worst.all(&ours, &theirs, &case);
            worst.print(&format!(
                "{} {} H={}",
                compute.name(),
                plan.name(),
                dims.hidden
            ));
        }
    }
}

#[test]
fn cpu_engine_on_many_shapes() {
    let mut rng = fresh("cpu_engine_on_many_shapes");
    let mut worst = Worst::default();
    for round in 0..25 {
        for choice in option_choices() {
            let dims = some_dims(&mut rng, if round == 0 { 300 } else { 50 });
            let plan = Plan::ALL[round % 2];
            let problem = Problem::new(&mut rng, dims, choice).with_plan(plan);
            let theirs = problem.twins(1 + rng.below(dims.steps));
            worst.all(&through_the_engine(&problem), &theirs, &problem.describe());
        }
    }
    worst.print("cpu engine");
}

/// The autodiff node joins the kernels to gradients of all its inputs.
#[test]
fn gradients_through_autodiff() {
    let mut rng = fresh("gradients_through_autodiff");
    for compute in devices::devices() {
        let device = compute.device.clone().autodiff();
        let mut worst = Worst::default();
        for (round, choice) in option_choices().enumerate() {
            let dims = some_dims(&mut rng, 20);
            let plan = Plan::ALL[round % 2];
            let problem = Problem::new(&mut rng, dims, choice).with_plan(plan);
            let theirs = problem.twins(usize::MAX);
            let (d_w_hh, d_peephole) = problem.products(&theirs);
            let (d_h0, d_c0) = theirs.d_state.split_at(problem.h0.len());

            let x = Inputs::new(&problem, &mut rng, &device);
            let [w_hh, h0, c0, peephole] =
                [x.w_hh, x.h0, x.c0, x.peephole].map(Tensor::require_grad);
            let projected = x.projected.require_grad();
            let out = differentiable(
                projected.clone(),
                w_hh.clone(),
                h0.clone(),
                c0.clone(),
                problem.spec.peephole.then(|| peephole.clone()),
                problem.spec.masked.then_some(x.mask),
                problem.spec.clone(),
            );
            let grads = (out * x.d_out).sum().backward();
            let case = format!("{} on {}", problem.describe(), compute.name());
            let ours = values(projected.grad(&grads).expect("projected"));
            worst.add("projected", &ours, &theirs.d_gates, &case);
            let three = [
                ("w_hh", w_hh, &d_w_hh[..]),
                ("h0", h0, d_h0),
                ("c0", c0, d_c0),
                ("peephole", peephole, &d_peephole),
            ];
            for (name, tensor, theirs) in three {
                if name == "peephole" && !problem.spec.peephole {
                    continue;
                }
                let ours = values(tensor.grad(&grads).expect(name));
                worst.add(name, &ours, theirs, &case);
            }
        }
        worst.print(&format!("{} gradients", compute.name()));
    }
}
