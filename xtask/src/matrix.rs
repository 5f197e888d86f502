//! Runs the package in every build tool and runtime, which the TypeScript in `tests/matrix/` installs, builds with and
//! probes.

use crate::command::Failure;
use crate::forwarded::forwarded;
use crate::{build, system, typescript, Project};

const USAGE: &str = "valid options: --short, --only NAME, --list, --install";

/// Options of the program, and whether a value follows.
const OPTIONS: [(&str, bool); 3] = [("--short", false), ("--list", false), ("--only", true)];

pub(crate) fn matrix(project: &Project, arguments: &[String]) -> Result<(), Failure> {
    let passed = forwarded(arguments, &OPTIONS, USAGE)?;
    let node = build::package(project, &build::TESTS)?;
    // Pages run in Chromium; without it, their rows are reported as skipped.
    if !passed.iter().any(|option| *option == "--list") {
        let _ = system::provide("chromium", "chromium", project.consent);
    }
    typescript(project, &node, "tests", "matrix/run.ts").args(passed).run()
}
