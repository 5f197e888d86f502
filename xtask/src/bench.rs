//! Benchmarks: against the peers, or against another commit.

use crate::command::{Failure, Run};
use crate::{against, build, npm, system, typescript, Project};
use std::path::Path;

/// The command line after `bench`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    names: Vec<String>,
    format: Format,
    against: Option<String>,
    /// In percent, as given.
    bar: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Format {
    #[default]
    Text,
    Json,
}

const USAGE: &str = "bench takes one NAME and --json, or any NAMEs with --against REF [--bar PERCENT] [--json]";

/// Runs the benchmarks.
pub(crate) fn bench(project: &Project, arguments: &[String]) -> Result<(), Failure> {
    let options = Options::read(arguments)?;
    npm::require()?;
    // Resolved first, so that a commit that does not exist is reported before anything is built.
    let commit = options.against.as_deref().map(|reference| against::resolve(project, reference)).transpose()?;
    let node = build::package(project, &build::BENCH)?;
    match commit {
        Some(commit) => compare(project, &node, &options, &commit),
        None => measure(project, &node, &options),
    }
}

fn measure(project: &Project, node: &Path, options: &Options) -> Result<(), Failure> {
    if options.wants(&["instead"]) {
        // Without it, that peer is omitted.
        let _ = system::provide("redis-server", "redis-server", project.consent);
    }
    options.forward(typescript(project, node, "tests", "bench/run.ts")).run()
}

fn compare(project: &Project, node: &Path, options: &Options, commit: &str) -> Result<(), Failure> {
    let before = against::checkout(project, commit)?;
    if options.wants(&["verdict", "status", "apply_delta"]) {
        // Without it, the instruction counts of the native core are omitted.
        let _ = system::provide("valgrind", "valgrind", project.consent);
    }
    let run =
        typescript(project, node, "tests", "bench/against/run.ts").args(["--before".as_ref(), before.as_os_str()]);
    let bar = options.bar.as_deref().map(|percent| format!("--bar={percent}"));
    options.forward(run).args(bar).run()
}

impl Options {
    fn read(arguments: &[String]) -> Result<Self, Failure> {
        let wrong = || Failure::Usage(USAGE.into());
        let mut options = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--json" => options.format = Format::Json,
                "--against" => options.against = Some(value(rest.next()).ok_or_else(wrong)?),
                "--bar" => options.bar = Some(value(rest.next()).ok_or_else(wrong)?),
                "--install" => {}
                flag if flag.starts_with("--") => return Err(wrong()),
                name => options.names.push(name.to_owned()),
            }
        }
        let percent = options.bar.as_deref().map(str::parse::<f64>);
        let is_percentage = percent.is_none_or(|percent| percent.is_ok_and(|percent| percent >= 0.0));
        let fits = match options.against {
            Some(_) => is_percentage,
            None => options.bar.is_none() && options.names.len() <= 1,
        };
        fits.then_some(options).ok_or_else(wrong)
    }

    /// Whether any of these figures is measured. Without names, all are.
    fn wants(&self, figures: &[&str]) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| figures.iter().any(|figure| name.starts_with(figure)))
    }

    fn forward(&self, run: Run) -> Run {
        run.args(&self.names).args((self.format == Format::Json).then_some("--json"))
    }
}

/// Returns the value after an option, unless it is another option.
fn value(argument: Option<&String>) -> Option<String> {
    argument.filter(|argument| !argument.starts_with('-')).cloned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, Failure> {
        Options::read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn names_and_options_in_any_order() {
        let options = read("warm_check --against a120da2 cold_check --bar 2.5 --json").unwrap();
        assert_eq!(options.names, ["warm_check", "cold_check"]);
        assert_eq!((options.against.as_deref(), options.bar.as_deref()), (Some("a120da2"), Some("2.5")));
        assert_eq!(options.format, Format::Json);
        assert_eq!(read("").unwrap(), Options::default());
    }

    #[test]
    fn refuses_wrong_arguments() {
        for line in [
            "--against",
            "--against --json",
            "a b",
            "--bar 3",
            "--against HEAD --bar fast",
            "--against HEAD --bar -1",
            "--jsn",
        ] {
            assert!(matches!(read(line), Err(Failure::Usage(_))), "{line}");
        }
    }

    #[test]
    fn selects_figures_by_prefix() {
        assert!(read("").unwrap().wants(&["status"]));
        assert!(read("verdict.RS256").unwrap().wants(&["verdict"]));
        assert!(!read("warm_check").unwrap().wants(&["verdict", "status"]));
    }
}
