//! Reports for people: what a set of clips holds, one clip drawn as a page and as a strip of poses, and a run.

mod clip;
mod contents;
mod html;
mod run;
mod source;

#[doc(hidden)]
pub use clip::{Extent, Facts, Track, page, strip};
#[doc(hidden)]
pub use contents::{Bin, ClassCount, Contents, Key, Lengths, Listed, Measured};
pub use run::{ReportOptions, report, write_run_page};
#[doc(hidden)]
pub use source::{Found, Source};
