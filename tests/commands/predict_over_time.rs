//! A recording that is longer than every training clip is scored over time: each window says what happens in it, every
//! frame is in one, and the length of the windows follows the training clips unless it is named.

use crate::command::{must, must_fail, text};
use crate::npy;
use crate::waves::{LAYOUT, wave};
use serde_json::Value;
use sinew::rng::Rng;
use std::path::{Path, PathBuf};

/// A run on clips of 30 to 40 frames, their median 34.
fn trained(folder: &Path) -> PathBuf {
    let [set, data, run] = ["set", "data", "run"].map(|name| folder.join(name));
    std::fs::create_dir(&set).expect("a folder");
    let mut rng = Rng::new(5, &[]);
    let mut table = "file,label,split\n".to_string();
    for number in 0..48 {
        let (hand, frames) = (2 + number % 2, 30 + (number / 2) % 11);
        let label = ["left wave", "right wave"][number % 2];
        let array = npy::array(&[frames, 4, 3], &wave(hand, frames, &mut rng));
        std::fs::write(set.join(format!("{number}.npy")), array).expect("a clip");
        table += &format!("{number}.npy,{label},train\n");
    }
    std::fs::write(set.join("clips.csv"), table).expect("a table");
    std::fs::write(set.join("layout.toml"), LAYOUT).expect("a layout");
    must(&[
        "prepare",
        text(&set),
        "--dataset",
        "clips",
        "--out",
        text(&data),
    ]);
    let sizes = ["model.hidden=16", "data.frames=16", "data.test_clips=1"];
    let others = ["train.validation=0", "train.lr=0.01", "train.batch=8"];
    let mut args = vec![
        "train",
        text(&data),
        "--protocol",
        "split",
        "--out",
        text(&run),
    ];
    args.extend(["--epochs", "12", "--device", "cpu"]);
    args.extend(sizes.iter().chain(&others).flat_map(|set| ["--set", set]));
    must(&args);
    run
}

/// Frames of each window and its most probable class; none where nobody is there.
fn windows(prediction: &Value) -> Vec<(u64, u64, Option<&str>)> {
    let all = prediction["windows"].as_array().expect("windows");
    let number = |value: &Value| value.as_u64().expect("a frame");
    let best = |window: &Value| (number(&window["start"]), number(&window["end"]));
    all.iter()
        .map(|w| (best(w).0, best(w).1, w["classes"][0]["name"].as_str()))
        .collect()
}

#[test]
fn what_happens_when() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = trained(folder.path());
    let mut rng = Rng::new(6, &[]);
    // 100 frames of the left hand, 60 of nobody, 100 of the right hand.
    let gone = vec![f32::NAN; 60 * 12];
    let parts = [wave(2, 100, &mut rng), gone, wave(3, 100, &mut rng)];
    let [long, short] = ["long.npy", "short.npy"].map(|name| folder.path().join(name));
    std::fs::write(&long, npy::array(&[260, 4, 3], &parts.concat())).expect("a recording");
    let one = npy::array(&[40, 4, 3], &wave(3, 40, &mut rng));
    std::fs::write(&short, one).expect("a clip");
    let predict = |more: &[&str]| {
        let base = ["predict", text(&run), text(&long), text(&short)];
        must(&[&base[..], &["--device", "cpu"], more].concat())
    };
    let json = |more: &[&str]| -> Value {
        serde_json::from_str(&predict(&[&["--json"][..], more].concat())).expect("JSON")
    };
    let all = json(&[]);
    let of_clip = |all: &Value, name: &str| -> Value {
        let find = |p: &&Value| p["clip"].as_str().is_some_and(|c| c.contains(name));
        let found = all.as_array().and_then(|all| all.iter().find(find));
        found.expect("its prediction").clone()
    };
    let (recording, clip) = (of_clip(&all, "long"), of_clip(&all, "short"));
    // No longer than the longest training clip: scored as a whole.
    assert!(clip.get("windows").is_none());
    assert_eq!(clip["classes"][0]["name"], "right wave");
    let found = windows(&recording);
    // The median of the training clips, and a quarter of it.
    assert_eq!((found[0].0, found[0].1, found[1].0), (0, 34, 8));
    assert_eq!(found.last().map(|last| last.1), Some(260));
    for pair in found.windows(2) {
        assert!(pair[0].0 < pair[1].0 && pair[1].0 <= pair[0].1, "{pair:?}");
    }
    for (start, end, best) in &found {
        let expected = match (*start, *end) {
            (_, ..=100) => Some("left wave"),
            (160.., _) => Some("right wave"),
            (100.., ..=160) => None,
            _ => continue,
        };
        assert_eq!(*best, expected, "frames {start} to {end}");
    }
    let probabilities: f64 = recording["classes"]
        .as_array()
        .expect("classes")
        .iter()
        .map(|class| class["probability"].as_f64().expect("a number"))
        .sum();
    assert!((probabilities - 1.0).abs() < 1e-6, "a mean over windows");

    let named = json(&["--window", "20", "--stride", "15"]);
    let of_long = of_clip(&named, "long");
    let found = windows(&of_long);
    assert_eq!((found[0], found[1].0), ((0, 20, Some("left wave")), 15));
    let of_short = of_clip(&named, "short");
    let starts: Vec<u64> = windows(&of_short).iter().map(|window| window.0).collect();
    assert_eq!(starts, [0, 15, 20]);

    let printed = predict(&[]);
    assert!(printed.contains("frames      0 to     33:"), "{printed}");
    assert!(printed.contains("no person"), "{printed}");
    let args = ["predict", text(&run), text(&long), "--stride", "0"];
    let error = must_fail(&args, 2);
    assert!(error.contains("--stride must be at least 1"), "{error}");
}
