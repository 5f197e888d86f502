//! The record of long runs: appends figures, commit and date to a file.

use super::outcome::Finished;
use crate::command::{Failure, Run};
use crate::progress::seconds;
use crate::Project;
use std::fs::OpenOptions;
use std::io::Write;

const FILE: &str = "tests/RESULTS.md";

/// Appends the suites' figures, if any.
pub(super) fn append(project: &Project, finished: &[Finished]) -> Result<(), Failure> {
    if finished.iter().all(|suite| suite.outcome.figures.is_empty()) {
        return Ok(());
    }
    let within = |run: Run| run.within(&project.root).output().filter(|text| !text.is_empty());
    let commit = within(Run::new("git").args(["rev-parse", "--short", "HEAD"])).unwrap_or("unknown commit".into());
    let is_changed = within(Run::new("git").args(["status", "--porcelain", "--untracked-files=no"])).is_some();
    let commit = if is_changed { format!("{commit} with changes") } else { commit };
    let date = within(Run::new("date").args(["-u", "+%Y-%m-%d"])).unwrap_or("unknown date".into());
    let unwritable = |error: std::io::Error| Failure::Missing(format!("{FILE} could not be written: {error}"));
    let mut file = OpenOptions::new().append(true).open(project.path(FILE)).map_err(unwritable)?;
    file.write_all(entry(&commit, &date, finished).as_bytes()).map_err(unwritable)
}

fn entry(commit: &str, date: &str, finished: &[Finished]) -> String {
    let mut rows = String::new();
    for suite in finished {
        let result = if suite.outcome.passed { "" } else { "FAILED: " };
        for figure in &suite.outcome.figures {
            rows += &format!("| `{}` | {result}{figure} | {} |\n", suite.name, seconds(suite.seconds));
        }
    }
    format!("\n## {date}, {commit}\n\n| suite | figures | time |\n|---|---|---|\n{rows}")
}

#[cfg(test)]
mod tests {
    use super::super::outcome::Outcome;
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_entry_is_a_table_of_the_figures() {
        let suite = |name: &str, passed: bool, figures: &[&str]| {
            let figures = figures.iter().map(|figure| (*figure).to_owned()).collect();
            let outcome = Outcome { passed, figures, ..Outcome::default() };
            Finished { name: name.into(), outcome, seconds: Duration::from_secs(61) }
        };
        let finished =
            [suite("crash", true, &["50 kills"]), suite("demo", true, &[]), suite("rust/model", false, &["seed 1"])];
        assert_eq!(
            entry("abc1234", "2026-11-30", &finished),
            "\n## 2026-11-30, abc1234\n\n| suite | figures | time |\n|---|---|---|\n\
             | `crash` | 50 kills | 61 s |\n| `rust/model` | FAILED: seed 1 | 61 s |\n"
        );
    }
}
