//! Arrays with their axes swapped are refused; confidences taken for z and zeros in the place of NaN are noticed, once for a
//! whole set, and zeros are missing joints where the layout says so.

use std::fs;
use std::path::{Path, PathBuf};

use crate::npy::array;
use crate::skeleton_text::{folder, prepared, refused};
use sinew::Event;
use sinew::error::Place;
use sinew::formats::Catalogue;
use sinew::prepare::{Collection, PrepareOptions, check, prepare};
use sinew::shards::{Prepared, ShardWriter};
use sinew::skeleton::{About, Layout};
use tempfile::tempdir;

const JOINTS: usize = 4;

/// A layout.toml of four joints, with more keys.
fn layout(unit: &str, more: &str) -> String {
    format!(
        "name = 'stick'\nunit = '{unit}'\nup = '-y'\njoints = ['hip', 'head', 'left hand', 'right hand']\n\
         bones = [[1, 0], [2, 1], [3, 1]]\n{more}\n"
    )
}

/// The shape and numbers of a clip.
type Array = (Vec<usize>, Vec<f32>);

/// A person's clip in which no number is zero or a whole one, changed point by point: person, frame, joint.
fn clip(
    people: usize,
    frames: usize,
    change: impl Fn(usize, usize, usize, [f32; 3]) -> [f32; 3],
) -> Array {
    let mut data = Vec::new();
    for person in 0..people {
        for frame in 0..frames {
            for joint in 0..JOINTS {
                let at = (person * 50 + frame * 3 + joint * 7) as f32 + 0.25;
                data.extend(change(
                    person,
                    frame,
                    joint,
                    [at, 100.5 - at, 2.0 + 0.5 * at],
                ));
            }
        }
    }
    (vec![people, frames, JOINTS, 3], data)
}

fn plain(people: usize, frames: usize) -> Array {
    clip(people, frames, |_, _, _, point| point)
}

/// A set of clips, called 000 and so on.
fn set(path: &Path, layout: &str, clips: &[Array]) -> PathBuf {
    let mut table = String::from("file,label,split\n");
    let mut entries = vec![("layout.toml".to_string(), layout.as_bytes().to_vec())];
    for (index, (shape, data)) in clips.iter().enumerate() {
        let split = ["train", "test"][index / 2 % 2];
        table += &format!("{index:03}.npy,{},{split}\n", ["a", "b"][index % 2]);
        entries.push((format!("{index:03}.npy"), array(shape, data)));
    }
    entries.push(("clips.csv".into(), table.into_bytes()));
    folder(path, &entries)
}

/// What is said of joints and numbers when a set is checked, and the same when it is prepared.
fn warnings(unit: &str, more: &str, clips: &[Array]) -> Vec<String> {
    let dir = tempdir().unwrap();
    let source = set(&dir.path().join("set"), &layout(unit, more), clips);
    let checked = check(&source, None, 2, &mut |_, _| {});
    assert!(checked.problems.is_empty(), "{:?}", checked.problems);
    let summary = prepared(&source, &dir.path().join("out")).unwrap();
    let said = |warnings: &[sinew::Warning]| -> Vec<String> {
        let texts = warnings.iter().map(ToString::to_string);
        let about =
            |text: &String| text.contains("exactly at zero") || text.contains("confidence scores");
        texts.filter(about).collect()
    };
    let found = said(&checked.warnings);
    assert_eq!(found, said(&summary.warnings));
    let place = format!("{}: ", source.display());
    let found = found.into_iter().map(|text| {
        assert_eq!(text.lines().count(), 1, "{text}");
        text.strip_prefix(&place).expect(&text).to_string()
    });
    found.collect()
}

#[test]
fn axes_that_look_swapped_are_refused() {
    let dir = tempdir().unwrap();
    let one = |number: usize, more: &str, people: usize, frames: usize| {
        let source = dir.path().join(number.to_string());
        set(&source, &layout("metre", more), &[plain(people, frames)])
    };
    let none = dir.path().join("none");
    for (number, (more, people, frames, what)) in [
        (
            "",
            30,
            2,
            "000.npy: the shape is [30, 2, 4, 3]: 30 people in 2 frames, so people and frames look swapped; save it \
             as [people, frames, 4, 2 or 3] (numpy.swapaxes(clip, 0, 1)), or set most_people in layout.toml if there \
             really are that many people",
        ),
        ("", 2, 1, "2 people in 1 frame, so people and frames look swapped"),
        (
            "",
            7,
            100,
            "7 people in 100 frames, but more than 6 people are unusual; set most_people = 7 in layout.toml",
        ),
        (
            "most_people = 8",
            9,
            100,
            "9 people, but most_people in layout.toml is 8",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let message = refused(&one(number, more, people, frames), &none);
        assert!(message.contains(what), "{message}");
    }
    for (number, (more, people, frames)) in [
        ("", 6, 6),
        ("", 1, 1),
        ("most_people = 30", 30, 2),
        ("most_people = 8", 8, 100),
    ]
    .into_iter()
    .enumerate()
    {
        let source = one(10 + number, more, people, frames);
        let summary = prepared(&source, &dir.path().join(format!("out{number}"))).unwrap();
        assert_eq!(summary.counts.bodies, people);
    }
    // Arrays that a program hands over, or that are scored alone, are no exception.
    let layout = Layout::from_toml(&layout("metre", ""), &Place::file("here")).unwrap();
    let (shape, data) = plain(30, 2);
    let mut collection = Collection::create(dir.path().join("mine"), &layout, &["a"]).unwrap();
    let added = collection.add("one", 0, About::in_split("train"), &shape, &data);
    assert!(added.unwrap_err().to_string().contains("look swapped"));
    let list = Catalogue::of_layout(&[dir.path().join("0/000.npy")], &layout).unwrap();
    let read = list.reader().read(&list.items[0]);
    assert!(read.unwrap_err().to_string().contains("look swapped"));
}

/// Two numbers and a confidence.
fn scored(least: f32, most: f32) -> Array {
    clip(1, 10, |_, frame, joint, [x, y, _]| {
        let share = (frame * JOINTS + joint) as f32 / 39.0;
        [x, y, least + share * (most - least)]
    })
}

#[test]
fn confidences_that_are_taken_for_z_are_noticed() {
    let clips = [scored(0.25, 1.0), scored(0.5, 0.75), scored(0.0, 0.5)];
    for unit in ["pixel", "Pixels", " px "] {
        let found = warnings(unit, "", &clips);
        assert_eq!(found.len(), 1, "{unit}: {found:?}");
        for what in [
            "the third value of all joints in 3 clips is between 0 and 1",
            "these look like confidence scores but are read as z",
            "save only the first two values (clip[..., :2]), with NaN where the confidence is low",
        ] {
            assert!(found[0].contains(what), "{}", found[0]);
        }
    }
    // Another unit, a number that is none, z that says nothing.
    assert!(warnings("metre", "", &clips).is_empty());
    for other in [scored(0.5, 1.001), scored(-0.001, 0.5)] {
        let clips = [scored(0.25, 1.0), other];
        assert!(warnings("pixel", "", &clips).is_empty());
    }
    let flat = |z: f32| clip(1, 10, move |_, _, _, [x, y, _]| [x, y, z]);
    for z in [0.0, 1.0] {
        assert!(warnings("pixel", "", &[flat(z), flat(z)]).is_empty());
    }
}

#[test]
fn zeros_that_look_like_nothing_are_noticed_once() {
    let zero = [0.0; 3];
    let gaps = clip(1, 10, |_, frame, joint, point| match (frame, joint) {
        (7 | 8, _) | (2, 3) | (5, 1 | 3) => zero,
        _ => point,
    });
    let second = clip(2, 10, |person, frame, _, point| match (person, frame) {
        (1, 4..) => zero,
        _ => point,
    });
    let found = warnings(
        "metre",
        "",
        &[plain(1, 9), gaps.clone(), second.clone(), plain(2, 9)],
    );
    let expected = "joints exactly at zero, which are probably missing: all joints of a person in 8 frames, in 2 of 4 clips, \
        first in frame 7 of clip 001; 3 single joints in 1 of 4 clips, first joint 3 (right hand) in frame 2 of clip 001; \
        write NaN for missing joints, or set zeros = \"missing\" in layout.toml (zeros = \"position\" if they are real \
        positions), then prepare again";
    assert_eq!(found, [expected]);
    // Two coordinates are no exception, and a negative zero is one.
    let flat = |(shape, data): Array| {
        let data = data.chunks_exact(3).flat_map(|p| [-p[0], -p[1]]).collect();
        (vec![shape[0], shape[1], shape[2], 2], data)
    };
    let found = warnings("metre", "", &[flat(plain(1, 9)), flat(gaps.clone())]);
    assert!(
        found.len() == 1
            && found[0].contains("all joints of a person in 2 frames, in 1 of 2 clips"),
        "{found:?}"
    );
    assert!(
        found[0].contains("3 single joints in 1 of 2 clips"),
        "{found:?}"
    );
    // Who says what zeros are is not told, and NaN is none.
    assert!(
        warnings(
            "metre",
            "zeros = 'position'",
            &[gaps.clone(), second.clone()]
        )
        .is_empty()
    );
    assert!(warnings("metre", "zeros = 'missing'", &[gaps, second]).is_empty());
    let absent = clip(
        1,
        10,
        |_, frame, _, point| if frame == 3 { [f32::NAN; 3] } else { point },
    );
    assert!(warnings("metre", "", &[absent]).is_empty());
}

#[test]
fn the_origin_of_centred_data_is_no_gap() {
    // Each frame's hip is the origin; of two people the first one's.
    let centred = |people: usize| {
        let (_, data) = plain(people, 20);
        clip(people, 20, move |_, frame, _, [x, y, z]| {
            let hip = &data[frame * JOINTS * 3..];
            [x - hip[0], y - hip[1], z - hip[2]]
        })
    };
    assert!(warnings("metre", "", &[centred(1), centred(2)]).is_empty());
    // The first frame's hip is.
    let (_, data) = plain(2, 20);
    let first = clip(2, 20, move |_, _, _, [x, y, z]| {
        [x - data[0], y - data[1], z - data[2]]
    });
    assert!(warnings("metre", "", &[first.clone(), first]).is_empty());
    // Gaps in such data are noticed, and setting zeros would take the origin, too.
    let (shape, mut data) = centred(1);
    for frame in [4, 9] {
        let start = frame * JOINTS * 3;
        data[start + 6..start + 9].fill(0.0);
    }
    data[12 * JOINTS * 3..13 * JOINTS * 3].fill(0.0);
    let found = warnings("metre", "", &[centred(2), (shape, data)]);
    assert_eq!(found.len(), 1, "{found:?}");
    for what in [
        "all joints of a person in 1 frame, in 1 of 2 clips, first in frame 12 of clip 001",
        "2 single joints in 1 of 2 clips, first joint 2 (left hand) in frame 4 of clip 001",
        "drop joint 0 (hip), which is the origin of this data",
    ] {
        assert!(found[0].contains(what), "{what}: {}", found[0]);
    }
    // Two joints are not in one place: hands that are never seen are no origin.
    let hands = clip(
        1,
        20,
        |_, _, joint, point| if joint > 1 { [0.0; 3] } else { point },
    );
    let found = warnings("metre", "", &[hands]);
    assert!(
        found.len() == 1 && found[0].contains("40 single joints in 1 of 1 clip,"),
        "{found:?}"
    );
}

#[test]
fn zeros_are_missing_where_the_layout_says_so() {
    let dir = tempdir().unwrap();
    let (shape, data) = clip(3, 10, |person, frame, joint, point| {
        match (person, frame, joint) {
            (0, 3, 2) | (0, 5, _) | (1, ..) => [0.0; 3],
            _ => point,
        }
    });
    let expected: Vec<f32> = [&data[..120], &data[240..]]
        .concat()
        .chunks_exact(3)
        .flat_map(|point| {
            if point == [0.0; 3] {
                [f32::NAN; 3]
            } else {
                [point[0], point[1], point[2]]
            }
        })
        .collect();
    let same = |found: &[f32]| {
        let bits = |x: &f32| if x.is_nan() { None } else { Some(x.to_bits()) };
        found.iter().map(bits).eq(expected.iter().map(bits))
    };
    let text = layout("metre", "zeros = 'missing'");
    let source = set(
        &dir.path().join("set"),
        &text,
        &[(shape.clone(), data.clone())],
    );
    let out = dir.path().join("out");
    prepared(&source, &out).unwrap();
    let data_out = Prepared::open(&out).unwrap();
    assert_eq!(data_out.manifest().clips[0].ids, ["0", "2"]);
    assert!(same(&data_out.clip(0).unwrap().data));
    // The layout that went with the data, as a run has it, reads lone arrays alike.
    let list =
        Catalogue::of_layout(&[source.join("000.npy")], &data_out.manifest().layout).unwrap();
    assert!(same(&list.reader().read(&list.items[0]).unwrap().clip.data));
    // Nobody is in a clip of zeros.
    let nobody = set(
        &dir.path().join("nobody"),
        &text,
        &[(shape, vec![0.0; data.len()])],
    );
    let message = refused(&nobody, &dir.path().join("none"));
    assert!(message.contains("no person in any frame"), "{message}");
}

#[test]
fn a_program_that_adds_clips_is_warned_alike() {
    let dir = tempdir().unwrap();
    let layout = Layout::from_toml(&layout("pixel", ""), &Place::file("here")).unwrap();
    let mut collection = Collection::create(dir.path().join("mine"), &layout, &["a"]).unwrap();
    assert!(collection.warnings().is_empty());
    let (shape, mut data) = scored(0.25, 1.0);
    data[..12].fill(0.0);
    let add = collection.add("one", 0, About::in_split("train"), &shape, &data);
    add.unwrap();
    let said: Vec<String> = collection
        .warnings()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0].contains("confidence scores")
            && said[1].contains("all joints of a person in 1 frame"),
        "{said:?}"
    );
}

#[test]
fn an_interrupted_preparation_warns_of_all_clips() {
    let dir = tempdir().unwrap();
    // What is to be noticed lies in the first shard, which is not read again.
    let mut clips: Vec<Array> = (0..ShardWriter::CLIPS + 20).map(|_| plain(1, 2)).collect();
    clips[5] = clip(1, 4, |_, frame, joint, point| match (frame, joint) {
        (1, _) | (2, 3) => [0.0; 3],
        _ => point,
    });
    let source = set(&dir.path().join("set"), &layout("metre", ""), &clips);
    let (out, copy) = (dir.path().join("out"), dir.path().join("copy"));
    let options = |out: &Path| {
        let mut options = PrepareOptions::new([&source], out);
        options.threads = 2;
        options
    };
    let mut copied = false;
    let whole = prepare(&options(&out), &mut |event| {
        // As it lies there behind the first shard.
        let done = match event {
            Event::Progress { done, .. } => done,
            _ => 0,
        };
        if done > ShardWriter::CLIPS && !copied {
            copied = true;
            fs::create_dir(&copy).unwrap();
            for entry in fs::read_dir(&out).unwrap().map(Result::unwrap) {
                fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
            }
        }
    })
    .unwrap();
    let resumed = prepare(&options(&copy), &mut |_| {}).unwrap();
    assert_eq!((whole.resumed, resumed.resumed), (0, 1));
    assert!(whole.warnings.iter().any(|warning| {
        warning
            .what
            .contains("all joints of a person in 1 frame, in 1 of 1044")
    }));
    assert_eq!(whole.warnings, resumed.warnings);
    for name in [
        "manifest.json",
        "shard-00000.safetensors",
        "shard-00001.safetensors",
    ] {
        assert_eq!(
            fs::read(out.join(name)).unwrap(),
            fs::read(copy.join(name)).unwrap(),
            "{name}"
        );
    }
}
