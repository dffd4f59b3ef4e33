//! NTU RGB+D: clip names, the lists of missing skeletons, and the class names.

use std::sync::LazyLock;

use crate::formats::number::whole;
use crate::skeleton::About;

/// The parts of a clip's name. All numbers are 1-based.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// Camera setup: 1 to 17 in NTU-60, to 32 in NTU-120.
    pub setup: u32,
    /// Camera: 1 to 3.
    pub camera: u32,
    /// Performer.
    pub performer: u32,
    /// Replication.
    pub replication: u32,
    /// Action class: 1 to 60 in NTU-60, to 120 in NTU-120.
    pub action: u32,
}

impl Name {
    /// Parses `SsssCcccPpppRrrrAaaa` with an action from 1 to 120; `None` for anything else.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let bytes: &[u8; 20] = name.as_bytes().try_into().ok()?;
        let mut numbers = [0; 5];
        for ((part, letter), number) in bytes.chunks_exact(4).zip(b"SCPRA").zip(&mut numbers) {
            let [first, digits @ ..] = part else {
                return None;
            };
            *number = if first == letter {
                u32::try_from(whole(digits)?).ok()?
            } else {
                return None;
            };
        }
        let [setup, camera, performer, replication, action] = numbers;
        let sound = (1..=120).contains(&action)
            && setup > 0
            && camera > 0
            && performer > 0
            && replication > 0;
        sound.then_some(Name {
            setup,
            camera,
            performer,
            replication,
            action,
        })
    }

    /// Class index, 0-based.
    #[must_use]
    pub fn label(&self) -> usize {
        self.action as usize - 1
    }

    /// Everything but the class.
    #[must_use]
    pub fn about(&self) -> About {
        About {
            performer: Some(self.performer),
            camera: Some(self.camera),
            setup: Some(self.setup),
            replication: Some(self.replication),
            ..About::default()
        }
    }
}

/// Names of the clips that the authors list as missing or incomplete: 535 for NTU-120, of which the 302 with a setup up to
/// 17 are those for NTU-60. Sorted.
pub fn missing() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
        include_str!("../../../assets/ntu_missing.txt")
            .lines()
            .collect()
    });
    &NAMES
}

/// Whether a clip is on the authors' list of missing skeletons.
#[must_use]
pub fn is_missing(name: &str) -> bool {
    missing().binary_search(&name).is_ok()
}

/// The 120 class names; NTU-60 uses the first 60.
pub fn classes() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
        include_str!("../../../assets/ntu_classes.txt")
            .lines()
            .collect()
    });
    &NAMES
}
