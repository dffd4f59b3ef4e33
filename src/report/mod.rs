//! Reports for people: what a set of clips holds, and one clip drawn as a page and as a strip of poses.

mod clip;
mod contents;
mod html;
mod source;

pub use clip::{Extent, Facts, Track, page, strip};
pub use contents::{Bin, ClassCount, Contents, Key, Lengths, Listed, Measured};
pub use source::{Found, Source};
