//! RUN/tensorboard holds every step and every epoch once, as TensorBoard reads them, also where the run was killed.

#[path = "common/command.rs"]
mod command;

use command::{made_data, must, sinew, text, train, train_args};
use sinew::train::Run;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const SETTINGS: [&str; 8] = [
    "--epochs",
    "5",
    "--set",
    "train.save_every=2",
    "--device",
    "cpu",
    "--set",
    "train.eval_every=2",
];

/// A number as the file has it.
#[derive(Debug, Clone, PartialEq)]
struct Scalar {
    tag: String,
    step: u64,
    value: f32,
}

fn files(run: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(run.join("tensorboard")).expect("the folder");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

/// All numbers of a run, by tag and in the order of the files: a decoder of its own, bit by bit.
fn scalars(run: &Path) -> Vec<Scalar> {
    let mut all = Vec::new();
    for path in files(run) {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.contains("tfevents"), "{name}");
        let bytes = fs::read(&path).expect("its bytes");
        let mut rest = &bytes[..];
        let mut first = true;
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            assert_eq!(
                rest[8..12],
                masked(&rest[..8]),
                "{name}: a length's checksum"
            );
            let data = &rest[12..12 + length];
            assert_eq!(
                rest[12 + length..16 + length],
                masked(data),
                "{name}: a checksum"
            );
            rest = &rest[16 + length..];
            let event = message(data);
            let field = |number: u64| event.iter().find(|(n, _)| *n == number).map(|(_, v)| v);
            if first {
                assert_eq!(field(3), Some(&Field::Bytes(b"brain.Event:2".to_vec())));
                first = false;
            }
            let Some(Field::Fixed(time)) = field(1) else {
                panic!("{name}: no time");
            };
            assert!(f64::from_le_bytes(time[..].try_into().unwrap()) > 1e9);
            let Some(Field::Bytes(summary)) = field(5) else {
                continue;
            };
            let [(1, Field::Bytes(value))] = &message(summary)[..] else {
                panic!("{name}: one value a summary");
            };
            let [(1, Field::Bytes(tag)), (2, Field::Fixed(value))] = &message(value)[..] else {
                panic!("{name}: a tag and a number");
            };
            let Some(Field::Number(step)) = field(2) else {
                panic!("{name}: no step");
            };
            all.push(Scalar {
                tag: String::from_utf8(tag.clone()).unwrap(),
                step: *step,
                value: f32::from_le_bytes(value[..].try_into().unwrap()),
            });
        }
    }
    all.sort_by(|a, b| a.tag.cmp(&b.tag));
    all
}

#[derive(Debug, PartialEq)]
enum Field {
    Number(u64),
    Bytes(Vec<u8>),
    Fixed(Vec<u8>),
}

fn message(mut rest: &[u8]) -> Vec<(u64, Field)> {
    fn number(rest: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = rest[0];
            *rest = &rest[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let key = number(&mut rest);
        let length = match key & 7 {
            0 => {
                fields.push((key >> 3, Field::Number(number(&mut rest))));
                continue;
            }
            1 => 8,
            2 => number(&mut rest) as usize,
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (bytes, after) = rest.split_at(length);
        rest = after;
        let bytes = bytes.to_vec();
        let field = if key & 7 == 2 {
            Field::Bytes(bytes)
        } else {
            Field::Fixed(bytes)
        };
        fields.push((key >> 3, field));
    }
    fields
}

/// CRC-32C (Castagnoli) bit by bit, masked as TFRecord wants it.
fn masked(bytes: &[u8]) -> [u8; 4] {
    let mut sum = !0u32;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ if sum & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
    }
    (!sum)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
        .to_le_bytes()
}

/// What no clock decides.
fn repeatable(run: &Path) -> Vec<Scalar> {
    let mut all = scalars(run);
    all.retain(|scalar| !scalar.tag.starts_with("speed/"));
    all
}

#[test]
fn every_step_and_epoch_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 64);
    let run = folder.path().join("run");
    train(&data, &run, &SETTINGS);
    let all = scalars(&run);
    let of = |tag: &str| -> Vec<(u64, f32)> {
        let here = all.iter().filter(|scalar| scalar.tag == tag);
        here.map(|scalar| (scalar.step, scalar.value)).collect()
    };
    let metrics = Run::metrics(&run).expect("metrics");
    let last = metrics.last().expect("an epoch").step as u64;
    for tag in ["train/loss", "train/accuracy", "train/rate"] {
        let steps: Vec<u64> = of(tag).iter().map(|(step, _)| *step).collect();
        assert_eq!(steps, (1..=last).collect::<Vec<_>>(), "{tag}");
    }
    let near = |a: f32, b: f64| (f64::from(a) - b).abs() <= 1e-6 * b.abs().max(1e-9);
    let at = |tag: &str, step: usize| {
        let found = of(tag).into_iter().find(|(s, _)| *s == step as u64);
        found.map(|(_, value)| value)
    };
    for epoch in &metrics {
        assert!(near(
            at("train/rate", epoch.step).expect("a rate"),
            epoch.lr
        ));
        for (tag, value) in [
            ("validation/loss", epoch.validation_loss),
            ("validation/accuracy", epoch.validation_top1),
        ] {
            match (at(tag, epoch.step), value) {
                (Some(told), Some(value)) => assert!(near(told, value), "{tag}"),
                (None, None) => {}
                other => panic!("{tag} at {}: {other:?}", epoch.step),
            }
        }
        assert!(at("speed/clips_per_s", epoch.step).expect("a speed") > 0.0);
        assert!(at("speed/data_wait", epoch.step).is_some());
    }
    // Finished and resumed: nothing is added, nothing is lost.
    must(&["train", "--resume", text(&run)]);
    assert_eq!(all, scalars(&run));
    read_by_tensorboard(&run, &all);
}

#[test]
fn nothing_twice_and_nothing_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 96);
    let [whole, resumed] = ["whole", "resumed"].map(|name| folder.path().join(name));
    let settings = [&SETTINGS[..], &["--set", "train.keep=9"]].concat();
    train(&data, &whole, &settings);
    train(&data, &resumed, &settings);
    let wanted = repeatable(&whole);
    assert_eq!(wanted, repeatable(&resumed));
    // Goes on after ever earlier steps, within epochs and between them, with events of later ones in the files.
    for lost in 1..6 {
        let checkpoints = sinew::train::checkpoints(&resumed.join("checkpoints"));
        for newest in checkpoints.expect("checkpoints").iter().rev().take(lost) {
            fs::remove_file(newest).expect("removed");
        }
        // Half a record, as a kill within a write leaves it.
        let newest = files(&resumed).pop().expect("a file");
        let mut bytes = fs::read(&newest).expect("its bytes");
        bytes.extend([9, 0, 0, 0, 0, 0]);
        fs::write(&newest, bytes).expect("written");
        must(&["train", "--resume", text(&resumed)]);
        assert_eq!(wanted, repeatable(&resumed), "{lost} checkpoints lost");
    }
    read_by_tensorboard(&resumed, &scalars(&resumed));
}

#[test]
fn a_killed_run_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 96);
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    train(&data, &whole, &SETTINGS);
    let mut child = sinew(&train_args(&data, &killed, &SETTINGS))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    while !killed.join("tensorboard").exists() && child.try_wait().expect("its state").is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(Duration::from_millis(20));
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    must(&["train", "--resume", text(&killed)]);
    assert_eq!(repeatable(&whole), repeatable(&killed));
}

/// TensorBoard's own reader, where Python has it.
fn read_by_tensorboard(run: &Path, all: &[Scalar]) {
    const SCRIPT: &str = "
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0})
events.Reload()
for tag in sorted(events.Tags()['scalars']):
    for scalar in events.Scalars(tag):
        print(tag, scalar.step, scalar.value)
";
    let python = std::env::var("SINEW_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let with = Command::new(&python)
        .args(["-c", "import tensorboard"])
        .output();
    if !with.is_ok_and(|output| output.status.success()) {
        println!(
            "skipped TensorBoard's own reader: {python} has no tensorboard (SINEW_TEST_PYTHON names another)"
        );
        return;
    }
    let folder = run.join("tensorboard");
    let output = Command::new(&python)
        .args(["-c", SCRIPT, text(&folder)])
        .output();
    let output = output.expect("Python runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    let told = String::from_utf8(output.stdout).expect("text");
    let told: Vec<Scalar> = told
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            Scalar {
                tag: words[0].into(),
                step: words[1].parse().expect("a step"),
                value: words[2].parse::<f64>().expect("a number") as f32,
            }
        })
        .collect();
    assert_eq!(told, all);
}
