//! Expected skips: with `CI=true` any other skip is a failure, so that no test goes unrun unnoticed.

use super::outcome::Skip;
use crate::command::Failure;
use crate::Project;
use std::fs;

pub(super) const FILE: &str = "tests/expected-skips.txt";

/// One line of the list: `SUITE: REASON`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expected {
    suite: String,
    reason: String,
}

pub(super) fn read(project: &Project) -> Result<Vec<Expected>, Failure> {
    let text = fs::read_to_string(project.path(FILE))
        .map_err(|error| Failure::Missing(format!("{FILE} could not be read: {error}")))?;
    parse(&text)
}

/// Parses the list. Empty lines and those that begin with `#` are ignored.
fn parse(text: &str) -> Result<Vec<Expected>, Failure> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|(number, line)| {
            let (suite, reason) = line
                .split_once(": ")
                .ok_or_else(|| Failure::Usage(format!("{FILE}, line {}: expected SUITE: REASON", number + 1)))?;
            Ok(Expected { suite: suite.trim().to_owned(), reason: reason.trim().to_owned() })
        })
        .collect()
}

/// Whether the list contains this skip of the suite.
pub(super) fn holds(list: &[Expected], suite: &str, skip: &Skip) -> bool {
    list.iter().any(|expected| expected.suite == suite && expected.reason == skip.reason)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn skip(reason: &str) -> Skip {
        Skip { test: "a test".into(), reason: reason.into() }
    }

    #[test]
    fn a_skip_is_expected_by_suite_and_reason() {
        let list = parse("# why\n\nunit/store: no driver: none\ncrash: no disk\n").unwrap();
        assert!(holds(&list, "unit/store", &skip("no driver: none")));
        assert!(holds(&list, "crash", &skip("no disk")));
        assert!(!holds(&list, "crash", &skip("no driver: none")));
        assert!(!holds(&list, "unit/store", &skip("")));
        assert!(!holds(&[], "crash", &skip("no disk")));
    }

    #[test]
    fn a_line_without_a_reason_is_refused() {
        let Err(Failure::Usage(text)) = parse("crash: no disk\ncrash") else { unreachable!() };
        assert_eq!(text, "tests/expected-skips.txt, line 2: expected SUITE: REASON");
    }
}
