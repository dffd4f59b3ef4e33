//! The dense products compute what their twins compute, and the twins what f64 does but for the rounding: on every
//! device, with operands that lie in memory in every way, in several dispatches and pieces, and at the ends of f32's
//! range. Relative error at most 1e-4: a tie may round either way.

use crate::devices;
use crate::emulation::emulated;
use crate::numerics::{fresh, numbers, relative_error};
use burn::tensor::{Device, Tensor, TensorData};
use sinew::device::Compute;
use sinew::lstm::testing::{self, Sizes};
use sinew::lstm::{Context, MatrixUnits, Products, twin};
use sinew::rng::Rng;

const LIMIT: f64 = 1e-4;

/// The matrix units that a device emulates, and the threads of their subgroups.
const EMULATED: [(MatrixUnits, u32); 2] = [(MatrixUnits::Of16, 64), (MatrixUnits::Of8, 16)];

/// The product in f16, in dispatches of at most so many operations, on emulated matrix units.
fn product(
    a: Tensor<3>,
    b: Tensor<3>,
    (units, lanes): (MatrixUnits, u32),
    dispatch: u64,
) -> Tensor<3> {
    let context = Context {
        products: Products::MatrixUnits(units),
        dispatch,
        ..Context::default()
    };
    emulated(lanes, || testing::product(a, b, context))
}

/// The devices that can emulate matrix units: those with f16, and the CPU engine, which rounds alike.
fn devices() -> impl Iterator<Item = &'static Compute> {
    let half = |c: &&Compute| c.adapter.as_ref().is_none_or(|a| a.f16);
    devices::devices().iter().filter(half)
}

/// Operands as plain arrays, A [G, M, K] and B [G, N, K], and what the twins make of them.
struct Case {
    sizes: Sizes,
    a: Vec<f32>,
    b: Vec<f32>,
}

impl Case {
    fn new(rng: &mut Rng, [groups, m, n, k]: [usize; 4], span: [f32; 2]) -> Self {
        let a = numbers(rng, groups * m * k, span[0]);
        let b = numbers(rng, groups * n * k, span[1]);
        let sizes = Sizes { groups, m, n, k };
        Case { sizes, a, b }
    }

    fn twin(&self) -> Vec<f32> {
        let Sizes { groups, m, n, k } = self.sizes;
        let [mut a_largest, mut b_largest] = [[0], [0]];
        let (a, b) = (&self.a, &self.b);
        twin::largest(a, &mut a_largest, &[a.len() as u32, 1]);
        twin::largest(b, &mut b_largest, &[b.len() as u32, 1]);
        let info = [m, n, k, groups, 0, 0, k, m * k, k, n * k, k].map(|x| x as u32);
        let mut c = vec![0.0; groups * m * n];
        twin::product_units(true, true, a, b, &a_largest, &b_largest, &mut c, &info);
        c
    }

    /// In f64, without rounding.
    fn exact(&self) -> Vec<f32> {
        let Sizes { groups, m, n, k } = self.sizes;
        let one = |i: usize| {
            let (g, row, column) = (i / (m * n), i / n % m, i % n);
            let a = &self.a[(g * m + row) * k..][..k];
            let b = &self.b[(g * n + column) * k..][..k];
            let terms = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
            terms.sum::<f64>() as f32
        };
        (0..groups * m * n).map(one).collect()
    }

    /// On a device, A and B deep in memory or not.
    fn tensors(&self, deep: [bool; 2], device: &Device) -> [Tensor<3>; 2] {
        let Sizes { groups, m, n, k } = self.sizes;
        let a = Tensor::<3>::from_data(TensorData::new(self.a.clone(), [groups, m, k]), device);
        let b = Tensor::<3>::from_data(TensorData::new(self.b.clone(), [groups, n, k]), device);
        let b = b.swap_dims(1, 2);
        [lie(a, deep[0], 2), lie(b, deep[1], 1)]
    }

    fn describe(&self, deep: [bool; 2]) -> String {
        format!("{:?}, deep {deep:?}", self.sizes)
    }
}

/// The same numbers with stride 1 along `k`, or along the other axis.
fn lie(x: Tensor<3>, deep: bool, k: usize) -> Tensor<3> {
    let data = |x: Tensor<3>| x.into_data();
    let device = x.device();
    if deep == (k == 2) {
        Tensor::from_data(data(x), &device)
    } else {
        Tensor::<3>::from_data(data(x.swap_dims(1, 2)), &device).swap_dims(1, 2)
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("float32")
}

fn every_layout() -> impl Iterator<Item = [bool; 2]> {
    (0..4).map(|bits| [bits & 1 != 0, bits & 2 != 0])
}

#[test]
fn twins_match_f64() {
    let mut rng = fresh("twins_match_f64");
    for _ in 0..20 {
        let sizes = [3, 9, 9, 99].map(|most| 1 + rng.below(most));
        let mut case = Case::new(&mut rng, sizes, [1.0; 2]);
        let exact = case.exact();
        // Each operand is off by 2^-12 of the largest at most, a sum by that much of each of its terms.
        let rounding = relative_error(&case.twin(), &exact);
        let most = exact.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        let terms = case.sizes.k as f64 / f64::from(most);
        assert!(
            rounding > 0.0 && rounding < terms * 2f64.powi(-11),
            "{rounding:e}"
        );
        // What f16 holds is not rounded.
        for x in case.a.iter_mut().chain(&mut case.b) {
            *x = (*x * 64.0).round() / 64.0;
        }
        assert!(relative_error(&case.twin(), &case.exact()) < 1e-6);
    }
}

#[test]
fn every_layout_on_every_device() {
    let mut rng = fresh("every_layout_on_every_device");
    for compute in devices() {
        let mut worst = [0.0f64; 2];
        for round in 0..8 {
            let mut some = || match round {
                // Read in fours; else odd, which no tile divides.
                0 => 4 + 4 * rng.below(30),
                1 => 1,
                _ => 1 + rng.below(150),
            };
            let sizes = [some() % 3 + 1, some(), some(), some()];
            let case = Case::new(&mut rng, sizes, [2.0, 0.1]);
            let (twin, exact) = (case.twin(), case.exact());
            let mut check = |which: usize, ours: Tensor<3>, theirs: &[f32], what: &str| {
                let error = relative_error(&values(ours), theirs);
                assert!(error <= LIMIT, "{error:e} in {what} on {}", compute.name());
                worst[which] = worst[which].max(error);
            };
            for deep in every_layout() {
                let what = case.describe(deep);
                let [a, b] = case.tensors(deep, &compute.device);
                let burns = testing::product(a.clone(), b.clone(), Context::default());
                check(1, burns, &exact, &what);
                for units in EMULATED {
                    let ours = product(a.clone(), b.clone(), units, u64::MAX);
                    check(0, ours, &twin, &format!("{what}, {units:?}"));
                }
            }
        }
        println!(
            "{}: {:.1e}, Burn's {:.1e}",
            compute.name(),
            worst[0],
            worst[1]
        );
    }
}

/// A weight's gradient: K is long and is cut in pieces; and a bound on a dispatch that a row of tiles reaches.
#[test]
fn pieces_and_dispatches() {
    let mut rng = fresh("pieces_and_dispatches");
    let sizes = [2, 70 + rng.below(90), 33, 3100 + rng.below(99)];
    let case = Case::new(&mut rng, sizes, [1.0; 2]);
    assert!(case.sizes.pieces(64).0 > 1, "several pieces");
    assert!(
        case.sizes.dispatches(64, 1 << 20).len() > 2,
        "several dispatches"
    );
    let theirs = case.twin();
    for compute in devices() {
        let [a, b] = case.tensors([false, false], &compute.device);
        let ours = values(product(a, b, EMULATED[0], 1 << 20));
        let error = relative_error(&ours, &theirs);
        assert!(error <= LIMIT, "{error:e} on {}", compute.name());
    }
}

/// Whatever the sizes, each tile of each piece is computed once, within the limits of a dispatch and of a loop.
#[test]
fn dispatches_cover_everything_once() {
    let mut rng = fresh("dispatches_cover_everything_once");
    for _ in 0..200 {
        let mut some = |bits: usize| {
            let bits = rng.below(bits);
            1 + rng.below(1 << bits)
        };
        let (groups, m, n, k) = (some(6), some(20), some(12), some(25));
        let sizes = Sizes { groups, m, n, k };
        let tile = [64, 128][rng.below(2)];
        let most = 1u64 << (20 + rng.below(20));
        let (count, length) = sizes.pieces(tile);
        assert!(count * length >= k && (count - 1) * length < k && length <= 1 << 19);
        let mut covered = 0;
        for [y0, y, z0, z] in sizes.dispatches(tile, most) {
            assert!(y > 0 && z > 0 && y <= 65_535 && z <= 65_535);
            assert!((y0 + y - 1) * tile < m && z0 + z <= groups * count);
            covered += y * z;
            let work = 2 * (tile * n * length.min(k)) as u64 * (y * z) as u64;
            assert!(work <= most || y * z == 1, "{sizes:?}");
        }
        assert_eq!(covered, m.div_ceil(tile) * groups * count, "{sizes:?}");
    }
}

#[test]
fn gradients_are_products_too() {
    let mut rng = fresh("gradients_are_products_too");
    for compute in devices() {
        let device = compute.device.clone().autodiff();
        let sizes = [2, 1 + rng.below(80), 1 + rng.below(80), 1 + rng.below(80)];
        let case = Case::new(&mut rng, sizes, [1.0; 2]);
        let Sizes { groups, m, n, k } = case.sizes;
        let d = numbers(&mut rng, groups * m * n, 1e-7);
        let [a, b] = case
            .tensors([true, false], &device)
            .map(Tensor::require_grad);
        let d_c = Tensor::<3>::from_data(TensorData::new(d.clone(), [groups, m, n]), &device);
        let c = product(a.clone(), b.clone(), EMULATED[0], u64::MAX);
        let grads = emulated(EMULATED[0].1, || (c * d_c).sum().backward());
        // Aᵀ [G, K, M], Bᵀ and the rest as the twin wants them: K last.
        let turn = |x: &[f32], rows: usize, columns: usize| -> Vec<f32> {
            let one = |g: usize, i: usize| x[g * rows * columns + i % rows * columns + i / rows];
            let count = rows * columns;
            (0..groups * count)
                .map(|i| one(i / count, i % count))
                .collect()
        };
        let d_a = Case {
            sizes: Sizes {
                groups,
                m,
                n: k,
                k: n,
            },
            a: d.clone(),
            b: turn(&case.b, n, k),
        };
        let d_b = Case {
            sizes: Sizes {
                groups,
                m: k,
                n,
                k: m,
            },
            a: turn(&case.a, m, k),
            b: turn(&d, m, n),
        };
        for (tensor, theirs) in [(a, d_a), (b, d_b)] {
            let ours = values(tensor.grad(&grads).expect("a gradient"));
            let error = relative_error(&ours, &theirs.twin());
            assert!(error <= LIMIT, "{error:e} on {}", compute.name());
        }
    }
}

/// An exact power of two before the rounding: f16's own range, 6e-8 to 65504, is no bound.
#[test]
fn magnitudes_of_any_size() {
    let mut rng = fresh("magnitudes_of_any_size");
    for compute in devices() {
        for span in [
            [1e-20, 1e-12],
            [1e15, 1e12],
            [1e-30, 1e30],
            [1e-36, 1e4],
            [1e-20, 1e-16],
            [1e38, 1e-3],
        ] {
            let case = Case::new(&mut rng, [1, 20, 17, 40], span);
            let [a, b] = case.tensors([true, true], &compute.device);
            let ours = values(product(a, b, EMULATED[0], u64::MAX));
            let error = relative_error(&ours, &case.exact());
            assert!(error < 2e-3, "{span:?}: {error:e} on {}", compute.name());
        }
        let case = Case::new(&mut rng, [1, 5, 5, 9], [0.0; 2]);
        let [a, b] = case.tensors([true, true], &compute.device);
        let ours = values(product(a, b, EMULATED[0], u64::MAX));
        assert!(ours.iter().all(|x| *x == 0.0), "zeros give zeros");
    }
}

#[test]
fn what_is_no_number_stays_none() {
    let mut rng = fresh("what_is_no_number_stays_none");
    for compute in devices() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut case = Case::new(&mut rng, [1, 6, 5, 9], [1.0; 2]);
            case.a[9 * 2 + 4] = bad;
            let [a, b] = case.tensors([true, false], &compute.device);
            let ours = product(a.clone(), b.clone(), EMULATED[0], u64::MAX);
            for c in [ours, testing::product(a, b, Context::default())] {
                for (i, x) in values(c).iter().enumerate() {
                    assert_eq!(x.is_finite(), i / 5 != 2, "{bad} gives {x} at {i}");
                }
            }
        }
    }
}
