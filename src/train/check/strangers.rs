//! Files in a run's folder that are not the run's.

use super::Checker;
use crate::files;
use crate::train::checkpoint;
use crate::train::folder::{
    BEST, CHECKPOINTS, CHECKSUMS, CONFIG, EVENTS, GROWING, LOCK, REPORT_PAGE, is_locked,
};
use crate::train::tensorboard;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

impl Checker<'_> {
    /// Warns of everything in the folder that no run makes.
    pub(super) fn others(&mut self) {
        const OURS: [&str; 5] = [CONFIG, BEST, CHECKSUMS, REPORT_PAGE, LOCK];
        const FOLDERS: [&str; 2] = [CHECKPOINTS, EVENTS];
        let lock = self.folder.join(LOCK);
        if std::fs::metadata(&lock).is_ok_and(|lock| lock.len() > 0) {
            self.warn(&lock, "not empty", "it only marks who trains in the folder");
        }
        for path in entries(self.folder) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let ours = OURS.iter().chain(&GROWING).any(|ours| *ours == name);
            if !ours && !FOLDERS.contains(&name.as_ref()) {
                self.stranger(&path);
            }
        }
        let folders = FOLDERS.map(|name| self.folder.join(name));
        let checkpoints = checkpoint::list(&folders[0]).unwrap_or_default();
        let events = tensorboard::list(&folders[1]).unwrap_or_default();
        let own: HashSet<PathBuf> = checkpoints.into_iter().chain(events).collect();
        for path in folders.iter().flat_map(|folder| entries(folder)) {
            if !own.contains(&path) && path.exists() {
                self.stranger(&path);
            }
        }
    }

    fn stranger(&mut self, path: &Path) {
        if files::is_leftover(path) {
            // Beside a training, it is a write in progress.
            if !is_locked(&self.folder.join(LOCK)) {
                let help = "resuming the run removes it";
                self.warn(path, "left by an interrupted write", help);
            }
        } else {
            let help = "it is not checked";
            self.warn(path, "not a file of the run", help);
        }
    }
}

/// What lies in a folder, in the order of the names.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
