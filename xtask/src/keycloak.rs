//! Runs the table of actions against a real Keycloak, which the TypeScript in `tests/keycloak/` fetches, starts and
//! stops.

use crate::command::Failure;
use crate::forwarded::forwarded;
use crate::{build, system, typescript, Project};

const USAGE: &str = "valid options: --short, --rows N,N, --round all|no-push|no-poll, --actions N, --keep, --install";

/// Options of the program, and whether a value follows.
const OPTIONS: [(&str, bool); 5] =
    [("--short", false), ("--keep", false), ("--rows", true), ("--round", true), ("--actions", true)];

/// The program that Keycloak needs, and its Debian package.
pub(crate) const JAVA: (&str, &str) = ("java", "openjdk-17-jre-headless");

pub(crate) fn keycloak(project: &Project, arguments: &[String]) -> Result<(), Failure> {
    let passed = forwarded(arguments, &OPTIONS, USAGE)?;
    let (program, package) = JAVA;
    let node = build::package(project, &build::TESTS)?;
    if !system::provide(program, package, project.consent) {
        return Err(Failure::Missing(format!("Keycloak needs Java 17: apt-get install {package}")));
    }
    // One row uses Keycloak's console; without Chromium it is reported as skipped.
    if !passed.iter().any(|option| *option == "--short") {
        let _ = system::provide("chromium", "chromium", project.consent);
    }
    typescript(project, &node, "tests", "keycloak/run.ts").args(passed).run()
}
