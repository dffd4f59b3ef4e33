//! A step is the same step however the batch reaches the device: whole, in pieces that fit its limits, or gathered
//! from several batches; and every variant trains on every layout.

use crate::devices;
use crate::numerics::{fresh, numbers, relative_error};
use crate::settings;
use sinew::loader::Batch;
use sinew::lstm::{Context, Plan};
use sinew::model::{Architecture, TwoStream, parameter_values};
use sinew::rng::Rng;
use sinew::settings::{Preset, ResolvedSettings};
use sinew::skeleton::Layout;
use sinew::train::{Optimiser, PendingStep, Trainee};

const CLASSES: usize = 3;

fn settings(more: &[&str]) -> ResolvedSettings {
    let sets = [
        "model.hidden=6",
        "model.part_hidden=4",
        "data.frames=10",
        "train.lr=0.05",
    ];
    settings::resolved(Preset::Sinew, &[&sets, more].concat())
}

fn batch(rows: usize, layout: &Layout, channels: usize, rng: &mut Rng) -> Batch {
    let frames = 10;
    Batch {
        x: numbers(rng, rows * frames * layout.len() * channels, 1.0),
        labels: (0..rows).map(|_| rng.below(CLASSES)).collect(),
        clips: (0..rows).collect(),
        frames,
        joints: layout.len(),
        channels,
        ..Batch::default()
    }
}

/// The first rows of a batch, and the others.
fn split(batch: &Batch, rows: usize) -> [Batch; 2] {
    let at = rows * batch.frames * batch.joints * batch.channels;
    let part = |x: &[f32], labels: &[usize], clips: &[usize]| Batch {
        x: x.to_vec(),
        labels: labels.to_vec(),
        clips: clips.to_vec(),
        ..*batch
    };
    [
        part(&batch.x[..at], &batch.labels[..rows], &batch.clips[..rows]),
        part(&batch.x[at..], &batch.labels[rows..], &batch.clips[rows..]),
    ]
}

/// The parameters after three steps, and the losses.
fn trained(
    settings: &ResolvedSettings,
    layout: &Layout,
    batches: &[Batch],
    context: Context,
    device: &burn::tensor::Device,
) -> (Vec<f32>, Vec<f64>) {
    let sizes = [10, batches[0].channels];
    let architecture = Architecture::new(&settings.model, layout, sizes, CLASSES);
    let device = device.clone().autodiff();
    let model = TwoStream::init(&architecture, 5, &device);
    let mut trainee = Trainee::new(model, Optimiser::new(&settings.train), device, context);
    let losses = (0..3)
        .map(|step| {
            trainee
                .step(batches, settings, 0.05, step)
                .and_then(PendingStep::wait)
                .expect("numbers")
                .loss
        })
        .collect();
    let all = parameter_values(&trainee.model).expect("parameters");
    (
        all.into_values().flat_map(|(_, values)| values).collect(),
        losses,
    )
}

#[test]
fn whole_split_or_gathered() {
    let mut rng = fresh("same_step_in_pieces");
    // Not Adam, which makes a whole step of a gradient that is next to nothing.
    let [plain, settings] = ["0", "0.3"].map(|share| {
        let masks = format!("model.recurrent_dropout={share}");
        settings(&["train.optimiser=sgd", &masks])
    });
    let layout = Layout::sbu15();
    let whole = batch(11, &layout, 3, &mut rng);
    for compute in devices::devices() {
        let context = |largest| Context {
            plan: Plan::RESIDENT.into(),
            largest,
            ..Context::default()
        };
        let run = |batches: &[Batch], largest| {
            trained(
                &settings,
                &layout,
                batches,
                context(largest),
                &compute.device,
            )
            .0
        };
        let expected = run(std::slice::from_ref(&whole), usize::MAX);
        let one = std::slice::from_ref(&whole);
        let other = trained(&plain, &layout, one, context(usize::MAX), &compute.device).0;
        assert!(
            relative_error(&other, &expected) > 1e-3,
            "the masks do nothing"
        );
        for (what, found) in [
            ("row by row", run(std::slice::from_ref(&whole), 1)),
            (
                "a few rows at a time",
                run(std::slice::from_ref(&whole), 40_000),
            ),
            (
                "gathered from two batches",
                run(&split(&whole, 4), usize::MAX),
            ),
        ] {
            let error = relative_error(&found, &expected);
            println!("{}: {what}: {error:.1e}", compute.name());
            assert!(error <= 1e-4, "{what}: relative error {error:e}");
        }
    }
}

#[test]
fn every_variant_on_every_layout() {
    let mut rng = fresh("every_variant_on_every_layout");
    let device = &devices::devices()[0].device;
    for layout in [Layout::ntu25(), Layout::kinect20(), Layout::sbu15()] {
        let batch = batch(6, &layout, 6, &mut rng);
        for temporal in ["stacked", "hierarchical"] {
            for spatial in ["chain", "traversal"] {
                for fusion in ["weighted", "gated"] {
                    for more in [
                        "model.bidirectional=false",
                        "model.peephole=true",
                        "model.dropout=0",
                    ] {
                        let [t, s, f] = [
                            format!("model.temporal={temporal}"),
                            format!("model.spatial={spatial}"),
                            format!("model.fusion={fusion}"),
                        ];
                        let settings = settings(&[&t, &s, &f, more]);
                        let batches = std::slice::from_ref(&batch);
                        let (_, losses) =
                            trained(&settings, &layout, batches, Context::default(), device);
                        let what = format!("{} {t} {s} {f} {more}", layout.name);
                        assert!(losses.iter().all(|l| l.is_finite()), "{what}: {losses:?}");
                        if more == "model.dropout=0" {
                            assert!(losses[2] < losses[0], "{what} does not learn: {losses:?}");
                        }
                    }
                }
            }
        }
    }
}
