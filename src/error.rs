//! The one error type: what was wrong, where, and what to do about it.

use crate::text::truncated;
use std::fmt;
use std::path::{Path, PathBuf};

/// What every fallible function of the library returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Where in the input something was found: a file, an entry of an archive, a line of text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The file or folder.
    pub file: PathBuf,
    /// The entry inside an archive, or the clip inside prepared data.
    pub entry: Option<String>,
    /// 1-based line of a text.
    pub line: Option<usize>,
}

impl Place {
    /// A place that is a whole file.
    pub fn file(path: impl AsRef<Path>) -> Self {
        Place {
            file: path.as_ref().to_path_buf(),
            entry: None,
            line: None,
        }
    }

    /// The same file, at one of its entries.
    #[must_use]
    pub fn entry(mut self, name: impl Into<String>) -> Self {
        self.entry = Some(name.into());
        self
    }

    /// The same place, at a 1-based line.
    #[must_use]
    pub fn line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", one_line(&self.file.display().to_string()))?;
        if let Some(entry) = &self.entry {
            write!(f, ", {}", quoted(entry))?;
        }
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        Ok(())
    }
}

/// Everything that can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something is wrong with what was read.
    #[error("{place}: {what}; {help}")]
    Input {
        /// Where it is.
        place: Place,
        /// What is wrong with it.
        what: String,
        /// What the user can do.
        help: String,
    },
    /// The operating system refused to read or write.
    #[error("{}: cannot {action}: {source}; {help}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, as a verb: "read", "write", "create the folder".
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
        /// What the user can do.
        help: String,
    },
    /// Several inputs are wrong; a message lists the first hundred.
    #[error("{summary}{}", listed(.errors))]
    Several {
        /// One line that says what the list is.
        summary: String,
        /// Each with its own place and remedy.
        errors: Vec<Error>,
    },
    /// A setting or an argument has a value that cannot be used.
    #[error("{what}; {help}")]
    Setting {
        /// Which one and why.
        what: String,
        /// What the user can do.
        help: String,
    },
    /// The command line asks for something that there is not.
    #[error("{what}; {help}")]
    Usage {
        /// What there is not.
        what: String,
        /// What the user can do.
        help: String,
    },
    /// The compute device is missing, lost, or too small.
    #[error("{what}; {help}")]
    Device {
        /// What happened.
        what: String,
        /// What the user can do.
        help: String,
    },
    /// A loss, gradient or weight became NaN or infinite.
    #[error("{what}; {help}")]
    Diverged {
        /// What did, and where.
        what: String,
        /// What the user can do.
        help: String,
    },
    /// The work itself failed, such as a run that already exists.
    #[error("{what}; {help}")]
    Failed {
        /// What happened.
        what: String,
        /// What the user can do.
        help: String,
    },
    /// The user asked to stop; the work done so far is safe.
    #[error("interrupted; {0}")]
    Interrupted(String),
}

/// Something that looks wrong and stops nothing: where it is, what it is, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where it is.
    pub place: Place,
    /// What looks wrong.
    pub what: String,
    /// What the user can do.
    pub help: String,
}

impl Warning {
    /// A warning about a place. What is said may quote the input: its control characters are escaped.
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

impl Error {
    /// Wrong input at a place. What is said may quote the input: its control characters are escaped.
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
            what: what.into(),
            help: help.into(),
        }
    }

    /// A command line that asks for something that there is not.
    pub fn usage(what: impl Into<String>, help: impl Into<String>) -> Self {
        Error::Usage {
            what: what.into(),
            help: help.into(),
        }
    }

    /// A device that cannot do what is asked.
    pub fn device(what: impl Into<String>, help: impl Into<String>) -> Self {
        Error::Device {
            what: what.into(),
            help: help.into(),
        }
    }

    /// A system that starts no more threads.
    pub fn threads(why: impl fmt::Display) -> Self {
        Error::Failed {
            what: format!("cannot start another thread ({why})"),
            help: "raise the limit on processes (`ulimit -u`, or that of the container), or take fewer threads with \
                   RAYON_NUM_THREADS=2 in the environment"
                .into(),
        }
    }

    /// A training that left the numbers.
    pub fn diverged(what: impl Into<String>) -> Self {
        Error::Diverged {
            what: what.into(),
            help: "the last checkpoint is whole: lower train.lr or limit the gradient with train.clip_norm, anew or by \
                   --resume with --set and --allow; or see train.diverged"
                .into(),
        }
    }

    /// Work that failed.
    pub fn failed(what: impl Into<String>, help: impl Into<String>) -> Self {
        Error::Failed {
            what: what.into(),
            help: help.into(),
        }
    }

    /// A refused read or write; the remedy follows from the kind of refusal.
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

    /// The process exit code: 1 the work failed, 2 bad usage, 130 interrupted.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Usage { .. } => 2,
            Error::Interrupted(_) => 130,
            _ => 1,
        }
    }
}

/// Errors below one another; how many more there are, where a list of them all would help nobody.
fn listed(errors: &[Error]) -> String {
    const MOST: usize = 100;
    let mut list: String = errors
        .iter()
        .take(MOST)
        .map(|error| format!("\n  {error}"))
        .collect();
    if errors.len() > MOST {
        list += &format!("\n  and {} more", errors.len() - MOST);
    }
    list
}

/// Characters of what a message quotes from its input, in which a name may have any length.
const QUOTED: usize = 2_000;

/// A text that may quote the input, as one line that is not endless.
fn quoted(text: &str) -> String {
    one_line(&truncated(text, QUOTED))
}

/// A text of one line that does nothing to a terminal: control characters are written as escapes.
pub(crate) fn one_line(text: &str) -> String {
    printable(text).replace('\n', "\\n")
}

/// A text that does nothing to a terminal but end lines: other control characters, as names of files and classes may hold
/// them, are written as escapes.
pub(crate) fn printable(text: &str) -> String {
    let acts = |c: char| c.is_control() && c != '\n';
    let escaped = |c: char| {
        let escape = acts(c).then(|| c.escape_default());
        let plain = (!acts(c)).then_some(c);
        escape.into_iter().flatten().chain(plain)
    };
    text.chars().flat_map(escaped).collect()
}
