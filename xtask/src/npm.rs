//! Node and npm: whether they are there; locked dependencies, installed when the lock is newer than what is there; scripts.

use crate::command::{Failure, Run};
use std::path::Path;
use std::time::SystemTime;

const OLDEST_NODE: u32 = 20;

/// Refuses to begin where Node or npm is missing, or Node too old.
pub(crate) fn require() -> Result<(), Failure> {
    let missing = |program: &str| {
        let remedy = format!("install Node {OLDEST_NODE} or newer, with npm (https://nodejs.org)");
        Failure::Missing(format!("`{program}` is not installed, or not on the PATH: {remedy}"))
    };
    let version = Run::new("node").args(["--version"]).output().ok_or_else(|| missing("node"))?;
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST_NODE) {
        let text = format!("Node {OLDEST_NODE} or newer is needed, this is {version}: https://nodejs.org");
        return Err(Failure::Missing(text));
    }
    Run::new("npm").args(["--version"]).output().map(|_| ()).ok_or_else(|| missing("npm"))
}

/// Installs what `package-lock.json` names, if it is not there yet.
pub(crate) fn install(folder: &Path) -> Result<(), Failure> {
    let modified = |file: &str| -> Option<SystemTime> { folder.join(file).metadata().ok()?.modified().ok() };
    let (installed, locked) = (modified("node_modules/.package-lock.json"), modified("package-lock.json"));
    if installed.is_some() && installed >= locked {
        return Ok(());
    }
    Run::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).within(folder).aside().run()
}

/// A script of the folder's `package.json`, about to be run.
pub(crate) fn script(folder: &Path, name: &str) -> Run {
    Run::new("npm").args(["run", "--silent", name]).within(folder)
}
