//! Another commit of this repository, checked out and built under `target/`, to be measured against this checkout.

use crate::command::{Failure, Run};
use crate::Project;
use std::fs;
use std::path::{Path, PathBuf};

/// Written last, so that an interrupted build is repeated.
const STAMP: &str = "target/built";

/// Resolves a branch, tag or abbreviated hash to a commit.
pub(crate) fn resolve(project: &Project, reference: &str) -> Result<String, Failure> {
    Run::new("git").args(["--version"]).output().ok_or_else(|| {
        Failure::Missing("`git` is not installed, or not on the PATH: --against checks out another commit".into())
    })?;
    let commit = format!("{reference}^{{commit}}");
    let found = Run::new("git").args(["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]);
    found.within(&project.root).output().ok_or_else(|| Failure::Usage("--against: unknown commit".into()))
}

/// Returns the folder of this commit with its package built. Commits never change, so each is built once.
pub(crate) fn checkout(project: &Project, commit: &str) -> Result<PathBuf, Failure> {
    let folder = project.path("target/against").join(commit);
    if folder.join(STAMP).exists() {
        return Ok(folder);
    }
    if !folder.join(".git").exists() {
        clone(project, &folder)?;
    }
    git(&folder).args(["checkout", "--quiet", "--force", "--detach", commit]).aside().run()?;
    eprintln!("building {commit} in {}: takes some minutes, once", folder.display());
    // Built with its own xtask: modules, flags and optimiser are part of the comparison.
    let build = Run::new("cargo").args(["run", "--quiet", "--package", "xtask", "--", "build"]);
    // With a target folder shared between checkouts, one checkout would get the other's programs.
    build.env("CARGO_TARGET_DIR", folder.join("target")).within(&folder).aside().run()?;
    tidy(&folder)?;
    fs::write(folder.join(STAMP), "").map_err(|error| unusable(&folder, &error))?;
    Ok(folder)
}

/// Makes a clone, not a worktree, which would show up in the user's `git worktree list`.
fn clone(project: &Project, folder: &Path) -> Result<(), Failure> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| unusable(folder, &error))?;
    }
    let parameters = ["clone", "--quiet", "--no-checkout"];
    Run::new("git").args(parameters).args([project.root.as_path(), folder]).aside().run()
}

/// Deletes the compiler's files: a gigabyte that is no longer needed.
fn tidy(folder: &Path) -> Result<(), Failure> {
    for leftover in ["target/debug", "target/wasm"] {
        let leftover = folder.join(leftover);
        if leftover.exists() {
            fs::remove_dir_all(&leftover).map_err(|error| unusable(&leftover, &error))?;
        }
    }
    Ok(())
}

fn git(folder: &Path) -> Run {
    Run::new("git").within(folder)
}

fn unusable(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::Missing(format!("{} is not usable: {error}", folder.display()))
}
