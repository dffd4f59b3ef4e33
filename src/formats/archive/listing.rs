//! The files below a folder, links followed. What cannot be looked into is passed over and remembered: it stops nothing
//! unless a clip in it is asked for.

use std::fs;
use std::path::{Path, PathBuf};

use super::Found;
use crate::error::{Error, Place, Result, Warning};
use crate::formats::dataset::is_hidden;

/// Folders in folders that are looked into.
const DEEPEST: usize = 16;
/// Folders of the system, which hold no clips.
const SYSTEM: [&str; 3] = ["lost+found", "System Volume Information", "$RECYCLE.BIN"];

/// What a folder holds.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Path inside the folder with `/` between folders, and the file. A link that leads nowhere is one of them: whoever
    /// reads it hears why it cannot be read.
    pub entries: Vec<(String, Found)>,
    /// Folders that cannot be read, and links that lead nowhere and may have led to one: path inside the folder, and what
    /// the system says.
    pub unread: Vec<(String, String)>,
}

impl Listing {
    /// Lists a folder.
    ///
    /// # Errors
    /// A folder that cannot be read, or folders too deep in one another.
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
            let what = format!("it lies more than {DEEPEST} folders deep");
            let help = "give a folder nearer to the clips";
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
                    self.entries.push((name, Found::File(path)));
                    continue;
                }
            };
            if metadata.is_file() {
                self.entries.push((name, Found::File(path)));
            } else if metadata.is_dir() && !is_circle(&path, folder) {
                match fs::read_dir(&path) {
                    Ok(inside) => self.add(&path, inside, &format!("{name}/"), depth + 1)?,
                    Err(error) => self.unread.push((name, error.to_string())),
                }
            }
        }
        Ok(())
    }

    /// That something was passed over which may hold clips.
    pub fn warning(&self, folder: &Path) -> Option<Warning> {
        let may_hold = |name: &str| {
            let last = name.rsplit('/').next().unwrap_or(name);
            !is_hidden(name) && !SYSTEM.contains(&last)
        };
        let names = self.unread.iter().filter(|(name, _)| may_hold(name));
        let count = names.clone().count();
        let (first, why) = names.min()?;
        let what = match count {
            1 => format!("{first} was passed over: it cannot be read ({why})"),
            _ => format!(
                "{count} folders or links were passed over, the first {first}: it cannot be read ({why})"
            ),
        };
        let help = "make it readable if it holds clips; else this does not matter";
        Some(Warning::new(Place::file(folder), what, help))
    }
}

/// True for a link to a folder that it lies in.
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
