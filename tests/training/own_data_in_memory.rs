//! A program of under forty lines trains on its own arrays: the example does so, and its weights are those of its classes.

#[path = "../../examples/own_data/main.rs"]
#[allow(dead_code)]
mod example;

use sinew::error::Place;
use sinew::prepare::Collection;
use sinew::shards::Prepared;
use sinew::skeleton::{About, Layout};
use sinew::train::Run;
use sinew::weights::Weights;

#[test]
fn the_example_trains() {
    let lines = include_str!("../../examples/own_data/main.rs")
        .lines()
        .count();
    assert!(lines < 40, "{lines} lines");
    let folder = tempfile::tempdir().expect("a folder");
    example::train_on_waves(folder.path()).expect("it trains");
    let weights = Weights::read(&folder.path().join("weights.safetensors")).expect("weights");
    assert_eq!(weights.classes, ["left wave", "right wave"]);
    let metrics = Run::metrics(&folder.path().join("run")).expect("metrics");
    assert_eq!(metrics.len(), 12);
    let last = metrics.last().expect("an epoch");
    assert!(last.accuracy > 0.9, "accuracy {}", last.accuracy);
}

#[test]
fn what_is_no_clip_is_refused_and_nothing_stays() {
    let dir = tempfile::tempdir().expect("a folder");
    let layout = Layout::sbu15();
    let out = dir.path().join("data");
    for classes in [&[][..], &["a", "a"]] {
        assert!(Collection::create(&out, &layout, classes).is_err());
    }
    let broken = Layout {
        centre: 99,
        ..layout.clone()
    };
    let error = Collection::create(&out, &broken, &["a"])
        .err()
        .expect("refused");
    assert!(error.to_string().contains("centre"), "{error}");
    let mut data = Collection::create(&out, &layout, &["a", "b"]).expect("a new folder");
    let good = vec![0.5f32; 2 * 15 * 3];
    let (train, far) = (|| About::in_split("train"), vec![1e7f32; 2 * 15 * 3]);
    data.add("one", 1, train(), &[2, 15, 3], &good)
        .expect("sound");
    for (name, class, about, array, why) in [
        (
            "one",
            0,
            train(),
            (&[2, 15, 3][..], &good),
            "duplicate name",
        ),
        ("", 0, train(), (&[2, 15, 3], &good), "duplicate name"),
        ("x", 2, train(), (&[2, 15, 3], &good), "no class 2"),
        ("x", 0, About::default(), (&[2, 15, 3], &good), "split"),
        (
            "x",
            0,
            About::in_split("exam"),
            (&[2, 15, 3], &good),
            "exam",
        ),
        ("x", 0, train(), (&[2, 14, 3], &good), "15 joints"),
        ("x", 0, train(), (&[3, 15, 3], &good), "90 numbers"),
        ("x", 0, train(), (&[usize::MAX, 15, 3], &good), "too many"),
        ("x", 0, train(), (&[2, 15, 3], &far), "out of range"),
        (
            "x",
            0,
            train(),
            (&[2, 15, 3], &vec![f32::NAN; 90]),
            "no person",
        ),
    ] {
        let error = data
            .add(name, class, about, array.0, array.1)
            .expect_err(why);
        assert!(error.to_string().contains(why), "{error}");
    }
    drop(data);
    assert!(!out.exists(), "a collection that is dropped leaves nothing");
    let mut data = Collection::create(&out, &layout, &["a", "b"]).expect("a new folder");
    data.add("one", 1, train(), &[2, 15, 3], &good)
        .expect("sound");
    let made = data.finish().expect("published");
    assert_eq!(
        (made.len(), made.manifest().counts.by_class.clone()),
        (1, vec![0, 1])
    );
    assert_eq!(
        Prepared::open(&out)
            .expect("whole")
            .clip(0)
            .expect("a clip")
            .data,
        good
    );
    assert!(
        Collection::create(&out, &layout, &["a"]).is_err(),
        "data are not overwritten"
    );
    assert!(Layout::from_toml("", &Place::file("here")).is_err());
}
