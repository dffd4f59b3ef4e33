//! `sinew report` makes one page that stands alone, whatever state the run is in and whatever its classes are called, and
//! that a browser shows without an error at the width of a desk and of a phone.

use crate::command::{made_data, must, must_fail, text, train};
use crate::settings;
use serde_json::Value;
use sinew::device::Choice;
use sinew::prepare::Collection;
use sinew::settings::Preset;
use sinew::shards::Prepared;
use sinew::skeleton::{About, Layout};
use sinew::train::{TrainOptions, start};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// Makes the page of a run and returns it.
fn report(run: &Path) -> String {
    let said = must(&["report", text(run), "--device", "cpu"]);
    let page = run.join("report.html");
    assert!(said.contains(text(&page)), "{said}");
    let html = fs::read_to_string(page).expect("the page");
    for outside in ["http:", "https:", "src=", "href=", "@import", "url("] {
        assert!(!html.contains(outside), "{outside}");
    }
    for no_number in ["NaN", "inf\"", ">inf<"] {
        assert!(!html.contains(no_number), "{no_number}");
    }
    html
}

/// The clips of a page, as the player reads them.
fn scenes(html: &str) -> Vec<Value> {
    const START: &str = "<script class=\"scene\" type=\"application/json\">";
    let rest = html.split(START).skip(1);
    let each = rest.map(|rest| rest.split_once("</script>").expect("an end").0);
    each.map(|json| serde_json::from_str(json).expect("JSON"))
        .collect()
}

#[test]
fn of_a_finished_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 64);
    let run = folder.path().join("run");
    train(
        &data,
        &run,
        &[
            "--epochs",
            "3",
            "--device",
            "cpu",
            "--set",
            "run.task=a task",
            "--set",
            "train.validation=0.1",
        ],
    );
    let html = report(&run);
    let eval = must(&["eval", text(&run), "--device", "cpu", "--json"]);
    let eval: Value = serde_json::from_str(&eval).expect("JSON");
    let top1 = eval["top1"].as_f64().expect("a number");
    let clips = eval["clips"].as_u64().expect("a number");
    for wanted in [
        "<h1>a task</h1>".to_string(),
        "3 of 3 epochs".into(),
        format!("<dt>top-1</dt><dd>{:.1}\u{a0}%</dd>", top1 * 100.0),
        format!("<dt>test clips</dt><dd>{clips}</dd>"),
        "<dt>trained on</dt><dd>cpu</dd>".into(),
        "<dt>hidden</dt><dd>8</dd>".into(),
        "Learning rate".into(),
        "best weights".into(),
    ] {
        assert!(html.contains(&wanted), "{wanted}");
    }
    assert_eq!(html.matches("<figure class=\"chart\">").count(), 6);
    assert_eq!(
        html.matches("<div class=\"bar\">").count(),
        4,
        "a bar a class"
    );
    let cells = |kind: &str| -> u64 {
        let start = format!("<rect class=\"{kind}\"");
        let cells = html.split(&start).skip(1);
        let count = |cell: &str| {
            let said = cell.split_once(": ").expect("a title").1;
            said.split_once(" of")
                .expect("a count")
                .0
                .parse::<u64>()
                .expect("a number")
        };
        cells.map(count).sum()
    };
    let right = (top1 * clips as f64).round() as u64;
    assert_eq!((cells("right"), cells("wrong")), (right, clips - right));
    let scenes = scenes(&html);
    assert_eq!(
        scenes.len(),
        html.matches("<button type=\"button\" class=\"card\"")
            .count()
    );
    let shown = if right == clips {
        4
    } else {
        (clips - right).min(12)
    };
    assert_eq!(scenes.len() as u64, shown);
    for scene in &scenes {
        let frames = scene["frames"].as_u64().expect("a number");
        let bodies = scene["bodies"].as_array().expect("a list");
        assert!(frames > 0 && !bodies.is_empty());
        assert!(
            bodies
                .iter()
                .all(|b| b["frames"].as_array().map(Vec::len) == Some(frames as usize))
        );
    }
    assert!(
        !html.contains(text(folder.path())),
        "no path of this machine"
    );
    // Elsewhere, of other weights; a run that there is not.
    let out = folder.path().join("last.html");
    must(&[
        "report",
        text(&run),
        "--out",
        text(&out),
        "--checkpoint",
        "last",
        "--device",
        "cpu",
    ]);
    assert!(
        fs::read_to_string(&out)
            .expect("the page")
            .contains("weights of the last checkpoint")
    );
    must_fail(&["report", text(&data)], 1);
    let moved = folder.path().join("moved");
    fs::rename(&data, &moved).expect("moved");
    let error = must_fail(&["report", text(&run)], 1);
    assert!(error.contains(text(&data)), "{error}");
    must(&[
        "report",
        text(&run),
        "--data",
        text(&moved),
        "--device",
        "cpu",
    ]);
    shown_by_a_browser(&html, scenes.len());
}

#[test]
fn of_a_run_whose_names_are_markup() {
    let folder = tempfile::tempdir().expect("a folder");
    let classes = ["<script>alert(1)</script>", "{{script}}\"'&"];
    let layout = Layout {
        joints: (0..15).map(|j| format!("</script><b>{j}")).collect(),
        ..Layout::sbu15()
    };
    let data = folder.path().join("data");
    let mut collection = Collection::create(&data, &layout, &classes).expect("a folder");
    for clip in 0..24usize {
        let split = if clip < 16 { "train" } else { "test" };
        let array: Vec<f32> = (0..10 * 15 * 3)
            .map(|at| ((at * (clip + 1)) % 17) as f32 * 0.1)
            .collect();
        let name = format!("<img onerror=alert({clip})>");
        let about = About::in_split(split);
        collection
            .add(&name, clip % 2, about, &[10, 15, 3], &array)
            .expect("sound");
    }
    let data = Arc::new(collection.finish().expect("published"));
    let run = folder.path().join("run");
    started(data, &run, &["train.epochs=1", "run.task='<i>task</i>'"])
        .train(&false.into(), &mut |_| {})
        .expect("it trains");
    let html = report(&run);
    for markup in ["<script>alert", "<img", "<b>0", "<i>task"] {
        assert!(!html.contains(markup), "{markup}");
    }
    assert!(html.contains("&lt;i&gt;task") && html.contains("&lt;img onerror=alert("));
    assert!(
        html.contains("{{script}}&quot;&#39;&amp;"),
        "a value is no template"
    );
    assert_eq!(scenes(&html)[0]["joints"][3], "</script><b>3");
}

/// A tiny run that has begun.
fn started(data: Arc<Prepared>, run: &Path, more: &[&str]) -> sinew::train::Session {
    let tiny = [
        "run.protocol=split",
        "model.hidden=8",
        "data.frames=6",
        "train.batch=8",
        "data.test_clips=1",
    ];
    let settings = settings::written(Preset::Sinew, &[&tiny[..], more].concat());
    let mut options = TrainOptions::new(data.folder(), run, settings);
    options.device = Choice::Cpu;
    start(&options, &mut |_| {}).expect("it starts")
}

/// Waves of two kinds; `test` of 12 clips test.
fn waves(folder: &Path, test: usize) -> Arc<Prepared> {
    let layout = Layout::sbu15();
    let mut collection = Collection::create(folder, &layout, &["a", "b"]).expect("a folder");
    for clip in 0..12usize {
        let split = if clip < test { "test" } else { "train" };
        let array: Vec<f32> = (0..8 * 15 * 3)
            .map(|at| ((at * (clip + 3)) % 13) as f32 * 0.1)
            .collect();
        let about = About::in_split(split);
        collection
            .add(&format!("{clip}"), clip % 2, about, &[8, 15, 3], &array)
            .expect("sound");
    }
    Arc::new(collection.finish().expect("published"))
}

#[test]
fn of_a_run_that_has_just_begun() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    drop(started(
        waves(&folder.path().join("data"), 4),
        &run,
        &["train.epochs=4"],
    ));
    let html = report(&run);
    assert!(html.contains("No epoch is finished yet"), "it says so");
    assert!(html.contains("0 of 4 epochs") && html.contains("weights of the last checkpoint"));
    assert_eq!(html.matches("<figure class=\"chart\">").count(), 0);
    assert!(!scenes(&html).is_empty());
    shown_by_a_browser(&html, scenes(&html).len());
}

#[test]
fn of_a_run_without_test_clips_and_with_a_loss_that_is_no_number() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    let settings = ["train.epochs=4", "train.validation=0"];
    started(waves(&folder.path().join("data"), 0), &run, &settings)
        .train(&false.into(), &mut |_| {})
        .expect("it trains");
    let metrics = run.join("metrics.jsonl");
    let lines = fs::read_to_string(&metrics).expect("metrics");
    let lost = |(at, line): (usize, &str)| {
        let mut value: Value = serde_json::from_str(line).expect("JSON");
        if at == 1 {
            value["loss"] = Value::Null;
        }
        format!("{value}\n")
    };
    let mut lines: String = lines.lines().enumerate().map(lost).collect();
    // What a kill leaves of a line.
    lines += "{\"epoch\":5,\"st";
    fs::write(&metrics, lines).expect("written");
    let html = report(&run);
    assert!(html.contains("Not finite in epoch 2."), "it says so");
    assert!(html.contains("no test clips"), "it says so");
    let path = html
        .split_once("<path class=\"line s0\" d=\"")
        .expect("a line")
        .1;
    let path = path.split_once('"').expect("an end").0;
    assert_eq!(path.matches('M').count(), 2, "the line is broken: {path}");
    shown_by_a_browser(&html, 0);
}

/// Shows the page in Chromium, if it is there, by day and by night, as wide as a desk and as a phone: no error, nothing
/// that reaches beyond the width, and every clip plays.
fn shown_by_a_browser(html: &str, clips: usize) {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let there = |name: &&&str| Command::new(name).arg("--version").output().is_ok();
    let Some(browser) = names.iter().find(there) else {
        println!("skipped: there is no Chromium to show the page in");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let watched = "<head><script>window.found = []; onerror = (what) => { found.push(what); };\
                   addEventListener('securitypolicyviolation', (e) => found.push(e.violatedDirective));</script>";
    let page = html
        .replacen("<head>", watched, 1)
        .replace('&', "&amp;")
        .replace('"', "&quot;");
    let frame = |width: u32| {
        format!("<iframe width=\"{width}\" height=\"800\" srcdoc=\"{page}\"></iframe>")
    };
    let wrapper = format!(
        "<!doctype html><body>{}{}<pre></pre><script>{SCRIPT}</script>",
        frame(1280),
        frame(390)
    );
    let file = folder.path().join("wrapper.html");
    fs::write(&file, wrapper).expect("written");
    let mut papers = Vec::new();
    for scheme in [0, 1] {
        let output = Command::new(browser)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--virtual-time-budget=5000",
                "--dump-dom",
            ])
            .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
            .arg(format!(
                "--user-data-dir={}",
                folder.path().join("profile").display()
            ))
            .arg(format!("file://{}", file.display()))
            .output()
            .expect("it runs");
        let dom = String::from_utf8_lossy(&output.stdout).into_owned();
        let told = dom
            .split_once("<pre>")
            .and_then(|(_, rest)| rest.split_once("</pre>"));
        let told = told.expect("what the page found").0;
        let told: Value = serde_json::from_str(told).expect(told);
        let sides = told.as_array().expect("a list");
        assert_eq!(sides.len(), 2);
        for side in sides {
            assert_eq!(side["errors"], serde_json::json!([]));
            assert_eq!(
                side["reach"], side["width"],
                "nothing reaches beyond the width"
            );
            assert_eq!(
                side["played"].as_u64(),
                Some(clips as u64),
                "every clip plays"
            );
            assert_eq!(side["pointed"], true, "a chart tells what is pointed at");
        }
        papers.push(sides[0]["paper"].clone());
    }
    assert_ne!(papers[0], papers[1], "day and night");
}

/// Points at every chart, plays every clip and says what came of it.
const SCRIPT: &str = r##"
onload = () => setTimeout(() => {
  const told = [...document.querySelectorAll("iframe")].map(({ contentWindow: view, contentDocument: page }) => {
    const root = page.documentElement;
    const pointed = [...page.querySelectorAll(".chart")].every((chart) => {
      const svg = chart.querySelector("svg");
      const { left, top } = svg.getBoundingClientRect();
      svg.dispatchEvent(new view.PointerEvent("pointermove", { clientX: left + 70, clientY: top + 50, bubbles: true }));
      return chart.querySelector(".readout").textContent.startsWith("Epoch 1:")
        && view.getComputedStyle(chart.querySelector(".at")).visibility === "visible";
    });
    const played = [...page.querySelectorAll(".card")].filter((card) => {
      card.click();
      const name = card.querySelector(".clip").textContent;
      return card.getAttribute("aria-pressed") === "true"
        && page.querySelector("#playing").textContent.startsWith(name)
        && page.querySelector(".player .play").textContent === "Pause"
        && page.querySelectorAll(".player .bodies li").length > 0;
    }).length;
    for (const details of page.querySelectorAll("details")) details.open = true;
    return { errors: view.found, width: root.clientWidth, reach: root.scrollWidth, played, pointed,
      paper: view.getComputedStyle(page.body).backgroundColor };
  });
  document.querySelector("pre").textContent = JSON.stringify(told);
}, 300);
"##;
