//! Charts over the epochs. They work without JavaScript; with it, pointing at a chart shows the values of an epoch.
//!
//! The SVG is written directly: a plotting crate such as plotters would add dependencies and could not share the colours and
//! the script of the page.

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::json;

use super::number::{NONE, or_none, percent, short};
use crate::report::html::{escape, script_safe};
use crate::train::{EpochMetrics, EpochTiming};

/// A line of a chart: one value per epoch, `None` if there is none.
struct Series {
    name: &'static str,
    values: Vec<Option<f64>>,
}

/// A chart over the epochs.
struct Chart {
    title: &'static str,
    show: fn(f64) -> String,
    /// Values that the vertical axis always includes.
    holds: Vec<f64>,
    series: Vec<Series>,
}

// The size of a chart, and the area of the lines in it.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 466.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 208.0;
/// Maximum number of values of a line for which dots are drawn.
const DOTS: usize = 40;

/// The charts of a run, and their values as JSON for the script.
pub(super) fn charts(metrics: &[EpochMetrics], timing: &[EpochTiming]) -> (String, String) {
    let of = |name, value: &dyn Fn(&EpochMetrics) -> Option<f64>| Series {
        name,
        values: metrics.iter().map(value).collect(),
    };
    let times: HashMap<usize, &EpochTiming> = timing.iter().rev().map(|t| (t.epoch, t)).collect();
    let timed = |value: &dyn Fn(&EpochTiming) -> f64| {
        let at = |m: &EpochMetrics| times.get(&m.epoch).map(|t| value(t));
        metrics.iter().map(at).collect()
    };
    let charts = [
        Chart {
            title: "Training loss",
            show: short,
            holds: vec![0.0],
            series: vec![of("training", &|m| Some(m.loss))],
        },
        Chart {
            title: "Validation loss",
            show: short,
            holds: vec![0.0],
            series: vec![of("validation", &|m| m.validation_loss)],
        },
        Chart {
            title: "Accuracy (top-1)",
            show: percent,
            holds: vec![0.0, 1.0],
            series: [
                of("training", &|m| Some(m.accuracy)),
                of("validation", &|m| m.validation_top1),
            ]
            .into_iter()
            .filter(|series| series.values.iter().any(Option::is_some))
            .collect(),
        },
        Chart {
            title: "Learning rate",
            show: short,
            holds: vec![0.0],
            series: vec![of("learning rate", &|m| Some(m.lr))],
        },
        Chart {
            title: "Training speed (clips/s)",
            show: short,
            holds: vec![0.0],
            series: vec![Series {
                name: "clips/s",
                values: timed(&|t| t.samples_per_s),
            }],
        },
        Chart {
            title: "Data-wait time",
            show: percent,
            holds: vec![0.0, 0.01],
            series: vec![Series {
                name: "share of the step",
                values: timed(&|t| t.data_wait),
            }],
        },
    ];
    let epochs: Vec<usize> = metrics.iter().map(|m| m.epoch).collect();
    let drawn: Vec<&Chart> = charts.iter().filter(|chart| chart.has_values()).collect();
    let html = drawn.iter().map(|chart| chart.draw(&epochs)).collect();
    let values: Vec<_> = drawn.iter().map(|chart| chart.readouts(&epochs)).collect();
    let data =
        json!({ "epochs": epochs, "left": LEFT, "right": RIGHT, "width": WIDTH, "charts": values });
    (html, script_safe(&data.to_string()))
}

impl Chart {
    fn has_values(&self) -> bool {
        self.series
            .iter()
            .any(|series| series.values.iter().any(Option::is_some))
    }

    /// The text below the chart for each epoch.
    fn readouts(&self, epochs: &[usize]) -> Vec<String> {
        let of = |(at, epoch): (usize, &usize)| {
            let each = self.series.iter().map(|series| {
                let value = series.values.get(at).copied().flatten();
                format!("{} {}", series.name, or_none(value, self.show))
            });
            let each: Vec<String> = each.collect();
            format!("Epoch {epoch}: {}", each.join(", "))
        };
        epochs.iter().enumerate().map(of).collect()
    }

    fn draw(&self, epochs: &[usize]) -> String {
        let (first, last) = (
            epochs.first().copied().unwrap_or(1),
            epochs.last().copied().unwrap_or(1),
        );
        let across = |epoch: usize| {
            let share = (epoch - first) as f64 / (last - first).max(1) as f64;
            if first == last {
                (LEFT + RIGHT) / 2.0
            } else {
                LEFT + share * (RIGHT - LEFT)
            }
        };
        let values = self.series.iter().flat_map(|s| &s.values);
        let finite = values
            .filter_map(|v| *v)
            .filter(|v| v.is_finite())
            .chain(self.holds.iter().copied());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
        let ticks = ticks(low, high);
        let (low, high) = (
            ticks.first().map_or(low, |t| t.min(low)),
            ticks.last().map_or(high, |t| t.max(high)),
        );
        let up = |value: f64| BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP);
        // Writing to a string cannot fail.
        let mut svg = format!(
            "<figure class=\"chart\"><figcaption>{}{}</figcaption>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-label=\"{}, epochs {first} to {last}\">\n",
            escape(self.title),
            self.key(),
            escape(self.title),
        );
        for tick in ticks {
            let y = up(tick);
            let _ = writeln!(
                svg,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/><text class=\"up\" x=\"{}\" y=\"{:.1}\">{}</text>",
                LEFT - 8.0,
                y + 5.0,
                (self.show)(tick).replace(".0\u{a0}%", "\u{a0}%")
            );
        }
        for epoch in across_ticks(first, last) {
            let _ = writeln!(
                svg,
                "<text class=\"across\" x=\"{:.1}\" y=\"{}\">{epoch}</text>",
                across(epoch),
                BOTTOM + 20.0
            );
        }
        let _ = writeln!(
            svg,
            "<text class=\"across name\" x=\"{}\" y=\"{}\">epoch</text>\n<path class=\"at\" d=\"M0 {TOP}V{BOTTOM}\"/>",
            (LEFT + RIGHT) / 2.0,
            HEIGHT - 6.0
        );
        for (index, series) in self.series.iter().enumerate() {
            let points: Vec<Option<[f64; 2]>> = epochs
                .iter()
                .zip(&series.values)
                // Epochs without validation are skipped by the line; values that are not finite interrupt it.
                .filter_map(|(epoch, value)| {
                    let value = (*value)?;
                    Some(value.is_finite().then(|| [across(*epoch), up(value)]))
                })
                .collect();
            let _ = writeln!(
                svg,
                "<path class=\"line s{index}\" d=\"{}\"/>",
                line(&points)
            );
            let dots = points.iter().flatten().count() <= DOTS;
            for [x, y] in points.iter().flatten().filter(|_| dots) {
                let _ = write!(
                    svg,
                    "<circle class=\"s{index}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>"
                );
            }
        }
        let lost: Vec<String> = epochs
            .iter()
            .enumerate()
            .filter(|(at, _)| {
                let value = |s: &Series| s.values.get(*at).copied().flatten();
                self.series
                    .iter()
                    .any(|s| value(s).is_some_and(|v| !v.is_finite()))
            })
            .map(|(_, epoch)| epoch.to_string())
            .collect();
        svg += "</svg>\n";
        let newest = self.readouts(epochs).pop().unwrap_or_else(|| NONE.into());
        let _ = writeln!(svg, "<p class=\"readout\">{}</p>", escape(&newest));
        if !lost.is_empty() {
            let _ = writeln!(
                svg,
                "<p class=\"lost\">Not finite in epoch {}.</p>",
                lost.join(", ")
            );
        }
        svg + "</figure>\n"
    }

    /// The legend of a chart with several lines.
    fn key(&self) -> String {
        if self.series.len() < 2 {
            return String::new();
        }
        let of = |(index, series): (usize, &Series)| {
            format!(" <span class=\"s{index}\">{}</span>", escape(series.name))
        };
        self.series.iter().enumerate().map(of).collect()
    }
}

/// A path through points, with gaps at missing ones.
fn line(points: &[Option<[f64; 2]>]) -> String {
    let mut path = String::new();
    let mut pen = 'M';
    for point in points {
        match point {
            Some([x, y]) => {
                let _ = write!(path, "{pen}{x:.1} {y:.1}");
                pen = 'L';
            }
            None => pen = 'M',
        }
    }
    path
}

/// Three to seven round values that span a range.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let span = high - low;
    if !(span.is_finite() && span > 0.0) {
        return vec![0.0, 1.0];
    }
    let decade = 10f64.powf((span / 5.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * decade)
        .into_iter()
        .find(|step| span / step <= 5.0)
        .unwrap_or(span);
    let (from, to) = ((low / step).floor() as i64, (high / step).ceil() as i64);
    (from..=to).map(|n| n as f64 * step).collect()
}

/// At most eight round epochs, including the first one or one near it.
fn across_ticks(first: usize, last: usize) -> Vec<usize> {
    let mut step = 1;
    for factor in [2, 5, 10].iter().cycle() {
        if (last - first) / step < 7 {
            break;
        }
        let decade = 10usize.pow(step.ilog10());
        step = decade * factor;
    }
    let rounds = (first..=last).filter(|epoch| epoch.is_multiple_of(step));
    let mut ticks: Vec<usize> = rounds.collect();
    if ticks.first().is_none_or(|tick| tick - first > step / 2) {
        ticks.insert(0, first);
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_range() {
        assert_eq!(ticks(0.0, 2.08), [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]);
        assert_eq!(ticks(0.0, 1.0).len(), 6);
        assert_eq!(ticks(0.0, 0.0), [0.0, 1.0]);
        assert_eq!(ticks(f64::NAN, f64::NAN), [0.0, 1.0]);
        assert_eq!(across_ticks(1, 1), [1]);
        assert_eq!(across_ticks(1, 60), [1, 10, 20, 30, 40, 50, 60]);
    }

    #[test]
    fn missing_points_interrupt_the_line() {
        let points = [Some([0.0, 1.0]), Some([1.0, 1.0]), None, Some([3.0, 1.0])];
        assert_eq!(line(&points), "M0.0 1.0L1.0 1.0M3.0 1.0");
    }
}
