//! Whether a layer fits on a device.

use super::shapes::Shape;
use crate::device::{Compute, available_memory};
use crate::lstm::{Context, Dims};

/// Numbers that both passes of our layer hold for each of T·B·G·H: projection, gates and their gradient (four each),
/// cell states, outputs, their gradient, and what entered the products.
const OURS: usize = 16;

/// The same for Burn's layer, whose graph keeps each operation of each step.
const BURNS: usize = 34;

/// Why a layer does not fit, ours in its context or Burn's; none where it does, or where nobody knows: a GPU does not
/// tell how much memory it has.
pub fn unfit(compute: &Compute, shape: &Shape, ours: Option<Context>) -> Option<String> {
    let mib = |bytes: usize| bytes.div_ceil(1 << 20);
    let rows = shape.steps * shape.batch;
    let states = rows * shape.groups() * shape.hidden;
    let widest = shape.inputs.iter().max().copied().unwrap_or(0);
    let largest = 4 * states.max(rows * widest);
    let limit = compute.largest();
    if compute.adapter.is_some() && largest > limit {
        return Some(format!(
            "a tensor of {} MiB, the device binds {} MiB",
            mib(largest),
            mib(limit)
        ));
    }
    if let Some(context) = ours {
        let dims = Dims {
            steps: shape.steps,
            batch: shape.batch,
            groups: shape.groups(),
            hidden: shape.hidden,
        };
        let a_row = 16 * shape.steps * shape.groups() * shape.hidden;
        if context.rows(dims) == 1 && a_row > limit {
            return Some(format!(
                "the gates of one row take {} MiB, the device binds {} MiB",
                mib(a_row),
                mib(limit)
            ));
        }
    }
    // Software adapters and the CPU engine share the machine's memory.
    if compute.adapter.as_ref().is_some_and(|a| a.hardware()) {
        return None;
    }
    let inputs: usize = shape.inputs.iter().map(|i| 2 * rows * i).sum();
    let each = if ours.is_some() { OURS } else { BURNS };
    let wanted = 4 * (each * states + inputs);
    let available = usize::try_from(available_memory()?).ok()?;
    (wanted > available).then(|| {
        format!(
            "about {} MiB, of which {} are free",
            mib(wanted),
            mib(available)
        )
    })
}
