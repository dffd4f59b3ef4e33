//! Warnings: what looks wrong but does not stop the work.

use super::Place;
use super::quote::quoted;
use std::fmt;

/// Something that looks wrong but does not stop the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where.
    pub place: Place,
    /// What looks wrong.
    pub what: String,
    /// What to do.
    pub help: String,
}

impl Warning {
    /// A warning about a place. `what` may quote the input: control characters are escaped.
    pub fn new(place: Place, what: impl Into<String>, help: impl Into<String>) -> Self {
        Warning {
            place,
            what: quoted(&what.into()),
            help: help.into(),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.what, self.help)
    }
}
