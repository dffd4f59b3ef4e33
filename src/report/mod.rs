//! Reports: the contents of a dataset, HTML pages of a clip and of a run, and SVG strips of poses.

mod clip;
mod contents;
mod html;
mod run;
mod source;

#[doc(hidden)]
pub use clip::{ClipFacts, Extent, Track, clip_page, pose_strip};
#[doc(hidden)]
pub use contents::{Bin, ClassCount, Contents, Key, Lengths, Listed, Measured};
pub use run::{ReportOptions, report, write_run_page};
#[doc(hidden)]
pub use source::{FoundClip, Source};
