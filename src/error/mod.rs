//! The error type: what is wrong, where, and what to do about it.

mod place;
mod quote;
mod warning;

pub use place::Place;
pub(crate) use quote::{one_line, printable};
pub use warning::Warning;

use crate::text::first_few;
use quote::quoted;
use std::fmt;
use std::path::{Path, PathBuf};

/// What every fallible function of the library returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation failed. The message of each says what is wrong, where, and what to do.
///
/// Messages name options as the commands spell them: `--skip-bad` is
/// [`PrepareOptions::skip_bad`](crate::prepare::PrepareOptions::skip_bad), `--allow` is
/// [`ResumeOptions::allow`](crate::train::ResumeOptions::allow), and `--set` is an entry of an options' `settings`.
///
/// ```
/// # fn prepare() -> sinew::Result<()> { Err(sinew::Error::usage("an error", "for the example")) }
/// match prepare() {
///     Ok(()) => {}
///     Err(sinew::Error::Exists { path, .. }) => println!("choose another folder than {}", path.display()),
///     Err(error) if error.is_out_of_space() => println!("free some disk space"),
///     Err(error) => println!("{error}"),
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file, an entry of an archive or a clip is damaged, missing a part, or of another kind.
    #[error("{place}: {what}; {help}")]
    Input {
        /// Where.
        place: Place,
        /// What is wrong with it.
        what: String,
        /// What to do.
        help: String,
    },
    /// The operating system refused to read or write.
    #[error("{}: cannot {action}: {source}; {help}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, as a verb: "read", "write", "create the folder".
        action: &'static str,
        /// The system's reason.
        source: std::io::Error,
        /// What to do.
        help: String,
    },
    /// The disk has too little space for the output, found out before anything is written. A disk that fills up later is
    /// [`Error::Io`]; [`Error::is_out_of_space`] is true of both.
    #[error("{}: {what}; {help}", path.display())]
    Space {
        /// The output.
        path: PathBuf,
        /// How much is needed, and how much there is.
        what: String,
        /// What to do.
        help: String,
    },
    /// The output folder or file exists and is not overwritten.
    #[error("{}: {what}; {help}", path.display())]
    Exists {
        /// The folder or file.
        path: PathBuf,
        /// What it holds.
        what: String,
        /// What to do.
        help: String,
    },
    /// Another process is writing to the folder.
    #[error("{}: {what}; {help}", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// What the other process does.
        what: String,
        /// What to do.
        help: String,
    },
    /// Several problems; a message lists the first hundred.
    #[error("{summary}{}", listed(.errors))]
    Several {
        /// What the list is, in one line.
        summary: String,
        /// The problems.
        errors: Vec<Error>,
    },
    /// A setting that does not fit the data, the device or another setting.
    #[error("{what}; {help}")]
    Setting {
        /// The setting's key, such as `train.lr`, where it is about one.
        key: Option<String>,
        /// Which one, and why.
        what: String,
        /// What to do.
        help: String,
    },
    /// An option or a setting that is unknown, out of range, or in conflict with another one.
    #[error("{what}; {help}")]
    Usage {
        /// The setting's key, such as `train.lr`, where it is about one.
        key: Option<String>,
        /// Which one, and why.
        what: String,
        /// What to do.
        help: String,
    },
    /// The compute device is missing, lost, or does not support what is asked for.
    #[error("{what}; {help}")]
    Device {
        /// What happened.
        what: String,
        /// What to do.
        help: String,
    },
    /// The compute device has too little memory.
    #[error("{what}; {help}")]
    Memory {
        /// What needs how much.
        what: String,
        /// What to do.
        help: String,
    },
    /// A loss, gradient or weight became NaN or infinite.
    #[error("{what}; {help}")]
    Diverged {
        /// Which, and at which step.
        what: String,
        /// What to do.
        help: String,
    },
    /// Another failure, such as ranks whose weights differ.
    #[error("{what}; {help}")]
    Failed {
        /// What happened.
        what: String,
        /// What to do.
        help: String,
    },
    /// The stop flag was set. What was done so far is kept, as the text says.
    #[error("interrupted; {0}")]
    Interrupted(String),
}

impl Error {
    /// Wrong input at a place. `what` may quote the input: control characters are escaped.
    pub fn input(place: Place, what: impl Into<String>, help: impl Into<String>) -> Self {
        Error::Input {
            place,
            what: quoted(&what.into()),
            help: help.into(),
        }
    }

    /// A setting that cannot be used.
    pub fn setting(what: impl Into<String>, help: impl Into<String>) -> Self {
        Error::Setting {
            key: None,
            what: what.into(),
            help: help.into(),
        }
    }

    /// An option or a setting that is unknown or out of range.
    pub fn usage(what: impl Into<String>, help: impl Into<String>) -> Self {
        Error::Usage {
            key: None,
            what: what.into(),
            help: help.into(),
        }
    }

    /// A device that is missing, lost, or does not support what is asked for.
    pub fn device(what: impl Into<String>, help: impl Into<String>) -> Self {
        Error::Device {
            what: what.into(),
            help: help.into(),
        }
    }

    /// The system refuses to start another thread.
    pub fn threads(why: impl fmt::Display) -> Self {
        Error::Failed {
            what: format!("cannot start another thread ({why})"),
            help: "raise the limit on processes (`ulimit -u`, or that of the container), or take fewer threads with \
                   RAYON_NUM_THREADS=2 in the environment"
                .into(),
        }
    }

    /// A loss, gradient or weight that is NaN or infinite.
    pub fn diverged(what: impl Into<String>) -> Self {
        Error::Diverged {
            what: what.into(),
            help: "the last checkpoint is whole: lower train.lr or limit the gradient with train.clip_norm, anew or by \
                   --resume with --set and --allow; or see train.diverged"
                .into(),
        }
    }

    /// Another failure.
    pub fn failed(what: impl Into<String>, help: impl Into<String>) -> Self {
        Error::Failed {
            what: what.into(),
            help: help.into(),
        }
    }

    /// A read or write that the system refused; the help follows from the kind of refusal.
    pub fn io(path: impl AsRef<Path>, action: &'static str, source: std::io::Error) -> Self {
        use std::io::ErrorKind::{
            FileTooLarge, NotFound, OutOfMemory, PermissionDenied, ReadOnlyFilesystem, StorageFull,
        };
        let help = match source.kind() {
            NotFound => "check the path",
            PermissionDenied => "check who may use it",
            ReadOnlyFilesystem => "choose a place that can be written",
            StorageFull => "free some space, or choose another disk, and run it again",
            FileTooLarge => {
                "the limit on the size of files is reached: raise it (`ulimit -f`), or choose another disk"
            }
            OutOfMemory => "raise the limit on memory (`ulimit -v`), or close other programs",
            _ => "check the disk and the path, and run it again",
        };
        Error::Io {
            path: path.as_ref().to_path_buf(),
            action,
            source,
            help: help.into(),
        }
    }

    /// An output that exists and is not overwritten.
    pub fn exists(
        path: impl AsRef<Path>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Error::Exists {
            path: path.as_ref().to_path_buf(),
            what: what.into(),
            help: help.into(),
        }
    }

    /// A folder that another process writes to.
    pub fn locked(
        path: impl AsRef<Path>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Error::Locked {
            path: path.as_ref().to_path_buf(),
            what: what.into(),
            help: help.into(),
        }
    }

    /// What a device has too little memory for.
    pub fn memory(what: impl Into<String>, help: impl Into<String>) -> Self {
        Error::Memory {
            what: what.into(),
            help: help.into(),
        }
    }

    /// The same, about a setting of this key.
    #[must_use]
    pub fn about_key(mut self, name: impl Into<String>) -> Self {
        if let Error::Setting { key, .. } | Error::Usage { key, .. } = &mut self {
            *key = Some(name.into());
        }
        self
    }

    /// The setting's key that it is about, such as `train.lr`, where it is about one.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Error::Setting { key, .. } | Error::Usage { key, .. } => key.as_deref(),
            _ => None,
        }
    }

    /// What to do about it; empty for [`Error::Several`] and [`Error::Interrupted`], whose messages say it.
    #[must_use]
    pub fn help(&self) -> &str {
        match self {
            Error::Input { help, .. }
            | Error::Io { help, .. }
            | Error::Space { help, .. }
            | Error::Exists { help, .. }
            | Error::Locked { help, .. }
            | Error::Setting { help, .. }
            | Error::Usage { help, .. }
            | Error::Device { help, .. }
            | Error::Memory { help, .. }
            | Error::Diverged { help, .. }
            | Error::Failed { help, .. } => help,
            Error::Several { .. } | Error::Interrupted(_) => "",
        }
    }

    /// The file or folder that it is about, where it is about one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Error::Input { place, .. } => Some(&place.file),
            Error::Io { path, .. }
            | Error::Space { path, .. }
            | Error::Exists { path, .. }
            | Error::Locked { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Whether a disk is full, or has too little space for the output.
    #[must_use]
    pub fn is_out_of_space(&self) -> bool {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        match self {
            Error::Space { .. } => true,
            Error::Io { source, .. } => matches!(source.kind(), StorageFull | QuotaExceeded),
            _ => false,
        }
    }

    /// Whether a stop flag ended the work.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        matches!(self, Error::Interrupted(_))
    }
}

/// Errors below one another; how many more there are, where a list of them all would help nobody.
fn listed(errors: &[Error]) -> String {
    const MOST: usize = 100;
    match errors {
        [] => String::new(),
        errors => format!("\n  {}", first_few(errors, MOST, "\n  ", "\n  ")),
    }
}
