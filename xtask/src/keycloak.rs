//! The table of actions against a real Keycloak, which the TypeScript in `tests/keycloak/` fetches, starts and stops.

use crate::command::Failure;
use crate::{build, system, typescript, Project};

const USAGE: &str =
    "known options here: --short, --rows N,N, --round all|no-push|no-poll, --actions N, --keep, --install";

/// Options of the program, with whether a value follows.
const OPTIONS: [(&str, bool); 5] =
    [("--short", false), ("--keep", false), ("--rows", true), ("--round", true), ("--actions", true)];

/// The program that Keycloak needs, and Debian's package of it.
pub(crate) const JAVA: (&str, &str) = ("java", "openjdk-17-jre-headless");

pub(crate) fn keycloak(project: &Project, arguments: &[String]) -> Result<(), Failure> {
    let passed = passed(arguments)?;
    let (program, package) = JAVA;
    let node = build::package(project, &build::TESTS)?;
    if !system::provide(program, package, project.consent) {
        return Err(Failure::Missing(format!("Keycloak needs Java 17: apt-get install {package}")));
    }
    // One row clicks in Keycloak's console; without Chromium it is named as skipped.
    if !passed.iter().any(|option| *option == "--short") {
        let _ = system::provide("chromium", "chromium", project.consent);
    }
    typescript(project, &node, "tests", "keycloak/run.ts").args(passed).run()
}

/// The options that the program is given: all but `--install`.
fn passed(arguments: &[String]) -> Result<Vec<&String>, Failure> {
    let mut passed = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match OPTIONS.iter().find(|(name, _)| name == argument) {
            Some((_, takes_value)) => {
                passed.push(argument);
                if *takes_value {
                    let value = rest.next().filter(|value| !value.starts_with('-'));
                    passed.push(value.ok_or_else(|| Failure::Usage(USAGE.into()))?);
                }
            }
            None if argument == "--install" => {}
            None => return Err(Failure::Usage(USAGE.into())),
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
        let arguments = words("--install --rows 1,2 --keep --round no-push");
        assert_eq!(passed(&arguments).unwrap(), ["--rows", "1,2", "--keep", "--round", "no-push"]);
        assert!(passed(&[]).unwrap().is_empty());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for line in ["--kep", "--rows", "--rows --keep", "1,2"] {
            assert!(matches!(passed(&words(line)), Err(Failure::Usage(_))), "{line}");
        }
    }
}
