//! npm: locked dependencies, installed when the lock is newer than what is there, and scripts.

use crate::command::{Failure, Run};
use std::path::Path;
use std::time::SystemTime;

/// Installs what `package-lock.json` names, if it is not there yet.
pub(crate) fn install(folder: &Path) -> Result<(), Failure> {
    let modified = |file: &str| -> Option<SystemTime> { folder.join(file).metadata().ok()?.modified().ok() };
    let (installed, locked) = (modified("node_modules/.package-lock.json"), modified("package-lock.json"));
    if installed.is_some() && installed >= locked {
        return Ok(());
    }
    Run::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).within(folder).run()
}

/// A script of the folder's `package.json`, about to be run.
pub(crate) fn script(folder: &Path, name: &str) -> Run {
    Run::new("npm").args(["run", "--silent", name]).within(folder)
}
