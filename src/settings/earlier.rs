//! Settings that earlier versions wrote: what they mean today. CHANGELOG.md says what is promised about them.

use super::{AUTO, ChainJoints, Preset};
use toml::{Table, Value};

/// The value by which earlier versions left a setting open, before there was `auto`.
fn sentinel(key: &str) -> Option<Value> {
    match key {
        "model.hidden" | "model.part_hidden" | "data.frames" | "train.batch" | "train.epochs" => {
            Some(Value::Integer(0))
        }
        "train.validation" => Some(Value::Float(-1.0)),
        "data.scale" => Some(Value::Float(0.0)),
        "run.task" | "run.data" | "run.checksum" | "run.protocol" | "run.device" | "run.plan" => {
            Some(Value::String(String::new()))
        }
        _ => None,
    }
}

/// Whether a value is the sentinel, a whole number standing for the fraction.
fn is_sentinel(value: &Value, sentinel: &Value) -> bool {
    match (value, sentinel) {
        (Value::Integer(n), Value::Float(x)) => *n as f64 == *x,
        _ => value == sentinel,
    }
}

/// Reads the sentinels of earlier versions (`0`, `-1`, `""`) as `"auto"`, in settings as written.
pub(super) fn open_sentinels(table: &mut Table) {
    for (section, value) in table.iter_mut() {
        let Value::Table(inner) = value else { continue };
        for (key, value) in inner.iter_mut() {
            let Some(sentinel) = sentinel(&format!("{section}.{key}")) else {
                continue;
            };
            let elements = match value {
                Value::Array(elements) => &mut elements[..],
                one => std::slice::from_mut(one),
            };
            for element in elements {
                if is_sentinel(element, &sentinel) {
                    *element = Value::String(AUTO.into());
                }
            }
        }
    }
}

/// Adds the settings that earlier versions did not know to resolved settings, with the value that they worked by.
pub(super) fn add_missing_keys(table: &mut Table) {
    let preset = table.get("run").and_then(|run| run.get("preset"));
    // The preset `paper` had each joint of its chain once, by its name.
    let joints = match preset.and_then(Value::as_str) {
        Some(name) if name == Preset::Paper.name() => ChainJoints::Once,
        _ => ChainJoints::AsListed,
    };
    if let Some(Value::Table(model)) = table.get_mut("model") {
        let joints = Value::String(joints.name().into());
        model.entry("chain_joints").or_insert(joints);
    }
}
