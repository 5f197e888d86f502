//! Node and npm: checks that they are installed, and installs locked dependencies if the lock file is newer.

use crate::command::{Failure, Run};
use crate::Project;
use std::time::SystemTime;

const OLDEST_NODE: u32 = 20;

/// Fails if Node or npm is missing, or Node is too old.
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

/// Whether the scripts of packages may run when they are installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scripts {
    Run,
    /// In `pkg/`, only the native SQLite driver needs a script, which compiles for more than a minute.
    Ignore,
}

/// Installs the packages in `package-lock.json`, unless they are up to date.
pub(crate) fn install(project: &Project, name: &str, scripts: Scripts) -> Result<(), Failure> {
    let folder = project.path(name);
    let modified = |file: &str| -> Option<SystemTime> { folder.join(file).metadata().ok()?.modified().ok() };
    let (installed, locked) = (modified("node_modules/.package-lock.json"), modified("package-lock.json"));
    if installed.is_some() && installed >= locked {
        return Ok(());
    }
    let npm = Run::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).within(&folder);
    let npm = npm.args((scripts == Scripts::Ignore).then_some("--ignore-scripts"));
    project.progress.step(&format!("install the packages of {name}/"), || npm.captured()).map(drop)
}
