//! Sampled frames exist, come in their order, and are the ones that each way of sampling promises.

use sinew::loader::sampling::{draws, indices, windows};
use sinew::rng::Rng;
use sinew::settings::Sampling;

const ALL: [Sampling; 4] = [
    Sampling::First,
    Sampling::Uniform,
    Sampling::Segments,
    Sampling::Ends,
];

#[test]
fn any_length_and_any_steps() {
    let mut rng = Rng::new(1, &[]);
    for length in (1..40).chain([99, 100, 101, 300]) {
        for steps in (1..40).chain([100, 128]) {
            for sampling in ALL {
                let count = windows(sampling, length, steps).max(draws(sampling, 10));
                for number in 0..count {
                    for random in [false, true] {
                        let found = indices(
                            sampling,
                            length,
                            steps,
                            (number, count),
                            random.then_some(&mut rng),
                        );
                        assert_eq!(found.len(), steps);
                        let frames: Vec<usize> = found.iter().flatten().copied().collect();
                        assert!(frames.iter().all(|frame| *frame < length));
                        assert!(
                            frames.is_sorted(),
                            "{sampling:?} {length} {steps}: {found:?}"
                        );
                        let pad = found.iter().take_while(|frame| frame.is_none()).count();
                        assert_eq!(pad + frames.len(), steps, "padding stands in front alone");
                        let padded = matches!(sampling, Sampling::First | Sampling::Ends);
                        assert_eq!(
                            pad,
                            if padded {
                                steps.saturating_sub(length)
                            } else {
                                0
                            }
                        );
                    }
                }
            }
        }
    }
}

fn frames(sampling: Sampling, length: usize, steps: usize, which: (usize, usize)) -> Vec<usize> {
    indices(sampling, length, steps, which, None)
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn first_and_ends_take_whole_stretches() {
    assert_eq!(frames(Sampling::First, 10, 4, (0, 1)), [0, 1, 2, 3]);
    assert_eq!(frames(Sampling::Ends, 10, 4, (0, 2)), [0, 1, 2, 3]);
    assert_eq!(frames(Sampling::Ends, 10, 4, (1, 2)), [6, 7, 8, 9]);
    assert_eq!(
        indices(Sampling::First, 2, 4, (0, 1), None),
        [None, None, Some(0), Some(1)]
    );
    assert_eq!(
        (
            windows(Sampling::Ends, 5, 4),
            windows(Sampling::Ends, 4, 4),
            windows(Sampling::First, 9, 4)
        ),
        (2, 1, 1)
    );
}

#[test]
fn uniform_spreads_and_interleaves() {
    assert_eq!(
        frames(Sampling::Uniform, 8, 8, (0, 1)),
        [0, 1, 2, 3, 4, 5, 6, 7]
    );
    assert_eq!(frames(Sampling::Uniform, 12, 4, (0, 1)), [1, 4, 7, 10]);
    assert_eq!(frames(Sampling::Uniform, 2, 4, (0, 1)), [0, 0, 1, 1]);
    let mut all: Vec<usize> = (0..3)
        .flat_map(|k| frames(Sampling::Uniform, 12, 4, (k, 3)))
        .collect();
    all.sort_unstable();
    assert_eq!(
        all,
        (0..12).collect::<Vec<_>>(),
        "three draws of four see each of twelve frames once"
    );
}

#[test]
fn segments_draw_one_frame_from_each() {
    assert_eq!(frames(Sampling::Segments, 12, 4, (0, 1)), [1, 4, 7, 10]);
    let mut rng = Rng::new(2, &[]);
    let mut seen = [0; 100];
    for _ in 0..2_000 {
        let found = indices(Sampling::Segments, 100, 10, (0, 1), Some(&mut rng));
        for (segment, frame) in found.into_iter().flatten().enumerate() {
            assert_eq!(frame / 10, segment);
            seen[frame] += 1;
        }
    }
    assert!(
        seen.iter().all(|n| (130..270).contains(n)),
        "every frame as often as another: {seen:?}"
    );
}

#[test]
fn further_draws_are_only_made_where_they_differ() {
    assert_eq!(ALL.map(|sampling| draws(sampling, 10)), [1, 10, 10, 1]);
}
