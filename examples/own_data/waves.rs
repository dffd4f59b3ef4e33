//! Replaces your own data in this example: a skeleton with four joints waves with its left or right hand.

/// Joints and bones; what this does not name is derived from them.
pub const LAYOUT: &str = r#"
name = "waver"
joints = ["hip", "neck", "left hand", "right hand"]
bones = [[1, 0], [2, 1], [3, 1]]        # child, parent
unit = "metre"
up = "+y"
"#;

/// A clip: its class, its part in the protocol, and coordinates [frames, 4, 3] in metres.
pub struct Wave {
    pub name: String,
    pub class: usize,
    pub split: &'static str,
    pub shape: [usize; 3],
    pub data: Vec<f32>,
}

pub fn clips() -> impl Iterator<Item = Wave> {
    (0..60).map(|number| {
        let (class, frames) = (number % 2, 30 + number % 7);
        let rest = [[0.0, 0.0], [0.0, 0.5], [-0.3, 0.2], [0.3, 0.2]];
        let mut data = Vec::new();
        for frame in 0..frames {
            for (joint, [x, y]) in rest.into_iter().enumerate() {
                let phase = 0.4 * (frame + 3 * number) as f32;
                let wave = if joint == 2 + class {
                    0.5 + 0.2 * phase.sin()
                } else {
                    0.0
                };
                data.extend([x, y + wave, 0.0]);
            }
        }
        Wave {
            name: format!("{number:03}"),
            class,
            split: if number % 5 == 4 { "test" } else { "train" },
            shape: [frames, 4, 3],
            data,
        }
    })
}
