//! The fuzzer: libFuzzer with the targets of `tests/fuzz/`, built by stable Rust with LLVM's coverage counters. Without
//! a sanitizer, which needs nightly: the crate has no `unsafe`.

use crate::command::{Failure, Run};
use crate::{system, Project};
use std::fs;
use std::path::{Path, PathBuf};

/// The targets, in the order of their runs.
const TARGETS: [&str; 5] = ["token", "jwks", "feed", "rows", "sections"];
const USAGE: &str =
    "fuzz takes one of token, jwks, feed, rows, sections, and --seconds N (1 to 86400, for each) or --corpus";
const DEFAULT_SECONDS: u32 = 60;
const MAX_SECONDS: u32 = 86_400;
/// The folder of programs, seeds, discovered inputs and findings.
const FOLDER: &str = "target/fuzz";
/// Maximum length of an input. Longer inputs find nothing more, and take longer.
const MAX_INPUT_BYTES: u32 = 8_192;
/// Maximum total size of a target's inputs in git.
const MAX_CORPUS_BYTES: u64 = 56_000;

/// Flags for the counters that libFuzzer reads, as in `cargo fuzz`.
const COVERAGE: [&str; 8] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg",
    "fuzzing",
    "-Ccodegen-units=1",
];

/// The command line after `fuzz`.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    targets: Vec<&'static str>,
    work: Work,
}

#[derive(Debug, PartialEq, Eq)]
enum Work {
    /// Searches for findings, `seconds` for each target.
    Search { seconds: u32 },
    /// Rebuilds the corpus in git from all known inputs.
    Corpus,
}

pub(crate) fn fuzz(project: &Project, arguments: &[String]) -> Result<(), Failure> {
    let options = Options::read(arguments)?;
    let programs = build(project)?;
    let mut findings = Vec::new();
    for target in options.targets {
        seed(project, &programs, target)?;
        match options.work {
            Work::Search { seconds } => {
                let run = search(project, &programs, target, seconds)?;
                println!("{}", run.line(target, seconds));
                findings.extend(run.finding.map(|finding| explain(target, &finding)));
            }
            Work::Corpus => merge(project, &programs, target)?,
        }
    }
    if findings.is_empty() {
        Ok(())
    } else {
        Err(Failure::Tests(findings.join("\n")))
    }
}

/// Returns the sources that only the fuzzer's workspace compiles.
pub(crate) fn sources() -> impl Iterator<Item = String> {
    let programs = TARGETS.map(|target| format!("tests/fuzz/targets/{target}.rs"));
    programs.into_iter().chain(["tests/fuzz/lib.rs".into()])
}

/// Compiles the targets; returns the folder of their programs.
fn build(project: &Project) -> Result<PathBuf, Failure> {
    if !system::provide("c++", "g++", project.consent) {
        return Err(Failure::Missing("`c++` is not installed, but needed to compile libFuzzer: package g++".into()));
    }
    let version = Run::new("rustc").args(["-vV"]).output().unwrap_or_default();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or_else(|| Failure::Missing("`rustc` is not installed, or not on the PATH".into()))?;
    let target_folder = project.path(FOLDER);
    // With an explicit target, build scripts are compiled without the counters.
    let cargo =
        Run::new("cargo").args(["build", "--release", "--locked", "--bins", "--target", host, "--color", "never"]);
    let cargo = cargo.env("RUSTFLAGS", COVERAGE.join(" ")).env("CARGO_TARGET_DIR", target_folder.as_os_str());
    project.progress.step("compile the targets", || cargo.within(&project.path("tests/fuzz")).captured())?;
    Ok(target_folder.join(host).join("release"))
}

/// Writes the seeds, which depend on the vectors.
fn seed(project: &Project, programs: &Path, target: &str) -> Result<(), Failure> {
    let folder = fresh(&project.path(FOLDER).join("seeds").join(target))?;
    Run::new(programs.join(target)).env("FUZZ_SEEDS", folder).captured().map(drop)
}

fn search(project: &Project, programs: &Path, target: &str, seconds: u32) -> Result<Searched, Failure> {
    let folder = project.path(FOLDER);
    let found = made(&folder.join("found").join(target))?;
    let findings = made(&folder.join("findings"))?;
    let run = Run::new(programs.join(target))
        .args([&found, &folder.join("seeds").join(target), &corpus(project, target)])
        .args([format!("-max_total_time={seconds}"), format!("-max_len={MAX_INPUT_BYTES}")])
        .args([format!("-artifact_prefix={}/{target}-", findings.display())])
        .args(["-print_final_stats=1", "-timeout=60", "-rss_limit_mb=4096"]);
    let ((passed, output), _) = project.progress.timed(target, || run.ended());
    let searched = Searched::read(&output, passed);
    if searched.finding.is_some() {
        eprint!("{output}");
    }
    Ok(searched)
}

/// Keeps the inputs that reach code that the seeds do not, preferring small ones. Tests generate the seeds themselves.
fn merge(project: &Project, programs: &Path, target: &str) -> Result<(), Failure> {
    let folder = project.path(FOLDER);
    let merged = fresh(&folder.join("merged").join(target))?;
    Run::new(programs.join(target)).env("FUZZ_SEEDS", &merged).captured()?;
    let seeds = files(&merged)?;
    let run = Run::new(programs.join(target)).args(["-merge=1".into(), format!("-max_len={MAX_INPUT_BYTES}")]);
    let found = made(&folder.join("found").join(target))?;
    run.args([&merged, &corpus(project, target), &found]).captured()?;
    let added = files(&merged)?.into_iter().filter(|file| !seeds.contains(file));
    let mut added: Vec<(u64, PathBuf)> =
        added.map(|file| (fs::metadata(&file).map_or(0, |data| data.len()), file)).collect();
    added.sort();
    let (corpus, mut inputs, mut bytes) = (fresh(&corpus(project, target))?, 0, 0);
    for (length, file) in added {
        if bytes + length > MAX_CORPUS_BYTES {
            break;
        }
        fs::copy(&file, corpus.join(file.file_name().unwrap_or_default()))
            .map_err(|error| unusable(&corpus, &error))?;
        (inputs, bytes) = (inputs + 1, bytes + length);
    }
    println!("{target}: {inputs} inputs besides the seeds, {bytes} bytes");
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).map_err(|error| unusable(folder, &error))?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(|error| unusable(folder, &error))).collect()
}

fn corpus(project: &Project, target: &str) -> PathBuf {
    project.path("tests/fuzz/corpus").join(target)
}

/// Returns the folder, emptied.
fn fresh(folder: &Path) -> Result<PathBuf, Failure> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| unusable(folder, &error))?;
    }
    made(folder)
}

fn made(folder: &Path) -> Result<PathBuf, Failure> {
    fs::create_dir_all(folder).map_err(|error| unusable(folder, &error))?;
    Ok(folder.to_path_buf())
}

fn unusable(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::Missing(format!("{} is not usable: {error}", folder.display()))
}

fn explain(target: &str, finding: &str) -> String {
    format!(
        "{target}: a finding, {finding}\n  copied to tests/fuzz/corpus/{target}/ it is a test: cargo test --features origin --test fuzz"
    )
}

/// The result of a search, parsed from the output of libFuzzer.
#[derive(Debug, Default, PartialEq, Eq)]
struct Searched {
    executions: u64,
    /// Number of control-flow edges reached.
    coverage: u64,
    /// The input that failed, or how the program ended.
    finding: Option<String>,
}

impl Searched {
    fn read(output: &str, passed: bool) -> Self {
        let mut searched = Self::default();
        for line in output.lines() {
            if let Some((_, coverage)) = line.split_once(" cov: ") {
                let number = coverage.split_whitespace().next();
                searched.coverage = number.and_then(|number| number.parse().ok()).unwrap_or(searched.coverage);
            }
            if let Some(number) = line.strip_prefix("stat::number_of_executed_units:") {
                searched.executions = number.trim().parse().unwrap_or_default();
            }
            if let Some((_, file)) = line.split_once("Test unit written to ") {
                searched.finding = Some(file.trim().to_owned());
            }
        }
        if !passed {
            searched.finding.get_or_insert("without an input: see the output above".into());
        }
        searched
    }

    fn line(&self, target: &str, seconds: u32) -> String {
        let Self { executions, coverage, finding } = self;
        let finding = finding.as_ref().map_or("no finding", |_| "1 finding");
        format!("{target}: {executions} executions in at most {seconds} s, coverage {coverage}, {finding}")
    }
}

impl Options {
    fn read(arguments: &[String]) -> Result<Self, Failure> {
        let wrong = || Failure::Usage(USAGE.into());
        let (mut target, mut seconds, mut wants_corpus) = (None, None, false);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--install" => {}
                "--corpus" => wants_corpus = true,
                "--seconds" => {
                    let number = rest.next().and_then(|number| number.parse().ok());
                    seconds = Some(number.filter(|number| (1..=MAX_SECONDS).contains(number)).ok_or_else(wrong)?);
                }
                name if target.is_none() => {
                    target = Some(TARGETS.into_iter().find(|target| *target == name).ok_or_else(wrong)?);
                }
                _ => return Err(wrong()),
            }
        }
        let work = match (wants_corpus, seconds) {
            (true, None) => Work::Corpus,
            (true, Some(_)) => return Err(wrong()),
            (false, seconds) => Work::Search { seconds: seconds.unwrap_or(DEFAULT_SECONDS) },
        };
        Ok(Self { targets: target.map_or_else(|| TARGETS.to_vec(), |target| vec![target]), work })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, Failure> {
        Options::read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_target_and_a_time_in_any_order() {
        let one = Options { targets: vec!["rows"], work: Work::Search { seconds: 5 } };
        assert_eq!(read("--seconds 5 rows").unwrap(), one);
        assert_eq!(read("rows --install --seconds 5").unwrap(), one);
        assert_eq!(read("").unwrap(), Options { targets: TARGETS.to_vec(), work: Work::Search { seconds: 60 } });
        assert_eq!(read("--corpus").unwrap().work, Work::Corpus);
    }

    #[test]
    fn refuses_wrong_arguments() {
        for line in [
            "tokens",
            "token rows",
            "--seconds",
            "--seconds 0",
            "--seconds 86401",
            "--seconds x",
            "--corpus --seconds 5",
        ] {
            assert!(matches!(read(line), Err(Failure::Usage(_))), "{line}");
        }
    }

    #[test]
    fn reads_the_output_of_the_fuzzer() {
        let clean =
            "#1 INITED cov: 10 ft: 1\n#9 DONE   cov: 812 ft: 2090 corp: 1/1b\nstat::number_of_executed_units: 9000\n";
        let expected = Searched { executions: 9_000, coverage: 812, finding: None };
        assert_eq!(Searched::read(clean, true), expected);
        assert_eq!(expected.line("rows", 5), "rows: 9000 executions in at most 5 s, coverage 812, no finding");
        let broken = format!("{clean}artifact_prefix='x'; Test unit written to /a/rows-crash-1\n");
        assert_eq!(Searched::read(&broken, false).finding.as_deref(), Some("/a/rows-crash-1"));
        assert!(Searched::read(clean, false).finding.is_some());
    }
}
