//! Writer of `.skeleton` files.

use super::body::{JOINTS, Point};

/// One tracked body in one frame.
pub struct Tracked {
    /// The sensor's 64-bit id of the track.
    pub id: u64,
    /// Positions in metres.
    pub joints: [Point; JOINTS],
    /// One bit per joint: set if its position was inferred rather than observed.
    pub inferred: u32,
}

/// The parent of each joint.
const PARENT: [usize; JOINTS] = [
    0, 0, 20, 2, 20, 4, 5, 6, 20, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18, 1, 7, 6, 11, 10,
];
/// Leaf joints, for which the sensor reports no orientation.
const ENDS: [usize; 7] = [3, 15, 19, 21, 22, 23, 24];

/// Appends the text of a clip: the frame count, and for each frame its bodies with twelve numbers per joint.
pub fn write_clip(frames: &[Vec<Tracked>], out: &mut Vec<u8>) {
    line(out, frames.len());
    for bodies in frames {
        line(out, bodies.len());
        for body in bodies {
            write_body(body, out);
        }
    }
}

fn write_body(body: &Tracked, out: &mut Vec<u8>) {
    integer(body.id, out);
    // Clipped edges; confidence and state of both hands; restricted.
    out.extend_from_slice(b" 0 1 1 1 1 0");
    let [base, chest] = [body.joints[0], body.joints[20]];
    for lean in [chest[0] - base[0], base[2] - chest[2]] {
        out.push(b' ');
        number(lean.clamp(-1.0, 1.0), out);
    }
    out.extend_from_slice(b" 2\n");
    line(out, JOINTS);
    for (joint, &[x, y, z]) in body.joints.iter().enumerate() {
        let depth = z.max(0.1);
        // Pinhole cameras: the depth image (512 × 424), and the colour image (1920 × 1080) 52 mm beside it.
        let images = [
            256.4 + 365.0 * x / depth,
            208.5 - 365.0 * y / depth,
            960.0 + 1060.0 * (x + 0.052) / depth,
            567.5 - 1060.0 * y / depth,
        ];
        let turn = if ENDS.contains(&joint) {
            [0.0; 4]
        } else {
            orientation(body.joints[PARENT[joint]], [x, y, z])
        };
        for value in [x, y, z].into_iter().chain(images).chain(turn) {
            number(value, out);
            out.push(b' ');
        }
        out.extend_from_slice(if body.inferred >> joint & 1 == 1 {
            b"1\n"
        } else {
            b"2\n"
        });
    }
}

/// The quaternion (w, x, y, z) of the shortest rotation from straight up to the direction of the bone.
fn orientation(from: Point, to: Point) -> [f32; 4] {
    let bone: Point = std::array::from_fn(|i| to[i] - from[i]);
    let length = bone.iter().map(|x| x * x).sum::<f32>().sqrt();
    let [x, y, z] = if length > 0.0 {
        bone.map(|v| v / length)
    } else {
        [0.0, 1.0, 0.0]
    };
    // 1 + y loses precision for a bone that points down, so the quaternion is normalised by its computed length.
    let turn = [1.0 + y, z, 0.0, -x];
    let norm = turn.iter().map(|q| q * q).sum::<f32>().sqrt();
    if norm > 1e-4 {
        turn.map(|q| q / norm)
    } else {
        [0.0, 1.0, 0.0, 0.0]
    }
}

fn line(out: &mut Vec<u8>, value: usize) {
    integer(value as u64, out);
    out.push(b'\n');
}

/// Appends the decimal digits of an integer.
fn integer(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a number in the format of the published files: seven significant digits, no trailing zeros, and scientific
/// notation (`-4.248406E-05`) below 0.0001.
fn number(value: f32, out: &mut Vec<u8>) {
    let mut rest = f64::from(value.abs());
    if value < 0.0 {
        out.push(b'-');
    }
    if !(1e-30..1e7).contains(&rest) {
        // Zero, values that no body has, and values that are not finite.
        rest = 0.0;
    }
    if rest == 0.0 {
        if value < 0.0 {
            out.pop();
        }
        return out.push(b'0');
    }
    let mut power = rest.log10().floor() as i32;
    let mut digits = (rest * 10f64.powi(6 - power)).round() as u64;
    if digits >= 10_000_000 {
        (power, digits) = (power + 1, digits / 10);
    } else if digits < 1_000_000 {
        power -= 1;
        digits = (rest * 10f64.powi(6 - power)).round() as u64;
    }
    while digits.is_multiple_of(10) {
        digits /= 10;
    }
    let start = out.len();
    integer(digits, out);
    let count = (out.len() - start) as i32;
    if power < -4 {
        if count > 1 {
            out.insert(start + 1, b'.');
        }
        out.extend_from_slice(b"E-");
        if power > -10 {
            out.push(b'0');
        }
        integer(u64::from(power.unsigned_abs()), out);
    } else if power < 0 {
        let zeros = (-power - 1) as usize;
        out.splice(
            start..start,
            b"0."
                .iter()
                .copied()
                .chain(std::iter::repeat_n(b'0', zeros)),
        );
    } else if count > power + 1 {
        out.insert(start + power as usize + 1, b'.');
    } else {
        out.extend(std::iter::repeat_n(b'0', (power + 1 - count) as usize));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_recorded() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-0.8514767, "-0.8514767"),
            (3.384463, "3.384463"),
            (-4.248406e-5, "-4.248406E-05"),
            (1034.761, "1034.761"),
            (0.00012345, "0.00012345"),
            (201.0, "201"),
            (1200.0, "1200"),
            (9.9999999, "10"),
            (3e-12, "3E-12"),
        ] {
            let mut out = Vec::new();
            number(value, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
    }

    #[test]
    fn numbers_read_back() {
        let mut rng = crate::rng::Rng::new(4, &[]);
        for _ in 0..100_000 {
            let value = rng.normal() * 10f32.powf(rng.range(-6.0, 3.0));
            let mut out = Vec::new();
            number(value, &mut out);
            let back: f32 = String::from_utf8_lossy(&out).parse().unwrap_or(f32::NAN);
            assert!(
                (back - value).abs() <= 6e-7 * value.abs(),
                "{value} {}",
                String::from_utf8_lossy(&out)
            );
        }
    }
}
