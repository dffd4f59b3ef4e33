//! The HTML report of a run.

use std::fmt::Write;

use toml::{Table, Value};

use super::RunFacts;
use super::classes;
use super::clips::worst_clips;
use super::curves::charts;
use super::number::{NONE, or_none, percent, short};
use crate::error::Result;
use crate::evaluate::Evaluation;
use crate::limits::SHOWN_EPOCHS;
use crate::report::clip::player;
use crate::report::html::{BASE, escape, fill};
use crate::train::EpochMetrics;

/// A self-contained HTML report of a run.
///
/// # Errors
/// If a test clip cannot be read.
pub fn page(facts: &RunFacts<'_>) -> Result<String> {
    let settings = facts.settings;
    let shown = thinned(facts.metrics);
    let (curves, data) = charts(&shown, facts.timing);
    let epochs = if shown.is_empty() {
        "<p>No epoch is finished yet.</p>".into()
    } else {
        let note = match facts.metrics.len() {
            all if all > shown.len() => {
                format!("<p>Showing {} of {all} epochs.</p>\n", shown.len())
            }
            _ => String::new(),
        };
        let table = table(&shown);
        format!("{note}<div class=\"charts\">\n{curves}</div>\n{table}")
    };
    let (tested, scenes) = match &facts.tested {
        Some(tested) => test_section(tested)?,
        None => (
            "<section><h2>Test clips</h2><p>The protocol has no test clips in this data.</p></section>".into(),
            String::new(),
        ),
    };
    let done = facts.metrics.last().map_or(0, |m| m.epoch);
    let about = format!(
        "protocol {}, {done} of {} epochs, preset {}",
        settings.run.protocol, settings.train.epochs, settings.run.preset
    );
    let task = if settings.run.task.is_empty() {
        "Training run"
    } else {
        &settings.run.task
    };
    Ok(fill(
        include_str!("page.html"),
        &[
            ("task", &escape(task)),
            ("about", &escape(&about)),
            ("base", BASE),
            ("player style", player::STYLE),
            ("style", include_str!("page.css")),
            ("tiles", &tiles(facts)),
            ("epochs", &epochs),
            ("tested", &tested),
            ("settings", &settings_list(facts)?),
            ("curves", &data),
            ("scenes", &scenes),
            ("player script", player::SCRIPT),
            ("script", include_str!("page.js")),
        ],
    ))
}

/// At most [`SHOWN_EPOCHS`] evenly spaced epochs, plus the best and the last.
fn thinned(metrics: &[EpochMetrics]) -> Vec<EpochMetrics> {
    let every = metrics.len().div_ceil(SHOWN_EPOCHS).max(1);
    let best = metrics.iter().rposition(chosen);
    let shown =
        |at: &usize| at.is_multiple_of(every) || Some(*at) == best || at + 1 == metrics.len();
    let shown = (0..metrics.len()).filter(shown);
    shown.map(|at| metrics[at].clone()).collect()
}

/// The headline numbers.
fn tiles(facts: &RunFacts<'_>) -> String {
    let mut tiles = Vec::new();
    if let Some(Evaluation { report, .. }) = facts.tested {
        tiles.extend([
            ("top-1", percent(report.top1)),
            ("top-5", percent(report.top5)),
            ("mean class accuracy", percent(report.mean_class)),
            ("loss", short(report.loss)),
            ("test clips", report.clips.to_string()),
        ]);
    }
    if let Some(best) = facts.metrics.iter().rev().find(|m| chosen(m)) {
        tiles.push(("best epoch", best.epoch.to_string()));
    }
    let tile = |(name, value): &(&str, String)| {
        format!("<div><dt>{name}</dt><dd>{}</dd></div>\n", escape(value))
    };
    tiles.iter().map(tile).collect()
}

/// Whether an epoch was the best on the validation split. Without one, every epoch is marked as best, which means nothing.
fn chosen(epoch: &EpochMetrics) -> bool {
    epoch.best && epoch.validation_top1.is_some()
}

/// The table of epochs.
fn table(metrics: &[EpochMetrics]) -> String {
    let mut rows = String::new();
    for m in metrics {
        // Writing to a string cannot fail.
        let _ = writeln!(
            rows,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            m.epoch,
            m.step,
            short(m.lr),
            short(m.loss),
            percent(m.accuracy),
            or_none(m.validation_loss, short),
            or_none(m.validation_top1, percent),
            if chosen(m) { "best so far" } else { "" },
        );
    }
    format!(
        "<details><summary>Table of all epochs</summary>\n<div class=\"wide\" tabindex=\"0\"><table>\n<thead><tr><th>epoch</th>\
         <th>step</th><th>learning rate</th><th>training loss</th><th>training top-1</th><th>validation loss</th>\
         <th>validation top-1</th><th></th></tr></thead>\n<tbody>{rows}</tbody></table></div></details>\n"
    )
}

/// The section on the test clips, and the scenes of the clips that it shows.
fn test_section(tested: &Evaluation) -> Result<(String, String)> {
    let worst = worst_clips(tested)?;
    let pairs = classes::pairs(&tested.report);
    let pairs = if pairs.is_empty() {
        String::new()
    } else {
        format!("<h3>Most frequent confusions</h3>\n<ol class=\"pairs\">\n{pairs}</ol>\n")
    };
    let html = fill(
        include_str!("tested.html"),
        &[
            ("weights", &escape(&tested.checkpoint.to_string())),
            ("protocol", &escape(&tested.protocol.to_string())),
            ("lead", &escape(&worst.lead)),
            ("cards", &worst.cards),
            ("player", &player::markup("")),
            ("classes", &classes::list(&tested.report)),
            ("matrix", &classes::matrix(&tested.report)),
            ("pairs", &pairs),
        ],
    );
    Ok((html, worst.scenes))
}

/// Device and settings, one list per section.
fn settings_list(facts: &RunFacts<'_>) -> Result<String> {
    let settings = facts.settings;
    let mut shown = settings.clone();
    // Only the name of the data folder: a full path means nothing on another machine.
    let data = std::path::Path::new(&settings.run.data);
    shown.run.data = data
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut device = vec![
        ("trained on", settings.run.device.to_string()),
        ("kernel plan", settings.run.plan.to_string()),
        ("precision", settings.train.precision.name().to_string()),
    ];
    device.extend(facts.tested.iter().map(|tested| {
        let line = tested.device.trim_start_matches("device: ");
        ("tested on", line.to_string())
    }));
    let rows = device
        .into_iter()
        .map(|(key, value)| (key.to_string(), value));
    let mut html = list("Device", rows.collect());
    let table: Table = toml::from_str(&shown.to_toml()?).unwrap_or_default();
    for (section, values) in &table {
        let Value::Table(values) = values else {
            continue;
        };
        let rows = values.iter().map(|(key, value)| (key.clone(), text(value)));
        html += &list(section, rows.collect());
    }
    Ok(html)
}

fn list(title: &str, rows: Vec<(String, String)>) -> String {
    let row = |(key, value): &(String, String)| {
        format!("<dt>{}</dt><dd>{}</dd>\n", escape(key), escape(value))
    };
    let rows: String = rows.iter().map(row).collect();
    format!(
        "<section><h3>{}</h3><dl>\n{rows}</dl></section>\n",
        escape(title)
    )
}

/// The value of a setting, without TOML's quotes.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => NONE.into(),
        Value::String(text) => text.clone(),
        Value::Float(x) => short(*x),
        Value::Array(all) => all.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_epochs_are_thinned() {
        let epoch = |epoch: usize| EpochMetrics {
            epoch,
            step: epoch,
            lr: 0.1,
            loss: 1.0,
            accuracy: 0.5,
            validation_top1: Some(0.5),
            validation_loss: None,
            best: epoch == 12_346,
        };
        let all: Vec<EpochMetrics> = (1..=1_000_000).map(epoch).collect();
        let shown: Vec<usize> = thinned(&all).iter().map(|m| m.epoch).collect();
        assert!(shown.len() <= SHOWN_EPOCHS + 2, "{}", shown.len());
        for kept in [1, 12_346, 1_000_000] {
            assert!(shown.contains(&kept), "{kept}");
        }
        assert_eq!(thinned(&all[..SHOWN_EPOCHS]).len(), SHOWN_EPOCHS);
    }
}
