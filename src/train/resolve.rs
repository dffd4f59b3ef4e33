//! From settings as written to settings as resolved: every rule by which a setting that is open gets its value.
//!
//! Rules that use the data use the training clips only, never validation or test clips.

use super::shape::architecture;
use super::start::path_text;
use super::{memory, plans};
use crate::device::Compute;
use crate::error::{Error, Result};
use crate::loader::{features, from_clip};
use crate::settings::{
    Actors, Auto, Centre, Data, Dataset, KernelPlan, People, Protocol, ResolvedSettings, Settings,
};
use crate::shards::{ClipEntry, Prepared};
use std::path::Path;

/// Training clips from which `model.hidden` is 512, `train.batch` 256 and `train.validation` 0.05. Below, each clip is
/// worth more in training than in choosing an epoch.
const MANY_CLIPS: usize = 5_000;

/// Samples in a whole training where the number of epochs allows it.
const SAMPLES: usize = 2_400_000;

/// Largest number of steps that is derived (T).
const MOST_FRAMES: usize = 100;

/// Smallest number of steps: the spatial stream has four windows.
const FEWEST_FRAMES: usize = 4;

/// Where a run is trained, and into which folder.
pub struct Target<'a> {
    /// The prepared data.
    pub prepared: &'a Prepared,
    /// The device.
    pub compute: &'a Compute,
    /// Ranks that share each batch, each on a device like this one.
    pub ranks: usize,
    /// The folder of the run, whose name is the task's where the settings leave that open.
    pub folder: &'a Path,
}

/// Resolves settings for a run: each open setting gets the value that the training clips of the protocol, or the device,
/// decide. `note` receives one line where a kernel plan is chosen by measuring.
///
/// | setting | `auto` |
/// |---|---|
/// | `run.task` | the name of the run's folder |
/// | `run.plan` | the plan that measures fastest on the device |
/// | `model.hidden` | 128 below 5,000 training clips, else 512 |
/// | `model.part_hidden` | a quarter of `model.hidden` |
/// | `data.frames` | the training clips' median length, the lower of two in the middle, from 4 to 100 |
/// | `data.people` | `concatenate` where every training clip has exactly two bodies, else `average` |
/// | `data.centre` | `first-frame` where people are concatenated, else `frame` |
/// | `data.actors` | `published` for NTU, whose bodies a tracker guessed, else `all` |
/// | `data.scale` | one over the root mean square of the joints, bones or motion of up to 200 training clips |
/// | `train.batch` | 32 below 5,000 training clips, else 256 |
/// | `train.epochs` | 2.4 million samples, at least 60 epochs and at most 240 |
/// | `train.validation` | 0 below 5,000 training clips, else 0.05 |
///
/// # Errors
/// [`Error::Setting`] without a protocol, or for one that the data do not have; a clip that cannot be read; too little
/// memory on the device; a plan that does not exist or that the device cannot run.
pub fn resolve(
    settings: &Settings,
    target: &Target<'_>,
    note: &mut dyn FnMut(String),
) -> Result<ResolvedSettings> {
    let manifest = target.prepared.manifest();
    let Some(protocol) = settings.run.protocol.on(manifest.dataset) else {
        return Err(Error::setting(
            "no protocol is named",
            format!("choose from {}", Protocol::NAMES),
        ));
    };
    let seed = settings.run.seed;
    let validation = match settings.train.validation.on(manifest.dataset) {
        Some(share) => share,
        None => validation_share(protocol.split(manifest, 0.0, seed)?.train.len()),
    };
    let split = protocol.split(manifest, validation, seed)?;
    let mut settings = settings.clone();
    settings.train.validation = validation.into();
    resolve_for_clips(&settings, target, &split.train, note)
}

/// The same where the training clips are those listed, instead of a protocol's.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_for_clips(
    settings: &Settings,
    target: &Target<'_>,
    train: &[usize],
    note: &mut dyn FnMut(String),
) -> Result<ResolvedSettings> {
    let (prepared, manifest) = (target.prepared, target.prepared.manifest());
    let dataset = manifest.dataset;
    let clips: Vec<&ClipEntry> = train
        .iter()
        .filter_map(|&c| manifest.clips.get(c))
        .collect();
    let many = train.len() >= MANY_CLIPS;
    let mut filled = settings.clone();

    let run = &mut filled.run;
    run.task = fill(&run.task, dataset, || task_of(target.folder));
    let folder = prepared.folder();
    let absolute = std::path::absolute(folder).map_err(|e| Error::io(folder, "find", e))?;
    run.data = path_text(&absolute)?.into();
    run.checksum = manifest.checksum.clone().into();
    run.device = target.compute.run_name().into();
    // Every device runs it; the one that is measured takes its place below.
    run.plan = fill(&run.plan, dataset, plans::on_every_device);

    let data = &mut filled.data;
    data.frames = fill(&data.frames, dataset, || median_frames(&clips));
    data.people = fill(&data.people, dataset, || {
        match clips.iter().all(|clip| clip.bodies == 2) {
            true => People::Concatenate,
            false => People::Average,
        }
    });
    let people = data.people.on(dataset);
    data.centre = fill(&data.centre, dataset, || match people {
        Some(People::Concatenate) => Centre::FirstFrame,
        _ => Centre::Frame,
    });
    data.actors = fill(&data.actors, dataset, || match dataset {
        Dataset::Ntu => Actors::Published,
        Dataset::Sbu | Dataset::Clips => Actors::All,
    });
    let factors = data.scale.each_ref().map(|factor| factor.on(dataset));
    data.scale = factors.map(|factor| factor.unwrap_or(1.0).into());

    let model = &mut filled.model;
    model.hidden = fill(&model.hidden, dataset, || if many { 512 } else { 128 });
    let hidden = model.hidden.on(dataset).unwrap_or_default();
    model.part_hidden = fill(&model.part_hidden, dataset, || (hidden / 4).max(1));

    let options = &mut filled.train;
    options.batch = fill(&options.batch, dataset, || if many { 256 } else { 32 });
    options.epochs = fill(&options.epochs, dataset, || {
        (SAMPLES / train.len().max(1)).clamp(60, 240)
    });
    options.validation = fill(&options.validation, dataset, || {
        validation_share(train.len())
    });

    let mut resolved = filled.complete()?;
    if factors.contains(&None) {
        let measured = scale_factors(&resolved.data, prepared, train)?;
        resolved.data.scale = std::array::from_fn(|k| factors[k].unwrap_or(measured[k]));
    }
    memory::fits(&resolved, manifest, target.compute, target.ranks)?;
    let plan = settings.run.plan.on(dataset);
    set_device(&mut resolved, plan, target, note)?;
    Ok(resolved)
}

/// Sets the device, and `plan` as its kernel plan; without one, or with the CPU engine's on an adapter, the plan that
/// measures fastest, of which `note` receives a line. The CPU engine has its own plan whatever `plan` is.
///
/// # Errors
/// A plan that does not exist, or that the device cannot run.
pub(super) fn set_device(
    settings: &mut ResolvedSettings,
    plan: Option<KernelPlan>,
    target: &Target<'_>,
    note: &mut dyn FnMut(String),
) -> Result<()> {
    let compute = target.compute;
    let architecture = architecture(settings, target.prepared.manifest());
    let precision = settings.train.precision;
    settings.run.device = compute.run_name();
    settings.run.plan = match plan {
        _ if compute.adapter.is_none() => KernelPlan::Cpu,
        Some(KernelPlan::Gpu(text)) => {
            plans::check(plans::parse(&text)?, &architecture, precision, compute)?;
            KernelPlan::Gpu(text)
        }
        // Settings of another run can have the plan of a machine without a GPU.
        Some(KernelPlan::Cpu) | None => {
            // A step's rows are shared by the ranks.
            let rows = settings.train.batch.div_ceil(target.ranks);
            let plan = plans::fastest(&architecture, settings, rows, compute);
            note(format!("plan: {plan}, the fastest in a benchmark"));
            plans::check(plans::of_run(&plan), &architecture, precision, compute)?;
            plan
        }
    };
    Ok(())
}

/// A setting with the value for the dataset, or where it is open that of `rule`.
fn fill<T: Clone>(setting: &Auto<T>, dataset: Dataset, rule: impl FnOnce() -> T) -> Auto<T> {
    Auto::Value(setting.on(dataset).unwrap_or_else(rule))
}

/// The name of a run's folder.
fn task_of(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or(folder.as_os_str());
    name.to_string_lossy().into_owned()
}

/// The share of the training clips that is held out.
fn validation_share(training_clips: usize) -> f64 {
    match training_clips < MANY_CLIPS {
        true => 0.0,
        false => 0.05,
    }
}

/// The median length of clips, the lower of two in the middle, as a number of steps.
fn median_frames(clips: &[&ClipEntry]) -> usize {
    let mut lengths: Vec<usize> = clips.iter().map(|clip| clip.frames).collect();
    lengths.sort_unstable();
    let median = lengths.get(lengths.len().saturating_sub(1) / 2);
    median.map_or(FEWEST_FRAMES, |&median| {
        median.clamp(FEWEST_FRAMES, MOST_FRAMES)
    })
}

/// Training clips that [`scale_factors`] reads, evenly spaced.
const SCALE_CLIPS: usize = 200;

/// Below this root mean square, what is there is taken for rounding errors, or for joints that all lie in one place.
const SMALLEST_SIZE: f64 = 1e-9;

/// The factors of joints, bones and motion that bring their root mean square over some of these clips to one. Zeros, which
/// stand for what is absent, do not count; a kind of which there is nothing has the factor 1.
///
/// # Errors
/// A clip that cannot be read.
fn scale_factors(data: &Data, prepared: &Prepared, clips: &[usize]) -> Result<[f32; 3]> {
    let plain = Data {
        scale: [1.0; 3],
        test_clips: 1,
        ..data.clone()
    };
    // The kind of each channel: its factor where the factors are the kinds' indices.
    let kinds = features::factors(&Data {
        scale: [0.0, 1.0, 2.0],
        ..plain.clone()
    });
    let (mut squares, mut counts) = ([0.0f64; 3], [0usize; 3]);
    let step = clips.len().div_ceil(SCALE_CLIPS).max(1);
    for &clip in clips.iter().step_by(step) {
        let clip = prepared.clip(clip)?;
        let batch = from_clip(&clip, &prepared.manifest().layout, &plain, 0)?;
        for (x, kind) in batch.x.iter().zip(kinds.iter().cycle()) {
            if *x != 0.0 {
                squares[*kind as usize] += f64::from(*x).powi(2);
                counts[*kind as usize] += 1;
            }
        }
    }
    Ok(std::array::from_fn(|kind| {
        let size = (squares[kind] / counts[kind].max(1) as f64).sqrt();
        match size > SMALLEST_SIZE {
            true => (1.0 / size) as f32,
            false => 1.0,
        }
    }))
}
