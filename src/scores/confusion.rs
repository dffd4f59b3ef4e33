//! What is taken for what.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::limits::CONFUSION_CLASSES;

/// Clips by class and most probable class. Only pairs that occur are kept: the whole matrix of tens of thousands of classes
/// would take gigabytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confusion {
    /// For each class its clips by most probable class.
    rows: Vec<BTreeMap<usize, usize>>,
}

impl Confusion {
    /// Of `classes` classes and no clips.
    #[must_use]
    pub fn new(classes: usize) -> Self {
        Confusion {
            rows: vec![BTreeMap::new(); classes],
        }
    }

    /// Counts a clip of class `class` that was taken for `taken_for`.
    pub fn add(&mut self, class: usize, taken_for: usize) {
        if let Some(row) = self.rows.get_mut(class) {
            *row.entry(taken_for).or_default() += 1;
        }
    }

    /// Clips of `class` that were taken for `taken_for`.
    #[must_use]
    pub fn count(&self, class: usize, taken_for: usize) -> usize {
        let row = self.rows.get(class);
        row.and_then(|row| row.get(&taken_for))
            .copied()
            .unwrap_or(0)
    }

    /// What clips of a class were taken for, itself included, in the order of the classes, and how many of them.
    pub fn row(&self, class: usize) -> impl Iterator<Item = (usize, usize)> {
        let row = self.rows.get(class).into_iter().flatten();
        row.map(|(taken_for, clips)| (*taken_for, *clips))
    }

    /// Other classes that clips of a class were taken for, the most frequent first, and how many clips.
    #[must_use]
    pub fn mistakes(&self, class: usize) -> Vec<(usize, usize)> {
        let mut others: Vec<_> = self
            .row(class)
            .filter(|(other, _)| *other != class)
            .collect();
        others.sort_by_key(|(_, clips)| std::cmp::Reverse(*clips));
        others
    }

    /// The most clips of any pair.
    #[must_use]
    pub fn largest(&self) -> usize {
        let all = self.rows.iter().flat_map(BTreeMap::values);
        all.copied().max().unwrap_or(0)
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.rows.len()
    }

    /// True beyond [`CONFUSION_CLASSES`] classes, of which the matrix is not written as JSON.
    pub(super) fn is_left_out(&self) -> bool {
        self.rows.len() > CONFUSION_CLASSES
    }
}

impl Serialize for Confusion {
    /// As a matrix, row by row.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let classes = self.rows.len();
        to.collect_seq((0..classes).map(|class| {
            let mut row = vec![0; classes];
            for (taken_for, clips) in self.row(class) {
                if let Some(count) = row.get_mut(taken_for) {
                    *count = clips;
                }
            }
            row
        }))
    }
}
