//! The project's commands: `cargo xtask build | demo | test | keycloak | matrix | fuzz | bench`. They build, fetch,
//! spawn and stop; their programs are cargo, npm and the TypeScript under `www/` and `tests/`.

mod against;
mod bench;
mod build;
mod command;
mod forwarded;
mod fuzz;
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

  build                    the wasm, JavaScript and types of the package, into pkg/
  demo [--tour] [--install]
                           origin on 127.0.0.1:8780 and an edge worker on 127.0.0.1:8787;
                           with --tour every method is walked through and measured
  test [--list] [--only NAME]... [--long] [--install]
                           every test, as suites; what cannot run here is named as skipped. --list names
                           the suites, --only runs those of a name or a group, --long runs those at length
                           that can be, and adds their figures to tests/RESULTS.md
  keycloak [--short] [--rows N,N] [--round NAME] [--actions N] [--keep] [--install]
                           a real Keycloak, an origin and an edge worker: every action that ends tokens,
                           with the seconds to the refusal. --short walks through what the suite
                           keycloak/short does, --rows and --round (all, no-push, no-poll) through a part,
                           --actions does rows 1 to 3 N times, --keep leaves all of it running
  matrix [--short] [--only NAME]... [--list] [--install]
                           the package built with and run by every build tool and runtime, and probed: no token,
                           garbage, a good one, a missing scope, a revocation. --short does what the suite
                           matrix/short does, --only the environments of a tool or name, --list names them
  fuzz [TARGET] [--seconds N] [--install]
  fuzz [TARGET] --corpus   inputs that nothing holds for, looked for by libFuzzer: N seconds (60) for each of
                           token, jwks, feed, rows, sections; a finding is a failure. --corpus makes the inputs
                           in tests/fuzz/corpus anew, which the suite rust/fuzz replays
  bench [NAME] [--json]    benchmarks beside the peers, in one run
  bench [NAME...] --against REF [--bar PERCENT] [--json]
                           this checkout and another commit, in turns: ratios of medians, with the
                           spread of that commit against itself; with --bar a slower one is a failure

  --install                lets the command install system packages (implied as root on Debian and Ubuntu)";

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
        _ => Err(Failure::Usage(format!("there is no command of that name\n\n{USAGE}"))),
    }
}

/// The checkout, and the consent to install on its machine.
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

/// A TypeScript file of `www/` or `tests/`, run by Node.
fn typescript(project: &Project, node: &Path, folder: &str, file: &str) -> Run {
    Run::new(node).args(["--import", "tsx", file]).within(&project.path(folder))
}

fn accept(arguments: &[String], known: &[&str]) -> Result<(), Failure> {
    match arguments.iter().find(|argument| !known.contains(&argument.as_str())) {
        None => Ok(()),
        Some(_) if known.is_empty() => Err(Failure::Usage(format!("build takes no options\n\n{USAGE}"))),
        Some(_) => Err(Failure::Usage(format!("known options here: {}\n\n{USAGE}", known.join(" ")))),
    }
}

fn root() -> Result<PathBuf, Failure> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map(Path::to_path_buf).ok_or(Failure::Missing("xtask must stand in the checkout".into()))
}
