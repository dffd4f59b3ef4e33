//! Whether a device computes its f16 and matrix-unit paths correctly, before they are used: some drivers claim support for
//! what they compute wrongly. A small product and a small recurrence each are compared with f32; a wrong path stays off,
//! and one line says so.

use super::device::{EngineDevice, GpuLimits};
use super::matrix_units::MatrixUnits;
use super::options::{Context, Products};
use super::plan::{Plan, PlanKind};
use super::precision::Precision;
use super::product::product;
use super::recurrence::{Spec, recurrence};
use burn::tensor::{Device, Tensor, TensorData};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What a device may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfTest {
    /// Number format of the recurrence's products.
    pub precision: Precision,
    /// What computes the dense products.
    pub products: Products,
    /// Whether the recurrence's steps on the matrix units of `products` are right too.
    pub steps: bool,
    /// A line on each path that is turned off, or that gains nothing.
    pub notes: Vec<String>,
}

impl SelfTest {
    /// The limits of a GPU without the matrix units that are not right.
    pub fn limits(&self, limits: GpuLimits) -> GpuLimits {
        let matrix_units = self.products.matrix_units().filter(|_| self.steps);
        GpuLimits {
            matrix_units,
            ..limits
        }
    }
}

/// Relative error, compared with f32, from which a path counts as wrong: rounding to f16 gives a few 1e-4 at the test's
/// sizes, a fragment in a wrong place about 1.
pub const ERROR_LIMIT: f64 = 1e-2;

/// A path that is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// The dense product on matrix units.
    Product(MatrixUnits),
    /// The recurrence in f16, both ways.
    Recurrence(Plan),
    /// The recurrence's steps on matrix units, both ways.
    Steps(MatrixUnits),
}

/// Tests the paths that a precision takes on a device, once per process.
pub fn self_test(device: impl Into<EngineDevice>, precision: Precision) -> SelfTest {
    static KNOWN: Mutex<BTreeMap<String, SelfTest>> = Mutex::new(BTreeMap::new());
    if precision == Precision::F32 {
        return SelfTest {
            precision,
            products: Products::F32,
            steps: false,
            notes: Vec::new(),
        };
    }
    let EngineDevice {
        device,
        name,
        limits,
    } = device.into();
    let Some(limits) = limits.gpu else {
        let note = "the CPU engine rounds what enters its dense products to f16, as a GPU would, and gains no speed";
        return SelfTest {
            precision: Precision::F32,
            products: Products::Rounded,
            steps: false,
            notes: vec![note.into()],
        };
    };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known
        .entry(name.clone())
        .or_insert_with(|| {
            usable_paths(&name, limits.f16, limits.matrix_units, &mut |path| {
                path_error(&device, path)
            })
        })
        .clone()
}

/// The paths that may be used, from the error of each: the matrix units where they are right, else Burn's products; an
/// f16 recurrence where the device has it and it is right; and where both are, steps on matrix units.
pub fn usable_paths(
    name: &str,
    f16: bool,
    matrix_units: Option<MatrixUnits>,
    error: &mut dyn FnMut(Path) -> Result<f64, String>,
) -> SelfTest {
    let mut notes = Vec::new();
    let mut right = |path: Path, what: &str, notes: &mut Vec<String>| {
        let fault = match error(path) {
            Ok(error) if error <= ERROR_LIMIT => return true,
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
    let mut usable = None;
    match matrix_units {
        None => notes.push(format!(
            "{name} has no matrix units that sinew can use: its dense products stay Burn's, in f32"
        )),
        Some(units) if right(Path::Product(units), "matrix-unit product", &mut notes) => {
            usable = matrix_units;
        }
        Some(_) => {}
    }
    let steps = precision == Precision::F16
        && usable
            .is_some_and(|units| right(Path::Steps(units), "matrix-unit recurrence", &mut notes));
    SelfTest {
        precision,
        products: usable.map_or(Products::F32, Products::MatrixUnits),
        steps,
        notes,
    }
}

fn first_line(text: &str) -> &str {
    text.lines()
        .find(|l| !l.trim().is_empty())
        .unwrap_or_default()
}

/// The relative error of a path on a device, compared with f32.
///
/// # Errors
/// What kept it from running.
pub fn path_error(device: &Device, path: Path) -> Result<f64, String> {
    match path {
        Path::Product(units) => product_error(device, units),
        Path::Recurrence(plan) => worst_tile(device, plan.kind(), Products::F32, [9, 20]),
        // Several tiles each way, and rows and units that none divides.
        Path::Steps(units) => {
            let products = Products::MatrixUnits(units);
            worst_tile(device, PlanKind::StepwiseUnits, products, [70, 100])
        }
    }
}

/// The largest error of all tiles of a plan, since a run uses the fastest one. For a tile that the device does not support,
/// stepwise is tested, which replaces it.
fn worst_tile(
    device: &Device,
    kind: PlanKind,
    products: Products,
    sizes: [usize; 2],
) -> Result<f64, String> {
    Plan::each()
        .filter(|plan| plan.kind() == kind)
        .map(|plan| recurrence_error(device, plan, products, sizes))
        .try_fold(0.0, |worst: f64, error| Ok(worst.max(error?)))
}

/// Numbers from −1 to 1 (SplitMix64, Steele et al. 2014), the same ones each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn tensor<const D: usize>(&mut self, shape: [usize; D], device: &Device) -> Tensor<D> {
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| self.next()).collect();
        Tensor::from_data(TensorData::new(values, shape), device)
    }
}

fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, String> {
    let data = tensor.try_into_data().map_err(|e| e.to_string())?;
    data.try_to_vec().map_err(|e| format!("{e:?}"))
}

/// max |a − b| / max |b|; infinite where a number is NaN.
fn relative_error(a: &[f32], b: &[f32]) -> f64 {
    let most = b.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    let worst = a.iter().zip(b).fold(0.0f32, |m, (a, b)| {
        let d = (a - b).abs();
        if d.is_nan() { f32::INFINITY } else { m.max(d) }
    });
    f64::from(worst) / f64::from(most.max(f32::MIN_POSITIVE))
}

/// Products in the layouts of projection, weight gradient and input gradient, with sizes that no tile divides, and one
/// that the larger tile takes.
fn product_error(device: &Device, units: MatrixUnits) -> Result<f64, String> {
    let mut numbers = Numbers(4);
    let context = Context {
        products: Products::MatrixUnits(units),
        dispatch: u64::MAX,
        ..Context::default()
    };
    let mut worst = 0.0f64;
    for [groups, m, n, k] in [[2, 70, 36, 100], [1, 130, 71, 45], [64, 250, 256, 40]] {
        for (a_deep, b_deep) in [(true, true), (false, false), (true, false)] {
            // [G, rows, columns], in memory with stride 1 along the columns or along the rows.
            let mut operand = |rows: usize, columns: usize, by_columns: bool| match by_columns {
                true => numbers.tensor([groups, rows, columns], device),
                false => numbers
                    .tensor::<3>([groups, columns, rows], device)
                    .swap_dims(1, 2),
            };
            let a = operand(m, k, a_deep);
            let b = operand(k, n, !b_deep);
            let ours = read(product(a.clone(), b.clone(), context))?;
            let plain = read(a.matmul(b))?;
            worst = worst.max(relative_error(&ours, &plain));
        }
    }
    Ok(worst)
}

/// Hidden states and gradients of a recurrence of so many rows and hidden units, compared with the plain one's in f32.
fn recurrence_error(
    device: &Device,
    plan: Plan,
    products: Products,
    [b, h]: [usize; 2],
) -> Result<f64, String> {
    const T: usize = 3;
    const G: usize = 2;
    let mut numbers = Numbers(5);
    let device = device.clone().autodiff();
    let x = numbers.tensor([T, b, G, 4 * h], &device).require_grad();
    let w = numbers.tensor([G, 4 * h, h], &device).require_grad();
    let h0 = numbers.tensor([G, b, h], &device);
    let c0 = numbers.tensor([G, b, h], &device);
    let pass = |plan: Plan, precision, products| -> Result<[Vec<f32>; 3], String> {
        let context = Context {
            plan: plan.into(),
            precision,
            products,
            dispatch: u64::MAX,
            ..Context::default()
        };
        let spec = Spec {
            reverse: vec![false, true],
            context,
            ..Spec::default()
        };
        let states = (h0.clone(), c0.clone());
        let out = recurrence(x.clone(), w.clone(), states.0, states.1, None, None, spec);
        let grads = out.clone().sum().backward();
        let missing = || "no gradient".to_string();
        let d_x = x.grad(&grads).ok_or_else(missing)?;
        let d_w = w.grad(&grads).ok_or_else(missing)?;
        Ok([read(out)?, read(d_x)?, read(d_w)?])
    };
    let reference = match plan.kind() {
        PlanKind::StepwiseUnits => Plan::STEPWISE,
        _ => plan,
    };
    let ours = pass(plan, Precision::F16, products)?;
    let plain = pass(reference, Precision::F32, Products::F32)?;
    let errors = ours.iter().zip(&plain).map(|(a, b)| relative_error(a, b));
    Ok(errors.fold(0.0, f64::max))
}
