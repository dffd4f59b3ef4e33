//! What `sinew inspect` counts is what is there, and what it draws shows every frame, loads nothing from elsewhere
//! and runs nothing that a clip or a class is named.

use crate::skeleton_text;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::skeleton_text::{data, folder, prepared, simple, text, zip};
use npyz::WriterBuilder;
use serde_json::{Value, json};
use sinew::formats::{Catalogue, synth};
use tempfile::tempdir;

fn inspect(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sinew"))
        .arg("inspect")
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// The one JSON value on standard output.
fn value(output: &Output) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {error}"))
}

fn made(folder: &Path, clips: usize) -> (PathBuf, synth::SynthSummary) {
    let out = folder.join("made.zip");
    let options = synth::SynthOptions {
        out: out.clone(),
        clips: Some(clips),
        classes: 8,
        seed: 3,
        like: None,
    };
    let summary = synth::write(&options, &mut |_, _| Ok(())).unwrap();
    (out, summary)
}

fn total(counts: &Value) -> u64 {
    counts
        .as_object()
        .unwrap()
        .values()
        .filter_map(Value::as_u64)
        .sum()
}

#[test]
fn an_archive_and_what_is_prepared_from_it_count_the_same() {
    let dir = tempdir().unwrap();
    let (archive, made) = made(dir.path(), 48);
    let ready = dir.path().join("data");
    prepared(&archive, &ready).unwrap();
    let catalogue = Catalogue::open(&[&archive], None).unwrap();
    let mut reader = catalogue.reader();
    let clips: Vec<_> = catalogue
        .items
        .iter()
        .map(|item| reader.read(item).unwrap().clip)
        .collect();
    for path in [&archive, &ready] {
        let output = inspect(dir.path(), &[path.to_str().unwrap(), "--json"]);
        assert!(output.status.success());
        let value = value(&output);
        assert_eq!(value["clips"], made.clips);
        assert_eq!(value["read"], made.clips);
        assert_eq!(value["unreadable"], 0);
        assert_eq!(value["frames"], made.frames);
        assert_eq!(
            value["bodies"],
            clips.iter().map(|clip| clip.bodies).sum::<usize>()
        );
        assert_eq!(value["axes"], json!(["bodies", "frames", "joints", "xyz"]));
        assert_eq!(
            (&value["dtype"], &value["joints"]),
            (&json!("float32"), &json!(25))
        );
        assert_eq!(
            (&value["unit"], &value["up"]),
            (&json!("metre"), &json!("+y"))
        );
        for (label, class) in value["classes"].as_array().unwrap().iter().enumerate() {
            let there = clips.iter().filter(|clip| clip.label == label).count();
            assert_eq!(class["clips"], there, "{class}");
            assert_eq!(class["name"], catalogue.classes[label].as_str());
        }
        for (count, clips_of) in value["bodies_per_clip"].as_object().unwrap() {
            let there = clips
                .iter()
                .filter(|clip| clip.bodies.to_string() == *count)
                .count();
            assert_eq!(*clips_of, there, "{count} bodies");
        }
        assert_eq!(total(&value["bodies_per_clip"]), made.clips as u64);
        assert_eq!(
            value["by"]["performer"].as_object().unwrap().len(),
            made.performers
        );
        for by in ["performer", "camera", "setup"] {
            assert_eq!(total(&value["by"][by]), made.clips as u64, "{by}");
        }
        let mut lengths: Vec<usize> = clips.iter().map(|clip| clip.frames).collect();
        lengths.sort_unstable();
        let found = &value["lengths"];
        assert_eq!(
            (&found["min"], &found["max"]),
            (&json!(lengths[0]), &json!(lengths[47]))
        );
        assert_eq!(found["median"], (lengths[23] + lengths[24]) as f64 / 2.0);
        let bins: u64 = found["histogram"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|b| b["clips"].as_u64())
            .sum();
        assert_eq!(bins, 48);
        let output = inspect(dir.path(), &[path.to_str().unwrap()]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            said.contains("48 clips: ") && said.contains(&format!("min {}", lengths[0])),
            "{said}"
        );
    }
}

/// The scene that a page plays.
fn scene(html: &str) -> Value {
    let (_, rest) = html.split_once("type=\"application/json\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// Fails unless every element is closed in order and every attribute is quoted: what an SVG viewer asks of a file.
fn well_formed(svg: &str) {
    let mut open = Vec::new();
    let mut rest = svg;
    while let Some((before, after)) = rest.split_once('<') {
        assert!(
            !before.contains('>') && !before.contains('&') || entities(before),
            "{before}"
        );
        let (tag, after) = after.split_once('>').expect("an element ends");
        rest = after;
        if tag.starts_with('?') {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        let inner = tag.strip_suffix('/').unwrap_or(tag);
        assert_eq!(inner.matches('"').count() % 2, 0, "{tag}");
        assert_eq!(
            inner.matches("=\"").count() * 2,
            inner.matches('"').count(),
            "{tag}"
        );
        if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().unwrap());
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

fn entities(text: &str) -> bool {
    let known = ["amp;", "lt;", "gt;", "quot;", "#39;"];
    text.split('&')
        .skip(1)
        .all(|rest| known.iter().any(|entity| rest.starts_with(entity)))
        && !text.contains('>')
}

#[test]
fn a_drawn_clip_shows_every_frame_and_loads_nothing() {
    let dir = tempdir().unwrap();
    let (id, other) = (72_057_594_037_931_101, 72_057_594_037_931_162);
    let (both, one) = ([id, other], [other]);
    let mut frames: Vec<&[u64]> = vec![&both; 20];
    frames[3] = &[];
    frames[9] = &one;
    let name = "S001C001P001R001A050";
    let archive = zip(
        &dir.path().join("a.zip"),
        &[(format!("{name}.skeleton"), text(&frames))],
    );
    let ready = dir.path().join("data");
    prepared(&archive, &ready).unwrap();
    for (index, path) in [&archive, &ready].into_iter().enumerate() {
        let out = format!("drawn{index}");
        let output = inspect(
            dir.path(),
            &[
                path.to_str().unwrap(),
                "--clip",
                name,
                "--json",
                "--out",
                &out,
            ],
        );
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let facts = value(&output);
        assert_eq!(facts["class"], "punching/slapping other person");
        assert_eq!(
            (&facts["bodies"], &facts["frames"]),
            (&json!(2), &json!(20))
        );
        assert_eq!(facts["tracks"][0]["id"], id.to_string());
        assert_eq!(facts["tracks"][0]["frames"], 18);
        assert_eq!(facts["tracks"][1]["span"], json!([0, 19]));
        assert_eq!(
            (&facts["html"], &facts["svg"]),
            (&json!(format!("{out}.html")), &json!(format!("{out}.svg")))
        );
        let html = fs::read_to_string(dir.path().join(format!("{out}.html"))).unwrap();
        for outside in ["http:", "https:", "src=", "href=", "@import", "url("] {
            assert!(!html.contains(outside), "{outside}");
        }
        let scene = scene(&html);
        assert_eq!(scene["frames"], 20);
        for (body, id) in [id, other].into_iter().enumerate() {
            for (frame, ids) in frames.iter().enumerate() {
                let drawn = &scene["bodies"][body]["frames"][frame];
                if !ids.contains(&id) {
                    assert!(drawn.is_null(), "body {body} is not in frame {frame}");
                    continue;
                }
                let drawn: Vec<f64> = drawn
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|x| x.as_f64().unwrap())
                    .collect();
                let wanted: Vec<f32> = (0..25)
                    .flat_map(|joint| skeleton_text::coordinate(frame, id, joint))
                    .collect();
                assert_eq!(drawn.len(), wanted.len());
                let wrong = drawn
                    .iter()
                    .zip(&wanted)
                    .find(|(a, b)| (**a - f64::from(**b)).abs() > 5e-3);
                assert_eq!(wrong, None, "body {body}, frame {frame}");
            }
        }
        let svg = fs::read_to_string(dir.path().join(format!("{out}.svg"))).unwrap();
        well_formed(&svg);
        assert_eq!(svg.matches("class=\"panel\"").count(), 8);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}

#[test]
fn names_are_text() {
    const LAYOUT: &str = "name = 'stick'\nunit = '<b>'\nup = '-y'\njoints = ['hip', '</script><script>alert(1)//']\nbones = [[1, 0]]\n";
    let dir = tempdir().unwrap();
    let mut array = Vec::new();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[2, 2, 2])
        .writer(&mut array)
        .begin_nd()
        .unwrap();
    writer.extend([0f32, 0., 0., 1., 1., 0., 1., 1.]).unwrap();
    writer.finish().unwrap();
    let file = "<img onerror=alert(1)>{{script}}.npy";
    let class = "<script>alert(1)</script>";
    let source = folder(
        &dir.path().join("set"),
        &[
            (
                "clips.csv",
                format!("file,label,split,subject\n{file},{class},train,<i>\n").into_bytes(),
            ),
            ("layout.toml", LAYOUT.into()),
            (file, array),
        ],
    );
    let name = file.strip_suffix(".npy").unwrap();
    let output = inspect(
        dir.path(),
        &[source.to_str().unwrap(), "--clip", name, "--json"],
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let facts = value(&output);
    assert_eq!(
        (&facts["clip"], &facts["class"]),
        (&json!(name), &json!(class))
    );
    let html = fs::read_to_string(dir.path().join(facts["html"].as_str().unwrap())).unwrap();
    let svg = fs::read_to_string(dir.path().join(facts["svg"].as_str().unwrap())).unwrap();
    for markup in [
        "<script>alert",
        "<img",
        "<b>alert",
        "<i>",
        "</script><script>alert",
    ] {
        assert!(!html.contains(markup) && !svg.contains(markup), "{markup}");
    }
    assert_eq!(html.matches("<script").count(), 2);
    assert_eq!(
        html.matches("{{script}}").count(),
        3,
        "title, heading and label"
    );
    assert_eq!(scene(&html)["joints"][1], "</script><script>alert(1)//");
    well_formed(&svg);
}

#[test]
fn a_clip_that_is_not_there_names_the_nearest() {
    let dir = tempdir().unwrap();
    let names = [
        "S001C001P001R001A001",
        "S001C001P001R001A050",
        "S017C003P020R002A060",
        "S003C002P008R001A012",
    ];
    let entries: Vec<_> = names
        .iter()
        .map(|name| (format!("{name}.skeleton"), simple(5)))
        .collect();
    let archive = zip(&dir.path().join("a.zip"), &entries);
    let output = inspect(
        dir.path(),
        &[
            archive.to_str().unwrap(),
            "--clip",
            "S001C001P001R001A051",
            "--json",
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    let near = "the closest names are S001C001P001R001A001, S001C001P001R001A050,";
    assert!(
        said.contains("there is no clip \"S001C001P001R001A051\"") && said.contains(near),
        "{said}"
    );
    assert_eq!(
        inspect(dir.path(), &[archive.to_str().unwrap(), "--out", "x"])
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn what_cannot_be_read_is_counted_and_named() {
    let dir = tempdir().unwrap();
    let entries = [
        ("S001C001P001R001A001.skeleton", simple(5)),
        ("S001C001P001R001A002.skeleton", text(&[&[], &[]])),
        ("S001C002P005R002A008.skeleton", simple(4)),
    ];
    let archive = zip(&dir.path().join("a.zip"), &entries);
    let output = inspect(dir.path(), &[archive.to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let counts = value(&output);
    // The last is on the authors' missing list.
    assert_eq!(
        (&counts["clips"], &counts["missing"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(
        (&counts["read"], &counts["unreadable"], &counts["frames"]),
        (&json!(1), &json!(1), &json!(5))
    );
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("1 of 2 clips cannot be read") && said.contains("A002"),
        "{said}"
    );
}

#[test]
fn real_clips_are_drawn() {
    let dir = tempdir().unwrap();
    let clips = [
        ("ntu/samples", "S001C001P001R001A050", 2),
        ("sbu", "s01s02-08-001", 2),
    ];
    for (set, name, actors) in clips {
        let Some(path) = data(set) else { continue };
        let output = inspect(
            dir.path(),
            &[
                path.to_str().unwrap(),
                "--clip",
                name,
                "--json",
                "--out",
                "real",
            ],
        );
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let facts = value(&output);
        assert_eq!(facts["actors"], actors);
        assert!(
            facts["tracks"]
                .as_array()
                .unwrap()
                .iter()
                .all(|track| track["actor"].is_number())
        );
        well_formed(&fs::read_to_string(dir.path().join("real.svg")).unwrap());
    }
}
