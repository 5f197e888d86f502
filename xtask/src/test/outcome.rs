//! The outcome of a suite, parsed from the output of Rust's and Node's test runners.

use crate::command::Run;
use crate::progress::seconds;
use std::time::Duration;

/// Prefix of a line with a figure that `--long` records.
const FIGURE: &str = "figure: ";

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(super) passed: bool,
    pub(super) tests: usize,
    pub(super) skips: Vec<Skip>,
    pub(super) figures: Vec<String>,
    pub(super) output: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Skip {
    pub(super) test: String,
    pub(super) reason: String,
}

#[derive(Debug)]
pub(crate) struct Finished {
    pub(super) name: String,
    pub(super) outcome: Outcome,
    pub(super) seconds: Duration,
}

/// Runs a program that is a single test.
pub(super) fn of_program(run: Run) -> Outcome {
    Outcome { tests: 1, ..of(run, |_, _| ()) }
}

/// Runs Rust's test runner.
pub(super) fn of_rust(run: Run) -> Outcome {
    of(run, |outcome, line| {
        let Some((test, result)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) else {
            return;
        };
        outcome.tests += 1;
        if let Some(reason) = result.strip_prefix("ignored") {
            let reason = reason.trim_start_matches(", ").to_owned();
            outcome.skips.push(Skip { test: test.to_owned(), reason });
        }
    })
}

/// Runs Node's test runner with its TAP reporter.
pub(super) fn of_node(run: Run) -> Outcome {
    let mut outcome = of(run, |outcome, line| {
        let line = line.trim_start();
        let Some(rest) = line.strip_prefix("ok ").or_else(|| line.strip_prefix("not ok ")) else { return };
        let Some((_, test)) = rest.split_once(" - ") else { return };
        outcome.tests += 1;
        if let Some((test, reason)) = test.split_once(" # SKIP") {
            outcome.skips.push(Skip { test: test.to_owned(), reason: reason.trim().to_owned() });
        }
    });
    outcome.output = without_passed(&outcome.output);
    outcome
}

/// Removes passed tests and their diagnostics from TAP. Everything else stays, because a failure may be anywhere in it.
fn without_passed(tap: &str) -> String {
    let mut kept = String::new();
    let mut of_passed = false;
    for line in tap.lines() {
        let text = line.trim_start();
        let is_passed = text.starts_with("ok ");
        of_passed = is_passed
            || (of_passed && matches!(text, "---" | "..."))
            || (of_passed && ["duration_ms:", "type:"].iter().any(|name| text.starts_with(name)));
        if !of_passed && !text.starts_with("# Subtest: ") {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The outcome of a suite for which cargo built no program.
pub(super) fn absent() -> Outcome {
    Outcome { output: "cargo built no program for these tests".into(), ..Outcome::default() }
}

fn of(run: Run, read: impl Fn(&mut Outcome, &str)) -> Outcome {
    let (passed, output) = run.ended();
    let mut outcome = Outcome { passed, ..Outcome::default() };
    for line in output.lines() {
        read(&mut outcome, line);
        if let Some((_, figure)) = line.split_once(FIGURE) {
            outcome.figures.push(figure.to_owned());
        }
    }
    outcome.output = output;
    outcome
}

impl Finished {
    /// Formats the outcome, such as `ok      unit/edge/gate  3 s, tests: 12, 1 skipped`.
    pub(super) fn line(&self) -> String {
        let result = if self.outcome.passed { "ok" } else { "FAILED" };
        let skipped = match self.outcome.skips.len() {
            0 => String::new(),
            count => format!(", {count} skipped"),
        };
        let time = seconds(self.seconds);
        format!("{result:<6}  {}  {time}, tests: {}{skipped}", self.name, self.outcome.tests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str) -> Run {
        Run::new("printf").args(["%s", text])
    }

    fn skip(test: &str, reason: &str) -> Skip {
        Skip { test: test.into(), reason: reason.into() }
    }

    #[test]
    fn reads_the_output_of_rusts_runner() {
        let text = "running 3 tests\ntest a::b ... ok\ntest slow ... ignored, takes an hour\ntest bare ... ignored\n\
                    \n---- a::b stdout ----\nfigure: 17 kills\n\ntest result: ok. 1 passed; 0 failed; 2 ignored\n";
        let outcome = of_rust(printed(text));
        assert!(outcome.passed);
        assert_eq!(outcome.tests, 3);
        assert_eq!(outcome.skips, [skip("slow", "takes an hour"), skip("bare", "")]);
        assert_eq!(outcome.figures, ["17 kills"]);
    }

    #[test]
    fn reads_the_output_of_nodes_runner() {
        let text = "TAP version 13\n# figure: 640 revocations\n# Subtest: a\n    # Subtest: inner\n    ok 1 - inner # SKIP no Chromium\n\
                    ok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP\nok 4 - checks - all\n# tests 5\n";
        let outcome = of_node(printed(text));
        assert_eq!(outcome.tests, 5);
        assert_eq!(outcome.skips, [skip("inner", "no Chromium"), skip("c", "")]);
        assert_eq!(outcome.figures, ["640 revocations"]);
    }

    #[test]
    fn passed_tests_are_not_shown() {
        let tap = "# Subtest: a\nok 1 - a\n  ---\n  duration_ms: 3\n  type: 'test'\n  ...\n# Subtest: b\nnot ok 2 - b\n  ---\n\
                   \x20 duration_ms: 3\n  error: 'x'\n  ...\n# a warning\n# fail 1\n";
        let shown = "not ok 2 - b\n  ---\n  duration_ms: 3\n  error: 'x'\n  ...\n# a warning\n# fail 1\n";
        assert_eq!(without_passed(tap), shown);
    }

    #[test]
    fn reports_a_program_that_fails_or_is_missing() {
        assert!(!of_program(Run::new("false")).passed);
        assert_eq!(of_program(Run::new("true")).tests, 1);
        let absent = of_program(Run::new("/nonexistent/program"));
        assert!(!absent.passed && absent.output.contains("is not installed"), "{}", absent.output);
    }

    #[test]
    fn a_suite_in_one_line() {
        let outcome = Outcome { passed: true, tests: 12, skips: vec![skip("a", "b")], ..Outcome::default() };
        let finished = Finished { name: "unit/edge/gate".into(), outcome, seconds: Duration::from_millis(3_400) };
        assert_eq!(finished.line(), "ok      unit/edge/gate  3 s, tests: 12, 1 skipped");
    }
}
