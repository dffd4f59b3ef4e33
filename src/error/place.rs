//! Where in the input something is.

use super::quote::{one_line, quoted};
use std::fmt;
use std::path::{Path, PathBuf};

/// A place in the input: a file, an entry of an archive, a line of text.
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
