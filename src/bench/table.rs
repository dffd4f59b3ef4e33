//! Converts the JSON of `scripts/gpu_check` to Markdown.

use crate::text::counted;
use serde_json::Value;
use std::fmt::Write;

/// Formats the results as Markdown. Parts that failed or were skipped are `null`; missing values are shown as a dash.
#[must_use]
pub fn markdown(all: &Value) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, all);
    text
}

fn write(text: &mut String, all: &Value) -> std::fmt::Result {
    let (check, kernels, train) = (&all["check"], &all["kernels"], &all["train"]);
    let any = [kernels, check, train]
        .into_iter()
        .find(|part| !part.is_null());
    let any = any.unwrap_or(&Value::Null);
    let of = |key: &str| string(&any[key]);
    writeln!(
        text,
        "## {} ({}, {})\n",
        of("device"),
        of("backend"),
        of("driver")
    )?;
    if let Some(rows) = check["rows"].as_array() {
        let wrong = rows.iter().filter(|row| row["ok"] != true).count();
        let worst = rows.iter().filter_map(|row| row["error"].as_f64());
        writeln!(
            text,
            "{} of kernels against their CPU twins and of gradients against the CPU engine: {}; largest relative error \
             {:.1e}.",
            counted(rows.len(), "check"),
            if wrong == 0 {
                "all passed".into()
            } else {
                format!("**{wrong} failed**")
            },
            worst.fold(0.0, f64::max),
        )?;
    }
    if let Some(worst) = all["losses"]["worst"].as_f64() {
        writeln!(
            text,
            "The losses of a small run differ from those of the CPU engine by at most {worst:.1e}."
        )?;
    }
    if let (Some(bandwidth), Some(rate), Some(product)) = (
        kernels["bandwidth_gb_s"].as_f64(),
        kernels["rate_gflops"].as_f64(),
        kernels["product_gflops"].as_f64(),
    ) {
        writeln!(
            text,
            "Measured peaks: {bandwidth:.0} GB/s, {rate:.0} GFLOP/s in f32; {product:.0} GFLOP/s for Burn's largest matrix \
             product."
        )?;
    }
    let peer = [&all["torch_kernels"], &all["torch_train"]];
    if let Some(peer) = peer.into_iter().find(|part| !part.is_null()) {
        let of = |key: &str| string(&peer[key]);
        writeln!(
            text,
            "PyTorch: {} on {} ({}).",
            of("driver"),
            of("device"),
            of("backend")
        )?;
    }
    layers(text, kernels, &all["torch_kernels"])?;
    steps(text, train, &all["torch_train"])?;
    left_out(text, all)
}

/// The table of layers, with PyTorch's rows after ours of the same shape.
fn layers(text: &mut String, ours: &Value, torch: &Value) -> std::fmt::Result {
    let Some(rows) = ours["rows"].as_array() else {
        return Ok(());
    };
    let nothing = Vec::new();
    let theirs = torch["rows"].as_array().unwrap_or(&nothing);
    writeln!(
        text,
        "\nLSTM layers, device time in milliseconds, median [p10, p90]. Roofline: the minimum time that memory traffic and \
         arithmetic need at the measured peaks, as a fraction of the time of the layer.\n\n\
         | layer | batch | steps | input | hidden | groups | | forward | backward | GFLOP/s | roofline | speed vs. Burn | speed vs. PyTorch | error |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    )?;
    let same = |a: &Value, b: &Value| {
        ["layer", "batch", "steps", "inputs", "hidden", "directions"]
            .iter()
            .all(|k| a[k] == b[k])
    };
    let both = |row: &Value| Some(row["forward_ms"].as_f64()? + row["backward_ms"].as_f64()?);
    let mut shown: Vec<&Value> = Vec::new();
    for first in rows {
        if shown.iter().any(|row| same(row, first)) {
            continue;
        }
        shown.push(first);
        let of_shape = |list: &'_ [Value]| -> Vec<Value> {
            list.iter()
                .filter(|row| same(row, first))
                .cloned()
                .collect()
        };
        let (mine, peers) = (of_shape(rows), of_shape(theirs));
        let burn = mine.iter().find(|row| row["name"] == "burn").and_then(both);
        let peer = peers.first().and_then(both);
        for row in mine.iter().chain(&peers) {
            let of = |key: &str| string(&row[key]);
            let speed = |other: Option<f64>, own: &str| match (other, both(row)) {
                (Some(other), Some(time)) if row["name"] != own => format!("{:.2}×", other / time),
                _ => "–".into(),
            };
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} {} {} | {} | {} | {} | {} | {} | {} | {} |",
                of("layer"),
                of("batch"),
                of("steps"),
                of("input"),
                of("hidden"),
                of("groups"),
                of("name"),
                of("plan"),
                of("dtype"),
                timed(row, "forward"),
                timed(row, "backward"),
                number(&row["gflops"], 1),
                number(&row["of_floor"], 3),
                speed(burn, "burn"),
                speed(peer, "torch"),
                error(row),
            )?;
        }
    }
    Ok(())
}

/// The error of a row. An infinite error, also used for NaN, is `null` in JSON.
fn error(row: &Value) -> String {
    let wrong = if row["ok"] == false { " FAILED" } else { "" };
    match row["max_error"].as_f64() {
        Some(error) => format!("{error:.1e}{wrong}"),
        None if wrong.is_empty() => "–".into(),
        None => wrong.trim().into(),
    }
}

/// The table of training steps, with PyTorch's row after ours of the same variant.
fn steps(text: &mut String, ours: &Value, torch: &Value) -> std::fmt::Result {
    let Some(rows) = ours["rows"].as_array().filter(|rows| !rows.is_empty()) else {
        return Ok(());
    };
    let nothing = Vec::new();
    let theirs = torch["rows"].as_array().unwrap_or(&nothing);
    writeln!(
        text,
        "\nTraining step, preset `{}`, {} frames, hidden {} and {}; median [p10, p90].\n\n\
         | variant | batch | | clips/s | step, ms | data wait | GFLOP/s | speed vs. PyTorch |\n\
         |---|---|---|---|---|---|---|---|",
        string(&ours["preset"]),
        string(&rows[0]["frames"]),
        string(&rows[0]["hidden"]),
        string(&rows[0]["part_hidden"]),
    )?;
    for first in rows {
        let same =
            |row: &&Value| row["variant"] == first["variant"] && row["batch"] == first["batch"];
        let peers: Vec<&Value> = theirs.iter().filter(same).collect();
        let peer = peers.first().and_then(|row| row["step_ms"].as_f64());
        for row in std::iter::once(first).chain(peers) {
            let of = |key: &str| string(&row[key]);
            let speed = match (peer, row["step_ms"].as_f64()) {
                (Some(peer), Some(time)) if row["name"] != "torch" => {
                    format!("{:.2}×", peer / time)
                }
                _ => "–".into(),
            };
            let waited = row["data_wait"].as_f64();
            writeln!(
                text,
                "| {} | {} | {} {} {} | {} {} | {} {} | {} | {} | {speed} |",
                of("variant"),
                of("batch"),
                of("name"),
                of("plan"),
                of("dtype"),
                number(&row["clips_per_s"], 1),
                spread(&row["clips_per_s_spread"], 1),
                number(&row["step_ms"], 2),
                spread(&row["step_spread"], 2),
                waited.map_or("–".into(), |share| format!("{:.1} %", share * 100.0)),
                number(&row["gflops"], 1),
            )?;
        }
    }
    Ok(())
}

/// The list of skipped measurements, with reasons.
fn left_out(text: &mut String, all: &Value) -> std::fmt::Result {
    let mut lines = Vec::new();
    for part in ["kernels", "train", "torch_kernels", "torch_train"] {
        for left in all[part]["left_out"].as_array().into_iter().flatten() {
            let known = ["name", "plan", "layer", "variant", "dtype"].map(|k| &left[k]);
            let words: Vec<_> = known
                .into_iter()
                .filter(|v| !v.is_null())
                .map(string)
                .collect();
            let size = left["batch"].as_u64().filter(|_| left["layer"].is_string());
            let size = size.map_or(String::new(), |batch| format!(" batch {batch}"));
            lines.push(format!(
                "- {}{size}: {}",
                words.join(" "),
                string(&left["reason"])
            ));
        }
    }
    for note in all["notes"].as_array().into_iter().flatten() {
        lines.push(format!("- {}", string(note)));
    }
    if !lines.is_empty() {
        writeln!(text, "\nSkipped:\n\n{}", lines.join("\n"))?;
    }
    Ok(())
}

/// A value as text; a dash for null.
fn string(value: &Value) -> String {
    match value {
        Value::Null => "–".into(),
        Value::String(text) => text.replace('|', "/"),
        other => other.to_string(),
    }
}

fn number(value: &Value, digits: usize) -> String {
    value
        .as_f64()
        .map_or("–".into(), |x| format!("{x:.digits$}"))
}

/// `[a, b]`.
fn spread(value: &Value, digits: usize) -> String {
    format!(
        "[{}, {}]",
        number(&value[0], digits),
        number(&value[1], digits)
    )
}

/// Median and spread of a pass, with a precision that suits the median.
fn timed(row: &Value, pass: &str) -> String {
    let median = &row[format!("{pass}_ms")];
    let digits = match median.as_f64() {
        Some(ms) if ms >= 100.0 => 0,
        Some(ms) if ms >= 10.0 => 1,
        Some(ms) if ms >= 1.0 => 2,
        _ => 3,
    };
    let around = spread(&row[format!("{pass}_spread")], digits);
    format!("{} {around}", number(median, digits))
}
