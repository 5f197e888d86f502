//! The final report: failures, skips, the slowest suites, and the time compared with the budget.

use super::expected::{self, Expected};
use super::options::{Options, Tier};
use super::outcome::Finished;
use crate::progress::seconds;
use std::time::Duration;

/// Maximum duration of a run for a change, from a fresh clone on two cores.
const BUDGET: Duration = Duration::from_secs(30 * 60);
const SLOWEST: usize = 10;

/// Prints the report and returns the number of unexpected skips.
pub(super) fn print(finished: &[Finished], expected: &[Expected], options: &Options, total: Duration) -> usize {
    let skips = skips(finished, expected);
    for part in [slowest(finished), skips.text, failed(finished), time(total, options)] {
        if !part.is_empty() {
            println!("\n{part}");
        }
    }
    skips.unexpected
}

fn slowest(finished: &[Finished]) -> String {
    let mut by_time: Vec<_> = finished.iter().collect();
    by_time.sort_by_key(|suite| std::cmp::Reverse(suite.seconds));
    let lines = by_time.iter().take(SLOWEST).map(|suite| format!("\n  {:>6}  {}", seconds(suite.seconds), suite.name));
    format!("slowest suites:{}", lines.collect::<String>())
}

struct Skips {
    text: String,
    unexpected: usize,
}

fn skips(finished: &[Finished], expected: &[Expected]) -> Skips {
    let mut found = Skips { text: String::new(), unexpected: 0 };
    for suite in finished {
        for skip in &suite.outcome.skips {
            let is_expected = expected::holds(expected, &suite.name, skip);
            found.unexpected += usize::from(!is_expected);
            let mark = if is_expected { "" } else { "  (not expected)" };
            let reason = if skip.reason.is_empty() { "no reason given" } else { &skip.reason };
            found.text += &format!("\n  {}: {}: {reason}{mark}", suite.name, skip.test);
        }
    }
    found.text = if found.text.is_empty() { "skipped: nothing".into() } else { format!("skipped:{}", found.text) };
    found
}

fn failed(finished: &[Finished]) -> String {
    let names: Vec<_> =
        finished.iter().filter(|suite| !suite.outcome.passed).map(|suite| suite.name.as_str()).collect();
    match names.as_slice() {
        [] => String::new(),
        names => format!("failed:\n  {}", names.join("\n  ")),
    }
}

fn time(total: Duration, options: &Options) -> String {
    // A selection of suites, or a long run, has no budget.
    if !options.only.is_empty() || options.tier == Tier::Long {
        return format!("total: {}", minutes(total));
    }
    let verdict = if total > BUDGET { ": over budget" } else { "" };
    format!("total: {} of {}{verdict}", minutes(total), minutes(BUDGET))
}

/// Formats a duration, such as `3 min 7 s`.
fn minutes(duration: Duration) -> String {
    format!("{} min {} s", duration.as_secs() / 60, duration.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::super::outcome::{Outcome, Skip};
    use super::*;

    fn suite(name: &str, seconds: u64, skips: &[(&str, &str)]) -> Finished {
        let skip = |(test, reason): &(&str, &str)| Skip { test: (*test).into(), reason: (*reason).into() };
        let outcome = Outcome { passed: true, skips: skips.iter().map(skip).collect(), ..Outcome::default() };
        Finished { name: name.into(), outcome, seconds: Duration::from_secs(seconds) }
    }

    #[test]
    fn lists_the_ten_slowest_suites_slowest_first() {
        let suites: Vec<_> = (1..=12).map(|at| suite(&format!("s{at}"), at, &[])).collect();
        let text = slowest(&suites);
        assert!(text.starts_with("slowest suites:\n    12 s  s12\n    11 s  s11\n"), "{text}");
        assert!(text.ends_with("     3 s  s3"), "{text}");
    }

    #[test]
    fn lists_every_skip_with_its_reason() {
        let found = skips(&[suite("crash", 1, &[("a", "no disk"), ("b", "")])], &[]);
        assert_eq!(found.unexpected, 2);
        assert_eq!(
            found.text,
            "skipped:\n  crash: a: no disk  (not expected)\n  crash: b: no reason given  (not expected)"
        );
        assert_eq!(skips(&[suite("crash", 1, &[])], &[]).text, "skipped: nothing");
    }

    #[test]
    fn compares_the_total_with_the_budget() {
        let all = Options::default();
        assert_eq!(time(Duration::from_secs(1_207), &all), "total: 20 min 7 s of 30 min 0 s");
        assert_eq!(time(Duration::from_secs(1_861), &all), "total: 31 min 1 s of 30 min 0 s: over budget");
        let some = Options { only: vec!["crash".into()], ..Options::default() };
        assert_eq!(time(Duration::from_secs(61), &some), "total: 1 min 1 s");
    }

    #[test]
    fn failures_are_named_together() {
        let mut broken = suite("crash", 1, &[]);
        broken.outcome.passed = false;
        assert_eq!(failed(&[suite("demo", 1, &[]), broken]), "failed:\n  crash");
        assert_eq!(failed(&[]), "");
    }
}
