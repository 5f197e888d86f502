//! Runs every test, as suites: one per test file. Builds the required parts once, then runs the suites concurrently.

mod expected;
mod options;
mod outcome;
mod pool;
mod report;
mod results;
mod rust;
mod suite;

use crate::command::{Failure, Run};
use crate::node::Sqlite;
use crate::{build, fuzz, keycloak, npm, system, wasm, Project};
use options::{Options, Tier};
use outcome::Finished;
use std::path::PathBuf;
use std::thread;
use suite::{Kind, Suite};

/// Programs for running the suites.
struct Built {
    /// A Node with SQLite.
    node: PathBuf,
    rust: rust::Executables,
}

pub(crate) fn test(project: &Project, arguments: &[String]) -> Result<(), Failure> {
    let options = Options::read(arguments)?;
    let suites = suite::select(suite::all(&project.root)?, &options.only)?;
    if options.list {
        suites.iter().for_each(|suite| println!("{}", suite.name));
        return Ok(());
    }
    let expected = expected::read(project)?;
    let built = prepare(project, &suites)?;
    let environment = environment(project, &suites, options.tier);
    let finished = pool::run(suites, |suite| run(project, &built, &environment, suite));
    let unexpected = report::print(&finished, &expected, &options, project.progress.elapsed());
    if options.tier == Tier::Long {
        results::append(project, &finished)?;
    }
    match finished.iter().filter(|suite| !suite.outcome.passed).count() {
        0 if unexpected == 0 || !is_ci() => Ok(()),
        0 => Err(Failure::Tests(format!("tests skipped that are not in {}: {unexpected}", expected::FILE))),
        1 => Err(Failure::Tests("1 suite failed".into())),
        failed => Err(Failure::Tests(format!("{failed} suites failed"))),
    }
}

/// Builds the parts for the suites. Rust tests compile while modules are optimised and packages are fetched.
fn prepare(project: &Project, suites: &[Suite]) -> Result<Built, Failure> {
    let needs_package = suites.iter().any(|suite| suite.kind.needs_package());
    if needs_package {
        npm::require()?;
    }
    thread::scope(|scope| {
        let rust = scope.spawn(|| {
            // Cargo runs one build at a time per target folder. The modules need the binder, and nothing needs the
            // tests, so the binder is first.
            if needs_package {
                wasm::binder(project)?;
            }
            rust::compile(project, suites)
        });
        let node = if needs_package {
            build::package(project, &build::TESTS)?
        } else {
            project.progress.watch();
            PathBuf::new()
        };
        let rust = rust.join().unwrap_or(Err(Failure::Step("cargo")))?;
        Ok(Built { node, rust })
    })
}

/// Environment variables of the suites.
fn environment(project: &Project, suites: &[Suite], tier: Tier) -> Vec<(&'static str, &'static str)> {
    let given = |program: &str, package: &str, users: &[&str]| {
        let is_used = suites.iter().any(|suite| users.iter().any(|user| suite.is_in(user)));
        if is_used && system::provide(program, package, project.consent) {
            "yes"
        } else {
            "no"
        }
    };
    let (java, jre) = keycloak::JAVA;
    let mut variables = vec![
        ("STRACE", given("strace", "strace", &["durability"])),
        ("CHROMIUM", given("chromium", "chromium", &["browser", "matrix", "pages"])),
        ("KEYCLOAK", given(java, jre, &["keycloak/short"])),
        ("TEST_TIER", "short"),
    ];
    if tier == Tier::Long {
        variables.push(("TEST_TIER", "long"));
    }
    variables
}

fn run(project: &Project, built: &Built, environment: &[(&'static str, &'static str)], suite: Suite) -> Finished {
    let told = |run: Run| environment.iter().fold(run, |run, (name, value)| run.env(name, value));
    let (outcome, seconds) = project.progress.timed(&suite.name, || match &suite.kind {
        Kind::Format => {
            let cargo = Run::new("cargo").args(["fmt", "--all", "--check", "--"]).args(fuzz::sources());
            outcome::of_program(cargo.within(&project.root))
        }
        Kind::Lint => {
            let arguments = ["run", "--silent", "lint"];
            outcome::of_program(Run::new("npm").args(arguments).within(&project.path("pkg")))
        }
        Kind::EdgeAlone => {
            let arguments =
                ["check", "--quiet", "--package", "portcullis", "--no-default-features", "--features", "edge"];
            outcome::of_program(Run::new("cargo").args(arguments).within(&project.root))
        }
        Kind::Types { folder } => {
            let compiler = ["node_modules/typescript/bin/tsc", "--noEmit"];
            outcome::of_program(Run::new("node").args(compiler).within(&project.path(folder)))
        }
        Kind::RustDocs => {
            let arguments = ["test", "--quiet", "--doc", "--package", "portcullis", "--features", "origin"];
            outcome::of_rust(told(Run::new("cargo").args(arguments).within(&project.root)))
        }
        Kind::Rust { target } => match built.rust.get(target) {
            Some(executable) => outcome::of_rust(told(executable.run(project))),
            None => outcome::absent(),
        },
        Kind::Script { folder, file, sqlite } => {
            let node = if *sqlite == Sqlite::None { PathBuf::from("node") } else { built.node.clone() };
            let arguments = ["--import", "tsx", "--test", "--test-reporter=tap", "--test-timeout=1200000"];
            outcome::of_node(told(Run::new(node).args(arguments).args([file]).within(&project.path(folder))))
        }
    });
    let finished = Finished { name: suite.name, outcome, seconds };
    project.progress.line(&finished.line());
    if !finished.outcome.passed {
        println!("{}", finished.outcome.output);
    }
    finished
}

fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}
