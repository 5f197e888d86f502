//! The package in every build tool and runtime, which the TypeScript in `tests/matrix/` installs, builds with and probes.

use crate::command::Failure;
use crate::{build, system, typescript, Project};

const USAGE: &str = "known options here: --short, --only NAME, --list, --install";

pub(crate) fn matrix(project: &Project, arguments: &[String]) -> Result<(), Failure> {
    let passed = passed(arguments)?;
    let node = build::package(project, &build::TESTS)?;
    // Pages run in Chromium; without it their rows are named as skipped.
    if !passed.iter().any(|option| *option == "--list") {
        let _ = system::provide("chromium", "chromium", project.consent);
    }
    typescript(project, &node, "tests", "matrix/run.ts").args(passed).run()
}

/// The options that the program is given: all but `--install`.
fn passed(arguments: &[String]) -> Result<Vec<&String>, Failure> {
    let refused = || Failure::Usage(USAGE.into());
    let mut passed = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--short" | "--list" => passed.push(argument),
            "--only" => {
                let name = rest.next().filter(|name| !name.starts_with('-'));
                passed.extend([argument, name.ok_or_else(refused)?]);
            }
            "--install" => {}
            _ => return Err(refused()),
        }
    }
    Ok(passed)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn options_are_passed_on_in_their_order() {
        let arguments = words("--install --only vite --short --only esbuild");
        assert_eq!(passed(&arguments).unwrap(), ["--only", "vite", "--short", "--only", "esbuild"]);
        assert!(passed(&[]).unwrap().is_empty());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for line in ["--shrt", "--only", "--only --list", "vite"] {
            assert!(matches!(passed(&words(line)), Err(Failure::Usage(_))), "{line}");
        }
    }
}
