//! The layouts that come with the program, by name.

use super::{Layout, layout_toml};
use crate::error::Place;
use crate::text::edit_distance;

/// A layout that comes with the program.
#[derive(Debug, Clone, Copy)]
pub struct BuiltIn {
    /// Its name: what `layout = "…"` in a layout.toml says.
    pub name: &'static str,
    /// Its layout.toml.
    pub text: &'static str,
}

/// All of them, the ones of the datasets first.
static ALL: [BuiltIn; 4] = [
    BuiltIn {
        name: "ntu25",
        text: include_str!("../../assets/layouts/ntu25.toml"),
    },
    BuiltIn {
        name: "sbu15",
        text: include_str!("../../assets/layouts/sbu15.toml"),
    },
    BuiltIn {
        name: "kinect20",
        text: include_str!("../../assets/layouts/kinect20.toml"),
    },
    BuiltIn {
        name: "coco17",
        text: include_str!("../../assets/layouts/coco17.toml"),
    },
];

impl BuiltIn {
    /// All layouts that come with the program.
    #[must_use]
    pub fn all() -> &'static [BuiltIn] {
        &ALL
    }

    /// The layout of this name; none where there is no such one.
    #[must_use]
    pub fn named(name: &str) -> Option<BuiltIn> {
        ALL.into_iter().find(|layout| layout.name == name)
    }

    /// The name that is most like a mistyped one.
    #[must_use]
    pub fn nearest(name: &str) -> &'static str {
        let name = name.to_lowercase();
        let nearest = ALL
            .iter()
            .min_by_key(|layout| edit_distance(&name, layout.name));
        nearest.map_or("", |layout| layout.name)
    }

    /// What it is for, in a few words: the first sentence of its layout.toml.
    #[must_use]
    pub fn about(&self) -> &'static str {
        let comment = self.text.lines().next().unwrap_or_default();
        let comment = comment.trim_start_matches(['#', ' ']);
        let sentence = comment.split(". ").next().unwrap_or(comment);
        sentence.trim_end_matches('.')
    }

    /// The layout itself.
    #[must_use]
    pub fn layout(&self) -> Layout {
        // A test reads each of them, so this cannot fail in a released program.
        layout_toml::parse(self.text, &Place::file("assets/layouts"))
            .expect("a built-in layout is sound")
    }
}
