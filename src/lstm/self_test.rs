//! Whether a device computes its f16 and matrix-unit paths rightly, before they are used: drivers do claim support that
//! computes garbage. A small product and a small recurrence each are compared with f32; a wrong path stays off, and one
//! line says so.

use super::plan::{Limits, Plan, Walk};
use super::product::{Products, Units, product};
use super::recurrence;
use super::spec::{Precision, Spec};
use crate::device::{Adapter, Compute};
use crate::rng::Rng;
use burn::tensor::{Device, Tensor, TensorData};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What a device may use, and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Number format of the recurrence's products.
    pub precision: Precision,
    /// What computes the dense products.
    pub units: Units,
    /// Whether the recurrence's steps on these units are right too.
    pub steps: bool,
    /// A line each.
    pub notes: Vec<String>,
}

impl Verdict {
    /// The limits of an adapter without the matrix units that are not right.
    pub fn limits(&self, adapter: &Adapter) -> Limits {
        let right = self.units.fragments().filter(|_| self.steps);
        Limits {
            fragments: right,
            ..Limits::of(adapter)
        }
    }
}

/// Relative error beside f32 from which a path counts as wrong: rounding to f16 gives a few 1e-4 at the test's sizes,
/// a fragment in a wrong place about 1.
pub const LIMIT: f64 = 1e-2;

/// The relative error beside f32 of one path, or what kept it from running.
pub type Found = Result<f64, String>;

/// A path that is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// The dense product on these units.
    Product(Units),
    /// The recurrence in f16, both ways.
    Recurrence(Plan),
    /// The recurrence's steps on these units, both ways.
    Steps(Units),
}

/// The verdict on a device, found once a process.
pub fn verdict(compute: &Compute, wanted: Precision) -> Verdict {
    static KNOWN: Mutex<BTreeMap<String, Verdict>> = Mutex::new(BTreeMap::new());
    if wanted == Precision::F32 {
        return Verdict {
            precision: Precision::F32,
            units: Units::Burn,
            steps: false,
            notes: Vec::new(),
        };
    }
    let name = compute.run_name().to_string();
    let Some(adapter) = &compute.adapter else {
        let note = "the CPU engine rounds what enters its dense products to f16, as a GPU would, and gains no speed";
        return Verdict {
            precision: Precision::F32,
            units: Units::Plain,
            steps: false,
            notes: vec![note.into()],
        };
    };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let units = Units::of(adapter);
    known
        .entry(name.clone())
        .or_insert_with(|| {
            judge(&name, adapter.f16, units, &mut |path| {
                measure(&compute.device, path)
            })
        })
        .clone()
}

/// The verdict from what `error` finds of each path: the best units where they are right, else Burn's products; an f16
/// recurrence where the device has it and is right; and where both are, steps on these units.
pub fn judge(name: &str, f16: bool, best: Units, error: &mut dyn FnMut(Path) -> Found) -> Verdict {
    let mut notes = Vec::new();
    let mut right = |path: Path, what: &str, notes: &mut Vec<String>| {
        let fault = match error(path) {
            Ok(error) if error <= LIMIT => return true,
            Ok(error) => format!("its relative error is {error:.1e}"),
            Err(why) => format!("it does not run: {}", first_line(&why)),
        };
        notes.push(format!("the {what} of {name} stays off, {fault}"));
        false
    };
    let mut precision = Precision::F32;
    if !f16 {
        notes.push(format!(
            "{name} has no f16 in shaders: its recurrence stays in f32"
        ));
    } else if Plan::PLAIN
        .into_iter()
        .all(|plan| right(Path::Recurrence(plan), "f16 recurrence", &mut notes))
    {
        precision = Precision::F16;
    }
    let mut units = Units::Burn;
    if best == Units::Plain {
        notes.push(format!(
            "{name} has no matrix units that sinew can use: its dense products stay Burn's, in f32"
        ));
    } else if right(Path::Product(best), "matrix-unit product", &mut notes) {
        units = best;
    }
    let steps = units != Units::Burn
        && precision == Precision::F16
        && right(Path::Steps(best), "matrix-unit recurrence", &mut notes);
    Verdict {
        precision,
        units,
        steps,
        notes,
    }
}

fn first_line(text: &str) -> &str {
    text.lines()
        .find(|l| !l.trim().is_empty())
        .unwrap_or_default()
}

/// Runs a path on a device, beside f32.
pub fn measure(device: &Device, path: Path) -> Found {
    match path {
        Path::Product(units) => product_error(device, units),
        Path::Recurrence(plan) => worst_tile(device, plan, Units::Burn, [9, 20]),
        // Several tiles each way, and rows and units that none divides.
        Path::Steps(units) => worst_tile(device, Plan::STEPWISE_UNITS, units, [70, 100]),
    }
}

/// The worst of a plan's tiles: a run takes whichever is fastest. One that the device does not run counts as stepwise,
/// which takes its place.
fn worst_tile(device: &Device, plan: Plan, units: Units, sizes: [usize; 2]) -> Found {
    Plan::each()
        .filter(|tile| tile.walk == plan.walk)
        .map(|tile| recurrence_error(device, tile, units, sizes))
        .try_fold(0.0, |worst: f64, error| Ok(worst.max(error?)))
}

fn random<const D: usize>(rng: &mut Rng, shape: [usize; D], device: &Device) -> Tensor<D> {
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|_| rng.range(-1.0, 1.0))
        .collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, String> {
    let data = tensor.try_into_data().map_err(|e| e.to_string())?;
    data.try_to_vec().map_err(|e| format!("{e:?}"))
}

/// max |a − b| / max |b|; infinite where a number is none.
fn relative_error(a: &[f32], b: &[f32]) -> f64 {
    let most = b.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    let worst = a.iter().zip(b).fold(0.0f32, |m, (a, b)| {
        let d = (a - b).abs();
        if d.is_nan() { f32::INFINITY } else { m.max(d) }
    });
    f64::from(worst) / f64::from(most.max(f32::MIN_POSITIVE))
}

/// Products in the layouts of projection, weight gradient and input gradient, with sizes that no tile divides; with
/// matrix units also one that the larger tile takes.
fn product_error(device: &Device, units: Units) -> Found {
    let mut rng = Rng::new(4, &[]);
    let how = Products {
        units,
        dispatch: u64::MAX,
    };
    let mut cases = vec![[2, 70, 36, 100], [1, 130, 71, 45]];
    if units != Units::Plain {
        cases.push([64, 250, 256, 40]);
    }
    let mut worst = 0.0f64;
    for [groups, m, n, k] in cases {
        for (a_deep, b_deep) in [(true, true), (false, false), (true, false)] {
            let turned = |deep: bool, x: Tensor<3>| if deep { x } else { x.swap_dims(1, 2) };
            let a = if a_deep {
                [groups, m, k]
            } else {
                [groups, k, m]
            };
            let a = turned(a_deep, random(&mut rng, a, device));
            let b = if b_deep {
                [groups, n, k]
            } else {
                [groups, k, n]
            };
            let b = turned(!b_deep, random(&mut rng, b, device));
            let ours = read(product(a.clone(), b.clone(), how))?;
            let plain = read(a.matmul(b))?;
            worst = worst.max(relative_error(&ours, &plain));
        }
    }
    Ok(worst)
}

/// Hidden states and gradients of a recurrence of so many rows and hidden units, beside the plain one's in f32.
fn recurrence_error(device: &Device, plan: Plan, units: Units, [b, h]: [usize; 2]) -> Found {
    const T: usize = 3;
    const G: usize = 2;
    let mut rng = Rng::new(5, &[]);
    let device = device.clone().autodiff();
    let x = random(&mut rng, [T, b, G, 4 * h], &device).require_grad();
    let w = random(&mut rng, [G, 4 * h, h], &device).require_grad();
    let mut state = || random(&mut rng, [G, b, h], &device);
    let (h0, c0) = (state(), state());
    let run = |plan, precision, units| -> Result<[Vec<f32>; 3], String> {
        let spec = Spec {
            reverse: vec![false, true],
            plan,
            precision,
            units,
            dispatch: u64::MAX,
            ..Spec::default()
        };
        let out = recurrence(
            x.clone(),
            w.clone(),
            h0.clone(),
            c0.clone(),
            None,
            None,
            spec,
        );
        let grads = out.clone().sum().backward();
        let missing = || "no gradient".to_string();
        let d_x = x.grad(&grads).ok_or_else(missing)?;
        let d_w = w.grad(&grads).ok_or_else(missing)?;
        Ok([read(out)?, read(d_x)?, read(d_w)?])
    };
    let reference = match plan.walk {
        Walk::StepwiseUnits => Plan::STEPWISE,
        _ => plan,
    };
    let ours = run(plan, Precision::F16, units)?;
    let plain = run(reference, Precision::F32, Units::Burn)?;
    let errors = ours.iter().zip(&plain).map(|(a, b)| relative_error(a, b));
    Ok(errors.fold(0.0, f64::max))
}
