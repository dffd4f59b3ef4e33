//! Made clips can only be told apart by the order of their frames: a linear model of each joint's mean and standard
//! deviation over time, trained on some people and tested on others, is right at most half the time.

use std::collections::BTreeMap;
use std::io::Read;

use sinew::formats::synth::{self, SynthOptions};

/// Training performers of the cross-subject protocol.
const TRAINING: [usize; 20] = [
    1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38,
];
const CLASSES: usize = 8;

type Frame = [[f64; 3]; 25];

/// The tracks of a `.skeleton` text that last longer than eleven frames, in order of appearance.
fn tracks(text: &str) -> Vec<Vec<Frame>> {
    let mut lines = text.lines();
    let mut count = || lines.next().unwrap().to_string();
    let mut order = Vec::new();
    let mut tracks: BTreeMap<String, Vec<Frame>> = BTreeMap::new();
    for _ in 0..count().parse::<usize>().unwrap() {
        for _ in 0..count().parse::<usize>().unwrap() {
            let id = count().split(' ').next().unwrap().to_string();
            assert_eq!(count(), "25");
            let frame = std::array::from_fn(|_| {
                let numbers: Vec<f64> = count().split(' ').map(|n| n.parse().unwrap()).collect();
                assert_eq!(numbers.len(), 12);
                [numbers[0], numbers[1], numbers[2]]
            });
            if !order.contains(&id) {
                order.push(id.clone());
            }
            tracks.entry(id).or_default().push(frame);
        }
    }
    order
        .iter()
        .map(|id| tracks[id].clone())
        .filter(|t| t.len() > 11)
        .collect()
}

/// What is subtracted from every coordinate of a frame.
type Centring = fn(&Frame, &Frame) -> [f64; 3];

/// Mean and standard deviation over time of all coordinates of two people; zeros for a second who is not there.
fn statistics(tracks: &[Vec<Frame>], centre: Centring) -> Vec<f64> {
    let mut features = Vec::new();
    for person in 0..2 {
        for at in 0..75 {
            let values: Vec<f64> = tracks.get(person).map_or(Vec::new(), |track| {
                track
                    .iter()
                    .map(|f| f[at / 3][at % 3] - centre(&track[0], f)[at % 3])
                    .collect()
            });
            let n = (values.len() as f64).max(1.0);
            let mean = values.iter().sum::<f64>() / n;
            features.push(mean);
            features.push((values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt());
        }
    }
    features
}

/// Ridge regression onto one-hot classes, solved by Cholesky's decomposition; the share of `test` that it gets right.
fn probe(train: &[(Vec<f64>, usize)], test: &[(Vec<f64>, usize)]) -> f64 {
    let width = train[0].0.len();
    let n = train.len() as f64;
    let mean: Vec<f64> = (0..width)
        .map(|i| train.iter().map(|(x, _)| x[i]).sum::<f64>() / n)
        .collect();
    let scale: Vec<f64> = (0..width)
        .map(|i| {
            (train
                .iter()
                .map(|(x, _)| (x[i] - mean[i]).powi(2))
                .sum::<f64>()
                / n)
                .sqrt()
                .max(1e-9)
        })
        .collect();
    let standard = |x: &[f64]| -> Vec<f64> {
        (0..width)
            .map(|i| (x[i] - mean[i]) / scale[i])
            .chain([1.0])
            .collect()
    };
    let size = width + 1;
    let mut a = vec![vec![0.0; size]; size];
    let mut b = vec![vec![0.0; size]; CLASSES];
    for (x, class) in train {
        let x = standard(x);
        for i in 0..size {
            for j in 0..=i {
                a[i][j] += x[i] * x[j];
            }
            b[*class][i] += x[i];
        }
    }
    for i in 0..size {
        a[i][i] += 30.0;
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| a[i][k] * a[j][k]).sum();
            a[i][j] = if i == j {
                (a[i][i] - dot).sqrt()
            } else {
                (a[i][j] - dot) / a[j][j]
            };
        }
    }
    for column in &mut b {
        for i in 0..size {
            let dot: f64 = (0..i).map(|k| a[i][k] * column[k]).sum();
            column[i] = (column[i] - dot) / a[i][i];
        }
        for i in (0..size).rev() {
            let dot: f64 = (i + 1..size).map(|k| a[k][i] * column[k]).sum();
            column[i] = (column[i] - dot) / a[i][i];
        }
    }
    let right = test.iter().filter(|(x, class)| {
        let x = standard(x);
        let score = |c: usize| -> f64 { (0..size).map(|i| x[i] * b[c][i]).sum() };
        (0..CLASSES).max_by(|p, q| score(*p).total_cmp(&score(*q))) == Some(*class)
    });
    right.count() as f64 / test.len() as f64
}

#[test]
fn an_order_blind_probe_is_right_at_most_half_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("made.zip");
    let options = SynthOptions {
        out: out.clone(),
        clips: Some(400),
        classes: CLASSES,
        seed: 11,
        like: None,
    };
    synth::write(&options, &mut |_, _| Ok(())).unwrap();

    let mut archive = zip::ZipArchive::new(std::fs::File::open(&out).unwrap()).unwrap();
    let mut clips = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let name = entry
            .name()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_string();
        if name == "classes.txt" {
            continue;
        }
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let performer: usize = name[9..12].parse().unwrap();
        let class = name[17..20].parse::<usize>().unwrap() - 1;
        clips.push((TRAINING.contains(&performer), class, tracks(&text)));
    }
    for side in [true, false] {
        for class in 0..CLASSES {
            let count = clips.iter().filter(|c| c.0 == side && c.1 == class).count();
            assert!(count >= 10, "class {class} has {count} clips on one side");
        }
    }
    let centrings: [(&str, Centring); 3] = [
        ("none", |_, _| [0.0; 3]),
        ("each frame's centre", |_, frame| frame[0]),
        ("the first frame's centre", |first, _| first[0]),
    ];
    for (name, centre) in centrings {
        let side = |training: bool| -> Vec<_> {
            clips
                .iter()
                .filter(|c| c.0 == training)
                .map(|c| (statistics(&c.2, centre), c.1))
                .collect()
        };
        let accuracy = probe(&side(true), &side(false));
        println!("less {name}: {accuracy:.3}");
        assert!(
            accuracy <= 0.5,
            "less {name}: {accuracy:.3} without knowing the order"
        );
        // The probe itself works: it sees which gestures are made and how many people make them.
        assert!(accuracy >= 0.25, "less {name}: {accuracy:.3}");
    }
}
