//! The built-in layouts.

use super::{Layout, layout_toml};
use crate::error::Place;
use crate::text::edit_distance;

/// A built-in layout.
#[derive(Debug, Clone, Copy)]
pub struct BuiltIn {
    /// The name, as used in `layout = "…"` of a `layout.toml`.
    pub name: &'static str,
    /// The text of its `layout.toml`.
    pub text: &'static str,
}

/// All built-in layouts, those of the datasets first.
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
    /// All built-in layouts.
    #[must_use]
    pub fn all() -> &'static [BuiltIn] {
        &ALL
    }

    /// The layout with this name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<BuiltIn> {
        ALL.into_iter().find(|layout| layout.name == name)
    }

    /// The name closest to a misspelled one.
    #[must_use]
    pub fn nearest(name: &str) -> &'static str {
        let name = name.to_lowercase();
        let nearest = ALL
            .iter()
            .min_by_key(|layout| edit_distance(&name, layout.name));
        nearest.map_or("", |layout| layout.name)
    }

    /// A short description: the first sentence of its `layout.toml`.
    #[must_use]
    pub fn about(&self) -> &'static str {
        let comment = self.text.lines().next().unwrap_or_default();
        let comment = comment.trim_start_matches(['#', ' ']);
        let sentence = comment.split(". ").next().unwrap_or(comment);
        sentence.trim_end_matches('.')
    }

    /// The parsed layout.
    #[must_use]
    pub fn layout(&self) -> Layout {
        // A test parses each of them, so this cannot fail in a released program.
        layout_toml::parse(self.text, &Place::file("assets/layouts"))
            .expect("built-in layouts are valid")
    }
}
