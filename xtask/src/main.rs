//! The project's commands: `cargo xtask build | demo | test | keycloak | matrix | fuzz | bench`. They build, fetch,
//! start and stop programs: cargo, npm and the TypeScript under `www/` and `tests/`.

mod against;
mod bench;
mod build;
mod command;
mod forwarded;
mod fuzz;
mod hashes;
mod keycloak;
mod matrix;
mod node;
mod npm;
mod progress;
mod system;
mod test;
mod wasm;

use command::{Failure, Run};
use progress::Progress;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;

const USAGE: &str = "\
usage: cargo xtask <command>

  build                    builds the package's wasm, JavaScript and types into pkg/
  demo [--tour] [--install]
                           runs an origin on 127.0.0.1:8780 and an edge worker on 127.0.0.1:8787;
                           --tour demonstrates and measures every method
  test [--list] [--only NAME]... [--long] [--install]
                           runs every test, as suites; suites that cannot run here are reported as skipped.
                           --list lists the suites, --only selects them by name or group, --long runs the long
                           versions of suites and adds their figures to tests/RESULTS.md
  keycloak [--short] [--rows N,N] [--round NAME] [--actions N] [--keep] [--install]
                           runs a real Keycloak, an origin and an edge worker: every action that ends tokens,
                           with the seconds until the refusal. --short runs the part of the suite
                           keycloak/short, --rows and --round (all, no-push, no-poll) select a part,
                           --actions repeats rows 1 to 3 N times, --keep leaves everything running
  matrix [--short] [--only NAME]... [--list] [--install]
                           builds and runs the package with every build tool and runtime, and probes it: no token,
                           garbage, a valid token, a missing scope, a revocation. --short runs the part of the suite
                           matrix/short, --only selects environments by tool or name, --list lists them
  fuzz [TARGET] [--seconds N] [--install]
  fuzz [TARGET] --corpus   searches with libFuzzer for inputs that break an invariant: N seconds (60) for each of
                           token, jwks, feed, rows, sections; a finding is a failure. --corpus rebuilds the inputs
                           in tests/fuzz/corpus, which the suite rust/fuzz replays
  bench [NAME] [--json]    runs the benchmarks against the peers, in one run
  bench [NAME...] --against REF [--bar PERCENT] [--json]
                           measures this checkout and another commit alternately: ratios of medians, with the
                           spread of that commit against itself; with --bar, a greater slowdown is a failure

  --install                allows the command to install system packages (implied as root on Debian and Ubuntu)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<(), Failure> {
    let (name, rest) = arguments.split_first().map_or(("", [].as_slice()), |(name, rest)| (name.as_str(), rest));
    let project = Project {
        root: root()?,
        consent: system::Consent::from(rest),
        progress: Progress::new(),
        binder: Mutex::default(),
    };
    match name {
        "build" => accept(rest, &[]).and_then(|()| build(&project)),
        "demo" => accept(rest, &["--tour", "--install"]).and_then(|()| demo(&project, rest)),
        "test" => test::test(&project, rest),
        "keycloak" => keycloak::keycloak(&project, rest),
        "matrix" => matrix::matrix(&project, rest),
        "fuzz" => fuzz::fuzz(&project, rest),
        "bench" => bench::bench(&project, rest),
        "" | "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(Failure::Usage(format!("unknown command\n\n{USAGE}"))),
    }
}

/// The checkout, and the consent to install packages on this machine.
struct Project {
    root: PathBuf,
    consent: system::Consent,
    progress: Progress,
    /// wasm-bind, once it is compiled.
    binder: Mutex<Option<PathBuf>>,
}

impl Project {
    fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }
}

fn build(project: &Project) -> Result<(), Failure> {
    build::package(project, &build::PACKAGE).map(drop)
}

fn demo(project: &Project, arguments: &[String]) -> Result<(), Failure> {
    let node = build::package(project, &build::DEMO)?;
    let tour = arguments.iter().any(|argument| argument == "--tour");
    typescript(project, &node, "www", "demo/run.ts").args(tour.then_some("--tour")).run()
}

/// Runs a TypeScript file of `www/` or `tests/` with Node.
fn typescript(project: &Project, node: &Path, folder: &str, file: &str) -> Run {
    Run::new(node).args(["--import", "tsx", file]).within(&project.path(folder))
}

fn accept(arguments: &[String], known: &[&str]) -> Result<(), Failure> {
    match arguments.iter().find(|argument| !known.contains(&argument.as_str())) {
        None => Ok(()),
        Some(_) if known.is_empty() => Err(Failure::Usage(format!("build takes no options\n\n{USAGE}"))),
        Some(_) => Err(Failure::Usage(format!("valid options: {}\n\n{USAGE}", known.join(" ")))),
    }
}

fn root() -> Result<PathBuf, Failure> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map(Path::to_path_buf).ok_or(Failure::Missing("xtask must be inside the checkout".into()))
}
