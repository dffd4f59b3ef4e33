//! Made clips and prepared data for tests of the loader.
#![allow(dead_code, reason = "each test uses its own part")]

use std::path::Path;
use std::sync::Arc;

use sinew::rng::Rng;
use sinew::settings::{Actors, Augment, Centre, Data, People, Sampling, Turn};
use sinew::shards::{Counts, FORMAT, Manifest, Prepared, ShardWriter, VERSION};
use sinew::skeleton::{About, Clip, Layout};

/// A clip of standing bodies whose joints wander; some frames and joints are absent when `gaps`.
pub fn clip(
    name: &str,
    label: usize,
    bodies: usize,
    frames: usize,
    layout: &Layout,
    gaps: bool,
    rng: &mut Rng,
) -> Clip {
    let joints = layout.len();
    let mut data = Vec::new();
    for body in 0..bodies {
        let rest: Vec<[f32; 3]> = (0..joints)
            .map(|_| {
                [
                    body as f32 + rng.range(-0.3, 0.3),
                    rng.range(-1.0, 1.0),
                    3.0 + rng.range(-0.3, 0.3),
                ]
            })
            .collect();
        for frame in 0..frames {
            let absent = gaps && frame % 7 == 3;
            for (joint, rest) in rest.iter().enumerate() {
                let lost = absent || (gaps && (frame + joint) % 11 == 5);
                data.extend(rest.map(|x| {
                    if lost {
                        f32::NAN
                    } else {
                        x + 0.05 * rng.normal()
                    }
                }));
            }
        }
    }
    Clip {
        name: name.into(),
        label,
        bodies,
        frames,
        joints,
        data,
    }
}

/// Writes clips as prepared data of a dataset and opens them.
pub fn prepared(
    folder: &Path,
    dataset: &str,
    layout: &Layout,
    clips: Vec<(Clip, About)>,
) -> Arc<Prepared> {
    manifest(dataset, layout, clips, Some(folder))
        .write(folder)
        .unwrap();
    Arc::new(Prepared::open(folder).unwrap())
}

/// The manifest of some clips; written beside a shard where there is a folder.
pub fn manifest(
    dataset: &str,
    layout: &Layout,
    clips: Vec<(Clip, About)>,
    folder: Option<&Path>,
) -> Manifest {
    let classes = clips
        .iter()
        .map(|(clip, _)| clip.label + 1)
        .max()
        .unwrap_or(0);
    let mut shard = ShardWriter::default();
    let mut counts = Counts {
        clips: clips.len(),
        by_class: vec![0; classes],
        ..Counts::default()
    };
    let entries = clips
        .into_iter()
        .map(|(clip, about)| {
            counts.frames += clip.frames;
            counts.bodies += clip.bodies;
            counts.by_class[clip.label] += 1;
            let ids = (0..clip.bodies).map(|body| body.to_string()).collect();
            shard.push(clip, ids, about, 0)
        })
        .collect();
    let shards = folder
        .map(|folder| shard.write(folder, 0).unwrap())
        .into_iter()
        .collect();
    Manifest {
        format: FORMAT.into(),
        version: VERSION,
        dataset: dataset.parse().unwrap(),
        unit: layout.unit.clone(),
        up: layout.up,
        layout: layout.clone(),
        classes: (0..classes).map(|class| format!("class {class}")).collect(),
        counts,
        shards,
        clips: entries,
        skipped: Vec::new(),
        checksum: String::new(),
    }
}

/// Settings that change nothing: coordinates as they are, each person a sample.
pub fn plain(frames: usize) -> Data {
    Data {
        frames,
        sampling: Sampling::Uniform,
        test_clips: 1,
        centre: Centre::None,
        turn: Turn::None,
        people: People::Average,
        actors: Actors::Published,
        bones: false,
        motion: false,
        test_turn: 0.0,
        test_swap: false,
        scale: [1.0; 3],
    }
}

/// Every random change at once.
pub fn everything() -> Augment {
    Augment {
        rotation: [0.3; 3],
        scale: 0.1,
        shear: 0.1,
        noise: 0.01,
        mirror: true,
        swap: true,
        crop: 0.0,
        probability: 0.9,
    }
}
