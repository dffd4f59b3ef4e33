//! What the engine refuses with a message, before a kernel reads it.

use burn::nn::LstmState;
use burn::tensor::{DType, Device, Tensor};
use sinew::lstm::testing::{Spec, recurrence};
use sinew::lstm::{Context, Dims, Lstm, LstmConfig, Precision, choose, side_by_side};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The message of a panic; none where there was none.
fn refusal<T>(run: impl FnOnce() -> T) -> Option<String> {
    let why = catch_unwind(AssertUnwindSafe(run)).err()?;
    match why.downcast_ref::<String>() {
        Some(why) => Some(why.clone()),
        None => why.downcast_ref::<&str>().map(ToString::to_string),
    }
}

/// What no kernel could read is refused before one does.
#[test]
fn shapes_that_do_not_fit_are_refused() {
    let device = Device::flex();
    let (steps, batch, groups, hidden) = (2, 3, 2, 4);
    let run = |w: [usize; 3], state: [usize; 3], spec: Spec| {
        let projected = Tensor::zeros([steps, batch, groups, 4 * hidden], &device);
        let (w_hh, h0) = (Tensor::zeros(w, &device), Tensor::zeros(state, &device));
        let all = || recurrence(projected, w_hh, h0.clone(), h0, None, None, spec);
        // The engine's own words: on wrong shapes the arithmetic would panic somewhere anyway.
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(all)) {
            Ok(_) => true,
            Err(why) => {
                let why = why.downcast_ref::<String>().expect("a message");
                assert!(why.contains("a recurrence of"), "{why}");
                false
            }
        }
    };
    let (w, state) = ([groups, 4 * hidden, hidden], [groups, batch, hidden]);
    assert!(run(w, state, Spec::default()), "no directions: all forward");
    assert!(!run([groups, 4 * hidden, 3], state, Spec::default()));
    assert!(!run(w, [1, batch, hidden], Spec::default()));
    let short = Spec {
        lengths: Some(std::sync::Arc::new(vec![1, 2])),
        ..Spec::default()
    };
    assert!(!run(w, state, short));
    let one = Spec {
        reverse: vec![true],
        ..Spec::default()
    };
    assert!(!run(w, state, one));
}

/// The kernels read float32.
#[test]
fn other_types_are_refused() {
    let device = Device::flex();
    let run = |which: &str| {
        let of = |name: &str| {
            if name == which {
                DType::F64
            } else {
                DType::F32
            }
        };
        let projected = Tensor::<4>::zeros([2, 3, 1, 16], &device).cast(of("projected"));
        let w_hh = Tensor::<3>::zeros([1, 16, 4], &device).cast(of("w_hh"));
        let [h0, c0] =
            ["h0", "c0"].map(|name| Tensor::<3>::zeros([1, 3, 4], &device).cast(of(name)));
        refusal(|| recurrence(projected, w_hh, h0, c0, None, None, Spec::default()))
    };
    assert_eq!(run("nothing"), None);
    for name in ["projected", "w_hh", "h0", "c0"] {
        let why = run(name).expect(name);
        assert!(why.contains(&format!("{name} of a recurrence of")), "{why}");
    }
}

/// Steps, rows, features and hidden units of most cases.
const SIZES: [usize; 4] = [2, 5, 3, 4];

fn layer(input: usize, hidden: usize, peephole: bool) -> Lstm {
    LstmConfig::new(input, hidden)
        .with_peephole(peephole)
        .init(&Device::flex())
}

/// What does not fit is refused, also where the batch is run in pieces.
#[test]
fn layers_side_by_side_must_fit() {
    let device = Device::flex();
    let [steps, batch, input, hidden] = SIZES;
    let zeros = |shape: [usize; 3]| Tensor::<3>::zeros(shape, &device);
    let [plain, wider, peephole] = [
        layer(input, hidden, false),
        layer(input, hidden + 1, false),
        layer(input, hidden, true),
    ];
    let x = || zeros([steps, batch, input]);
    for largest in [0, usize::MAX] {
        let context = Context {
            largest,
            ..Context::default()
        };
        let run = |lstms: &[(&Lstm, Tensor<3>)],
                   state: Option<[usize; 3]>,
                   lengths: Option<&[u32]>,
                   mask: Option<[usize; 3]>| {
            let state = state.map(|shape| LstmState::new(zeros(shape), zeros(shape)));
            let mask = mask.map(zeros);
            refusal(|| side_by_side(lstms, state, lengths, mask, context))
        };
        let refused = |why: Option<String>, part: &str| {
            let why = why.expect(part);
            assert!(why.contains(part), "{why}");
        };
        let of = |more: (&Lstm, Tensor<3>)| run(&[(&plain, x()), more], None, None, None);
        let one = [(&plain, x())];
        let fits = [1, batch, hidden];
        let lengths = [0, 1, 2, 1, 2];
        assert_eq!(of((&plain, x())), None);
        assert_eq!(run(&one, Some(fits), Some(&lengths), Some(fits)), None);
        refused(run(&[], None, None, None), "no LSTM to run");
        refused(of((&wider, x())), "weight_hh of 4 units");
        refused(
            of((&peephole, x())),
            "only some of the LSTMs have peepholes",
        );
        let differ = "steps and rows differ between the inputs";
        refused(of((&plain, zeros([steps + 1, batch, input]))), differ);
        refused(of((&plain, zeros([steps, batch + 1, input]))), differ);
        refused(
            of((&plain, zeros([steps, batch, input + 1]))),
            "weight_ih of 4 units",
        );
        for empty in [[0, batch, input], [steps, 0, input]] {
            refused(run(&[(&plain, zeros(empty))], None, None, None), "is empty");
        }
        for shape in [[2, batch, hidden], [1, batch + 1, hidden], [1, batch, 1]] {
            refused(
                run(&one, Some(shape), None, None),
                "shape of the hidden state",
            );
            refused(run(&one, None, None, Some(shape)), "shape of the mask");
        }
        refused(
            run(&one, None, Some(&lengths[1..]), None),
            "lengths for 5 rows",
        );
        let long = [0, 1, 3, 1, 2];
        refused(
            run(&one, None, Some(&long), None),
            "a length of 3 in a batch of 2 steps",
        );
    }
}

/// A size of 0 divides nothing.
#[test]
fn sizes_of_zero() {
    let dims = |hidden: usize| Dims {
        steps: 1,
        batch: 1,
        groups: 1,
        hidden,
    };
    assert!(Context::default().rows(dims(0)) >= 1);
    let chosen = |hidden| refusal(|| choose(&Device::flex(), dims(hidden), Precision::F32));
    assert_eq!(chosen(1), None);
    assert!(chosen(0).is_some_and(|why| why.contains("has a size of 0")));
}
