//! Own clips of any skeleton, dimension and number of people end in batches of finite numbers, by every preset.

use crate::settings;
use std::path::Path;
use std::sync::Arc;

use crate::npy::{array, layout};
use crate::skeleton_text::{folder, prepared};
use sinew::loader::Loader;
use sinew::rng::Rng;
use sinew::settings::Preset;
use sinew::shards::Prepared;
use tempfile::tempdir;

/// An array of people who walk in a picture; `edge` is its width.
fn walk(people: usize, frames: usize, joints: usize, axes: usize, edge: f32) -> Vec<f32> {
    let mut rng = Rng::new(3, &[people as u64, frames as u64]);
    let count = people * frames * joints * axes;
    (0..count).map(|_| rng.range(0.0, edge)).collect()
}

/// What a clip can be: its name, shape without joints and axes, and bytes.
fn clips(joints: usize, axes: usize) -> Vec<(&'static str, Vec<u8>)> {
    let shape = |people: usize, frames: usize| [people, frames, joints, axes];
    let plain = |people, frames| walk(people, frames, joints, axes, 640.0);
    let mut holes = plain(2, 30);
    let stride = joints * axes;
    // The first is gone for some frames, the second lacks every joint at some time.
    holes[5 * stride..9 * stride].fill(f32::NAN);
    for frame in 0..30 {
        let joint = ((30 + frame) * joints + frame % joints) * axes;
        holes[joint] = f32::NAN;
    }
    let mut absent = plain(3, 12);
    absent[12 * stride..24 * stride].fill(f32::NAN);
    let mut still = plain(1, 8);
    still.copy_within(..stride, 4 * stride);
    still[4 * stride..6 * stride].fill(0.0);
    let double: Vec<f64> = plain(1, 20).iter().map(|x| f64::from(*x)).collect();
    vec![
        ("alone", array(&[20, joints, axes], &double)),
        ("alone32", array(&[20, joints, axes], &plain(1, 20))),
        ("two", array(&shape(2, 25), &plain(2, 25))),
        ("six", array(&shape(6, 14), &plain(6, 14))),
        ("instant", array(&shape(1, 1), &plain(1, 1))),
        ("instants", array(&shape(4, 1), &plain(4, 1))),
        ("holes", array(&shape(2, 30), &holes)),
        ("absent", array(&shape(3, 12), &absent)),
        ("zero", array(&shape(1, 9), &vec![0f32; 9 * stride])),
        ("zeros", array(&shape(1, 8), &still)),
        ("tiny", array(&shape(1, 9), &vec![1e-40f32; 9 * stride])),
        ("far", array(&shape(2, 9), &walk(2, 9, joints, axes, 1e6))),
        ("long", array(&shape(1, 300), &plain(1, 300))),
    ]
}

/// Prepares clips of one skeleton, each in training and by turns in two classes.
fn set(folder_of: &Path, joints: usize, clips: Vec<(&'static str, Vec<u8>)>) -> Arc<Prepared> {
    let mut table = "file,label,split\n".to_string();
    // Several people in a single frame are meant.
    let layout = layout(joints) + "most_people = 6\n";
    let mut entries = vec![("layout.toml".to_string(), layout.into_bytes())];
    for (index, (name, bytes)) in clips.into_iter().enumerate() {
        table += &format!("{name}.npy,class {},train\n", index % 2);
        entries.push((format!("{name}.npy"), bytes));
    }
    entries.push(("clips.csv".into(), table.into_bytes()));
    let out = folder_of.join("out");
    prepared(&folder(&folder_of.join("set"), &entries), &out).unwrap();
    Arc::new(Prepared::open(out).unwrap())
}

/// Trains and tests on everything; rows that testing saw of each clip.
fn rows(prepared: &Arc<Prepared>, preset: Preset) -> sinew::Result<Vec<usize>> {
    let all: Vec<usize> = (0..prepared.len()).collect();
    let written = settings::written(preset, &["train.batch=4"]);
    let settings = settings::resolved_for_clips(&written, prepared, &all)?;
    let data = &settings.data;
    assert!(
        data.scale.iter().all(|x| x.is_finite() && *x > 0.0),
        "{:?}",
        data.scale
    );
    let how = (7, 1, 1);
    let train = Loader::train(Arc::clone(prepared), &all, data, &settings.augment, how)?;
    let eval = Loader::eval(Arc::clone(prepared), &all, data, how)?;
    let mut rows = vec![0; prepared.len()];
    for (tested, batches) in [(0, train.epoch(0, 0)), (1, eval.epoch(0, 0))] {
        for batch in batches {
            let batch = batch?;
            let size: usize = eval.shape().iter().product();
            assert_eq!(batch.x.len(), batch.len() * size);
            assert!(batch.x.iter().all(|x| x.is_finite()), "{preset}");
            batch.clips.iter().for_each(|clip| rows[*clip] += tested);
        }
    }
    Ok(rows)
}

/// Samplings of a test clip by the default preset.
fn draws() -> usize {
    settings::written(Preset::Sinew, &[]).data.test_clips
}

#[test]
fn whatever_they_are_like() {
    for joints in [1, 2, 15, 17, 25, 133] {
        for axes in [2, 3] {
            let dir = tempdir().unwrap();
            let data = set(dir.path(), joints, clips(joints, axes));
            assert_eq!(data.manifest().layout.len(), joints);
            for preset in [Preset::Sinew, Preset::Paper] {
                let rows = rows(&data, preset).unwrap();
                for (clip, rows) in data.manifest().clips.iter().zip(rows) {
                    let expected = match preset {
                        Preset::Sinew => draws() * clip.bodies..=draws() * clip.bodies,
                        // It leaves out the people of a few frames, but no clip.
                        _ => 1..=clip.bodies,
                    };
                    let name = &clip.name;
                    assert!(expected.contains(&rows), "{name} by {preset}: {rows}");
                }
            }
            // The reference's centring is of NTU's joints.
            match (joints, rows(&data, Preset::Reference)) {
                (25, rows) => assert!(rows.unwrap().iter().all(|rows| *rows > 0)),
                (_, Ok(_)) => panic!("{joints} joints were centred as 25"),
                (_, Err(error)) => assert!(
                    error
                        .to_string()
                        .contains("choose none, frame or first-frame")
                ),
            }
        }
    }
}

#[test]
fn two_people_throughout_are_one_row() {
    let dir = tempdir().unwrap();
    let two = |people: usize, frames| {
        (
            ["one", "two"][people - 1],
            array(&[2, frames, 17, 2], &walk(2, frames, 17, 2, 640.0)),
        )
    };
    let data = set(dir.path(), 17, vec![two(1, 1), two(2, 30)]);
    assert_eq!(rows(&data, Preset::Sinew).unwrap(), [draws(); 2]);
    assert_eq!(rows(&data, Preset::Paper).unwrap(), [1, 1]);
}

#[test]
fn big_endian_numbers_are_the_same_numbers() {
    let numbers = walk(1, 6, 2, 3, 9.0);
    let little = array(&[6, 2, 3], &numbers);
    let start = little.len() - numbers.len() * 4;
    let mut big = little.clone();
    let at = big.windows(3).position(|window| window == b"<f4").unwrap();
    big[at] = b'>';
    big[start..].chunks_exact_mut(4).for_each(<[u8]>::reverse);
    let dir = tempdir().unwrap();
    let data = set(dir.path(), 2, vec![("big", big), ("little", little)]);
    let clips = [0, 1].map(|index| data.clip(index).unwrap().data);
    assert_eq!(clips[0], numbers);
    assert_eq!(clips[0], clips[1]);
}
