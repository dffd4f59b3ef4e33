//! The few messages of TensorBoard's `Event` that are needed, in the wire format of protocol buffers.

// Field numbers of tensorboard/compat/proto/event.proto and summary.proto.
const WALL_TIME: u64 = 1;
const STEP: u64 = 2;
const FILE_VERSION: u64 = 3;
const SUMMARY: u64 = 5;
const SESSION_LOG: u64 = 7;
const STATUS: u64 = 1;
const START: u64 = 1;
const VALUE: u64 = 1;
const TAG: u64 = 1;
const SIMPLE_VALUE: u64 = 2;

// Wire types.
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const BYTES: u64 = 2;
const FIXED32: u64 = 5;

/// What an event tells.
pub(super) enum What<'a> {
    /// The format: what a file begins with.
    Version,
    /// The run goes on here: a reader forgets what it has seen from this step on.
    Start,
    /// A number at a step.
    Scalar(&'a str, f32),
}

/// An event; `wall_time` in seconds since 1970.
pub(super) fn event(wall_time: f64, step: usize, what: &What<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    varint(&mut out, WALL_TIME << 3 | FIXED64);
    out.extend(wall_time.to_le_bytes());
    varint(&mut out, STEP << 3 | VARINT);
    varint(&mut out, step as u64);
    match what {
        What::Version => bytes(&mut out, FILE_VERSION, b"brain.Event:2"),
        What::Start => {
            let mut log = Vec::new();
            varint(&mut log, STATUS << 3 | VARINT);
            varint(&mut log, START);
            bytes(&mut out, SESSION_LOG, &log);
        }
        What::Scalar(tag, value) => {
            let (mut summary, mut entry) = (Vec::new(), Vec::new());
            bytes(&mut entry, TAG, tag.as_bytes());
            varint(&mut entry, SIMPLE_VALUE << 3 | FIXED32);
            entry.extend(value.to_le_bytes());
            bytes(&mut summary, VALUE, &entry);
            bytes(&mut out, SUMMARY, &summary);
        }
    }
    out
}

/// Step and tag of an event with a scalar; nothing for another event.
pub(super) fn scalar(event: &[u8]) -> Option<(u64, &str)> {
    let (mut step, mut tag) = (0, None);
    for (field, value) in fields(event) {
        match (field, value) {
            (STEP, Value::Varint(value)) => step = value,
            (SUMMARY, Value::Bytes(summary)) => {
                let entry = fields(summary).find_map(|f| f.1.bytes(f.0 == VALUE));
                tag = entry.and_then(|entry| fields(entry).find_map(|f| f.1.bytes(f.0 == TAG)));
            }
            _ => {}
        }
    }
    Some((step, std::str::from_utf8(tag?).ok()?))
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(out, field << 3 | BYTES);
    varint(out, value.len() as u64);
    out.extend(value);
}

enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Other,
}

impl<'a> Value<'a> {
    fn bytes(self, wanted: bool) -> Option<&'a [u8]> {
        match self {
            Value::Bytes(bytes) if wanted => Some(bytes),
            _ => None,
        }
    }
}

/// The fields of a message, up to one that cannot be read.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = (u64, Value<'_>)> {
    fn number(rest: &mut &[u8]) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, after) = rest.split_first()?;
            *rest = after;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
    fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
        let (taken, after) = rest.split_at_checked(length)?;
        *rest = after;
        Some(taken)
    }
    std::iter::from_fn(move || {
        let key = number(&mut rest)?;
        let value = match key & 7 {
            VARINT => Value::Varint(number(&mut rest)?),
            BYTES => {
                let length = usize::try_from(number(&mut rest)?).ok()?;
                Value::Bytes(take(&mut rest, length)?)
            }
            FIXED64 => take(&mut rest, 8).map(|_| Value::Other)?,
            FIXED32 => take(&mut rest, 4).map(|_| Value::Other)?,
            _ => return None,
        };
        Some((key >> 3, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let number = event(1.5, 300, &What::Scalar("train/loss", 0.25));
        assert_eq!(scalar(&number), Some((300, "train/loss")));
        for what in [What::Version, What::Start] {
            assert_eq!(scalar(&event(1.5, 300, &what)), None);
        }
        for end in 0..number.len() {
            assert_eq!(scalar(&number[..end]), None);
        }
    }
}
