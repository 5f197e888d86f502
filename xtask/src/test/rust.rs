//! The Rust tests: compiled by one cargo call, run as one program per suite.

use super::suite::{Kind, Suite};
use crate::command::{Failure, Run};
use crate::{wasm, Project};
use std::path::{Path, PathBuf};

/// Test programs by target: `lib`, `xtask`, or the source file.
#[derive(Debug, Default)]
pub(super) struct Executables(Vec<Executable>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Executable {
    target: String,
    program: PathBuf,
}

/// Compiles the programs of the suites; all programs if there are several suites.
pub(super) fn compile(project: &Project, suites: &[Suite]) -> Result<Executables, Failure> {
    let targets: Vec<&str> = suites
        .iter()
        .filter_map(|suite| match &suite.kind {
            Kind::Rust { target } => Some(target.as_str()),
            _ => None,
        })
        .collect();
    let selection: Vec<&str> = match targets.as_slice() {
        [] => return Ok(Executables::default()),
        ["lib"] => vec!["--lib"],
        ["xtask"] => vec!["--bin", "xtask"],
        [target] => vec!["--test", target],
        _ => vec!["--lib", "--bins", "--tests"],
    };
    let arguments = ["test", "--no-run", "--locked", "--workspace", "--exclude", wasm::BINDER, "--color", "never"];
    let arguments = arguments.iter().chain(&["--features", "origin"]);
    let cargo = Run::new("cargo").args(arguments).args(selection).within(&project.root);
    let said = project.progress.step("compile the Rust tests", || cargo.captured())?;
    Ok(Executables(said.lines().filter_map(Executable::read).collect()))
}

impl Executables {
    pub(super) fn get(&self, target: &str) -> Option<&Executable> {
        self.0.iter().find(|executable| executable.target == target)
    }
}

impl Executable {
    /// Parses a line of cargo's output, such as `  Executable tests/gate.rs (target/debug/deps/gate-6fd39aa20d1316d8)`.
    fn read(line: &str) -> Option<Self> {
        let (_, program) = line.trim_start().strip_prefix("Executable ")?.split_once('(')?;
        let program = PathBuf::from(program.strip_suffix(')')?);
        let (target, _) = program.file_name()?.to_str()?.rsplit_once('-')?;
        let target = if target == "portcullis" { "lib" } else { target };
        Some(Self { target: target.to_owned(), program })
    }

    /// Runs it as cargo would: in its package's folder. Output of passed tests is shown for its figures.
    pub(super) fn run(&self, project: &Project) -> Run {
        let of_xtask =
            self.target == "xtask" || project.path("xtask/tests").join(&self.target).with_extension("rs").exists();
        let folder = if of_xtask { Path::new("xtask") } else { Path::new("") };
        Run::new(project.root.join(&self.program)).args(["--show-output"]).within(&project.root.join(folder))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_programs_from_the_output_of_cargo() {
        let read = |line: &str| Executable::read(line).map(|found| (found.target, found.program));
        assert_eq!(
            read("  Executable tests/feed_faults.rs (target/debug/deps/feed_faults-583aecb195b0cf8a)"),
            Some(("feed_faults".into(), "target/debug/deps/feed_faults-583aecb195b0cf8a".into()))
        );
        let (target, _) =
            read("  Executable unittests src/lib.rs (target/debug/deps/portcullis-3149d9a3c0420ed4)").unwrap();
        assert_eq!(target, "lib");
        assert_eq!(read("   Compiling portcullis v0.1.0 (/a/folder)"), None);
        assert_eq!(read("warning: unused (1)"), None);
    }
}
