//! Recursive listing of a folder, following links. Unreadable subfolders are skipped and recorded: they are an error only
//! if a clip inside one is needed.

use std::fs;
use std::path::{Path, PathBuf};

use super::Location;
use crate::error::{Error, Place, Result, Warning};
use crate::formats::dataset::is_hidden;

/// Maximum nesting depth of folders.
const DEEPEST: usize = 16;
/// System folders, which never contain clips.
const SYSTEM: [&str; 3] = ["lost+found", "System Volume Information", "$RECYCLE.BIN"];

/// The contents of a folder.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Path inside the folder, separated by `/`, and the file. Broken links are included; reading one reports the cause.
    pub entries: Vec<(String, Location)>,
    /// Unreadable folders, and broken links that may have pointed to a folder: path inside the folder, and the system's
    /// error message.
    pub unread: Vec<(String, String)>,
}

impl Listing {
    /// Lists a folder.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be read, [`Error::Input`] if folders are nested too deeply.
    pub fn of(folder: &Path) -> Result<Self> {
        let mut listing = Listing::default();
        let inside = fs::read_dir(folder).map_err(|error| refused(folder, error))?;
        listing.add(folder, inside, "", 0)?;
        Ok(listing)
    }

    fn add(
        &mut self,
        folder: &Path,
        inside: fs::ReadDir,
        within: &str,
        depth: usize,
    ) -> Result<()> {
        if depth > DEEPEST {
            let what = format!("nested more than {DEEPEST} folders deep");
            let help = "pass a folder closer to the clips";
            return Err(Error::input(Place::file(folder), what, help));
        }
        for entry in inside {
            let entry = entry.map_err(|error| refused(folder, error))?;
            let path = entry.path();
            let name = format!("{within}{}", entry.file_name().to_string_lossy());
            let metadata = match fs::metadata(&path) {
                Ok(metadata) => metadata,
                Err(error) => {
                    if path.extension().is_none() {
                        self.unread.push((name.clone(), error.to_string()));
                    }
                    self.entries.push((name, Location::File(path)));
                    continue;
                }
            };
            if metadata.is_file() {
                self.entries.push((name, Location::File(path)));
            } else if metadata.is_dir() && !is_circle(&path, folder) {
                match fs::read_dir(&path) {
                    Ok(inside) => self.add(&path, inside, &format!("{name}/"), depth + 1)?,
                    Err(error) => self.unread.push((name, error.to_string())),
                }
            }
        }
        Ok(())
    }

    /// A warning if an unreadable folder or link may contain clips.
    pub fn warning(&self, folder: &Path) -> Option<Warning> {
        let may_hold = |name: &str| {
            let last = name.rsplit('/').next().unwrap_or(name);
            !is_hidden(name) && !SYSTEM.contains(&last)
        };
        let names = self.unread.iter().filter(|(name, _)| may_hold(name));
        let count = names.clone().count();
        let (first, why) = names.min()?;
        let what = match count {
            1 => format!("skipped {first}, which cannot be read ({why})"),
            _ => format!(
                "skipped {count} folders or links that cannot be read, the first of them {first} ({why})"
            ),
        };
        let help = "make it readable if it contains clips; otherwise ignore this warning";
        Some(Warning::new(Place::file(folder), what, help))
    }
}

/// True for a link that points to one of its own parent folders.
fn is_circle(path: &Path, folder: &Path) -> bool {
    let real = |path: &Path| -> Option<PathBuf> { path.canonicalize().ok() };
    path.is_symlink()
        && real(path)
            .zip(real(folder))
            .is_some_and(|(target, folder)| folder.starts_with(target))
}

fn refused(folder: &Path, error: std::io::Error) -> Error {
    Error::io(folder, "read the folder", error)
}
