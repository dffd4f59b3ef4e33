//! Results by class: accuracies, frequent confusions, and the confusion matrix.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::number::percent;
use crate::limits::{DRAWN_CLASSES, LISTED_CLASSES};
use crate::report::html::escape;
use crate::scores::Report;
use crate::text::{counted, truncated};

/// Number of confusions in the list.
const PAIRS: usize = 10;
/// Maximum number of classes of a matrix with names and counts.
const NAMED: usize = 20;
/// Limit on the characters of a name next to the matrix.
const NAME: usize = 32;
/// Limit on the characters of a name elsewhere on the page.
const LONG_NAME: usize = 200;

/// One row per class, sorted by accuracy, lowest first.
pub(super) fn list(report: &Report) -> String {
    let mut rows: Vec<(usize, f64)> = report
        .classes
        .iter()
        .enumerate()
        .filter_map(|(class, row)| Some((class, row.accuracy?)))
        .collect();
    rows.sort_by(|a, b| a.1.total_cmp(&b.1));
    let more = rows.len().saturating_sub(LISTED_CLASSES);
    rows.truncate(LISTED_CLASSES);
    let mut html = String::new();
    for (class, accuracy) in rows {
        let name = name(report, class);
        let mistaken = report.confusion.mistakes(class).into_iter().next();
        let mistaken = mistaken.map_or(String::new(), |(other, clips)| {
            format!("; {clips} predicted as {}", self::name(report, other))
        });
        let clips = counted(report.classes[class].clips, "clip");
        // Writing to a string cannot fail.
        let _ = writeln!(
            html,
            "<li><b>{name}</b> <span>{}</span><div class=\"bar\"><i style=\"width:{:.1}%\"></i></div>\
             <small>class {}; {clips}{mistaken}</small></li>",
            percent(accuracy),
            accuracy * 100.0,
            class + 1,
        );
    }
    if more > 0 {
        let _ = writeln!(html, "<li>and {more} more with higher accuracy</li>");
    }
    html
}

/// The name of a class, escaped.
fn name(report: &Report, class: usize) -> String {
    let name = report.classes.get(class).map_or("", |row| &row.name);
    escape(&truncated(name, LONG_NAME))
}

/// The most frequent confusions.
pub(super) fn pairs(report: &Report) -> String {
    let mut pairs: Vec<(usize, usize, usize)> = (0..report.classes.len())
        .flat_map(|class| {
            let each = report.confusion.mistakes(class).into_iter();
            each.map(move |(other, clips)| (class, other, clips))
        })
        .collect();
    pairs.sort_by_key(|(_, _, clips)| std::cmp::Reverse(*clips));
    pairs.truncate(PAIRS);
    let name = |class: usize| name(report, class);
    let row = |&(class, other, clips): &(usize, usize, usize)| {
        let of = counted(report.classes[class].clips, "clip");
        format!(
            "<li><b>{}</b> predicted as <b>{}</b>: {clips} of {of}</li>\n",
            name(class),
            name(other)
        )
    };
    pairs.iter().map(row).collect()
}

/// The confusion matrix as SVG, without classes that have neither clips nor predictions.
pub(super) fn matrix(report: &Report) -> String {
    let confusion = &report.confusion;
    let pairs = || {
        (0..confusion.classes())
            .flat_map(|class| confusion.row(class).map(move |(other, _)| (class, other)))
    };
    let there: BTreeSet<usize> = pairs().flat_map(|(class, other)| [class, other]).collect();
    let classes: Vec<usize> = there.into_iter().collect();
    if classes.len() > DRAWN_CLASSES {
        return format!(
            "<p>Too many classes to draw ({}). The most frequent confusions are listed below.</p>\n",
            classes.len()
        );
    }
    let named = classes.len() <= NAMED;
    let cell = match classes.len() {
        0..=NAMED => 30.0,
        21..=60 => 13.0,
        _ => 8.0,
    };
    let name = |class: usize| truncated(&report.classes[class].name, LONG_NAME);
    let longest = classes.iter().map(|class| name(*class).chars().count());
    let longest = longest.max().unwrap_or(0).min(NAME) as f64;
    let left = if named { 40.0 + longest * 7.0 } else { 44.0 };
    let top = if named { 28.0 } else { 24.0 };
    let side = cell * classes.len() as f64;
    let (width, height) = (left + side + 2.0, top + side + 2.0);
    let mut svg = format!(
        "<svg class=\"matrix\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" \
         role=\"img\" aria-label=\"Confusion matrix of {}\">\n<rect class=\"paper\" x=\"{left:.1}\" y=\"{top:.1}\" \
         width=\"{side:.1}\" height=\"{side:.1}\"/>\n",
        counted(classes.len(), "class"),
    );
    let every = if named { 1 } else { 5 };
    for (at, class) in classes.iter().enumerate() {
        let middle = (at as f64 + 0.5) * cell + 4.5;
        if at % every == 0 {
            let label = if named {
                format!("{} {}", truncated(&name(*class), NAME), class + 1)
            } else {
                (class + 1).to_string()
            };
            // Writing to a string cannot fail.
            let _ = writeln!(
                svg,
                "<text class=\"row\" x=\"{:.1}\" y=\"{:.1}\">{}</text><text class=\"column\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                left - 8.0,
                top + middle,
                escape(&label),
                left + middle - 4.5,
                top - 7.0,
                class + 1,
            );
        }
    }
    for (y, class) in classes.iter().enumerate() {
        let clips = report.classes[*class].clips;
        for (x, other) in classes.iter().enumerate() {
            let count = confusion.count(*class, *other);
            if count == 0 {
                continue;
            }
            let share = count as f64 / clips.max(1) as f64;
            // Cells with counts stay light enough for the text.
            let shade = if named {
                0.1 + 0.45 * share
            } else {
                0.25 + 0.75 * share
            };
            let (kind, outcome) = if class == other {
                ("right", "correct".to_string())
            } else {
                (
                    "wrong",
                    format!("predicted as {} ({})", name(*other), other + 1),
                )
            };
            let (px, py) = (left + x as f64 * cell, top + y as f64 * cell);
            let title = format!(
                "{} ({}) {outcome}: {count} of {clips}, {}",
                name(*class),
                class + 1,
                percent(share)
            );
            let _ = writeln!(
                svg,
                "<rect class=\"{kind}\" x=\"{px:.1}\" y=\"{py:.1}\" width=\"{cell}\" height=\"{cell}\" \
                 fill-opacity=\"{shade:.2}\"><title>{}</title></rect>",
                escape(&title)
            );
            if named {
                let _ = writeln!(
                    svg,
                    "<text class=\"count\" x=\"{:.1}\" y=\"{:.1}\">{count}</text>",
                    px + cell / 2.0,
                    py + cell / 2.0 + 4.5
                );
            }
        }
    }
    svg + "</svg>\n"
}
