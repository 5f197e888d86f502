//! Builds the package: wasm modules, JavaScript and types. Packages are downloaded while cargo compiles.

use crate::command::{Failure, Run};
use crate::node::{self, Sqlite};
use crate::npm::{self, Scripts};
use crate::wasm::{self, Finish, Module, Toolchain};
use crate::Project;
use std::fs;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::{self, ScopedJoinHandle};

/// The parts of the build that a command needs.
pub(crate) struct Needs {
    modules: &'static [&'static Module],
    finish: Finish,
    /// Folders whose packages are installed in addition to `pkg/`.
    folders: &'static [&'static str],
    sqlite: Sqlite,
}

/// Everything that is shipped.
pub(crate) const PACKAGE: Needs =
    Needs { modules: &wasm::ALL, finish: Finish::Optimised, folders: &[], sqlite: Sqlite::None };
/// Not optimised, to start quickly: optimising the two modules takes longer than the tour.
pub(crate) const DEMO: Needs =
    Needs { modules: &wasm::WITH_SIMD, finish: Finish::Bound, folders: &["www"], sqlite: Sqlite::Any };
pub(crate) const TESTS: Needs = Needs { folders: &["www", "tests"], sqlite: Sqlite::Any, ..PACKAGE };
pub(crate) const BENCH: Needs = Needs { folders: &["www", "tests"], sqlite: Sqlite::Native, ..PACKAGE };

/// Builds `pkg/wasm` and `pkg/dist`, and installs the packages of the folders. Returns the Node that will run them.
pub(crate) fn package(project: &Project, needs: &Needs) -> Result<PathBuf, Failure> {
    let Needs { modules, finish, folders, sqlite } = *needs;
    npm::require()?;
    project.progress.watch();
    let toolchain = Toolchain::find(project)?;
    thread::scope(|scope| {
        let (pkg_installed, pkg) = mpsc::channel();
        let installer = scope.spawn(move || {
            npm::install(project, "pkg", Scripts::Ignore)?;
            // The receiver is gone if another step has failed.
            let _ = pkg_installed.send(());
            folders.iter().try_for_each(|folder| npm::install(project, folder, Scripts::Run))?;
            node::find(project, sqlite)
        });
        let (compiled, modules_compiled) = mpsc::channel();
        let compiler = scope.spawn(move || {
            modules.iter().try_for_each(|module| {
                let _ = compiled.send((*module, toolchain.compile(project, module)?));
                Ok(())
            })
        });
        let binder = wasm::binder(project)?;
        if pkg.recv().is_err() {
            return end(installer, "npm");
        }
        let mut optimisers = Vec::new();
        for (module, compiled) in modules_compiled {
            if wasm::is_stale(project, module, &compiled, &binder) {
                wasm::bind(project, module, &compiled, &binder)?;
            }
            if finish == Finish::Optimised {
                optimisers.push(scope.spawn(|| wasm::optimise(project, module)));
            }
        }
        end(compiler, "cargo")?;
        wasm::share_glue(project)?;
        typescript(project)?;
        optimisers.into_iter().try_for_each(|optimiser| end(optimiser, "wasm-opt"))?;
        packaging(project)?;
        end(installer, "npm")
    })
}

/// Returns the result of a step that ran in another thread.
fn end<T>(step: ScopedJoinHandle<'_, Result<T, Failure>>, name: &'static str) -> Result<T, Failure> {
    step.join().unwrap_or(Err(Failure::Step(name)))
}

/// Rebuilds `pkg/dist` from scratch: output of a deleted source must not be shipped.
fn typescript(project: &Project) -> Result<(), Failure> {
    let pkg = project.path("pkg");
    let dist = pkg.join("dist");
    if dist.exists() {
        fs::remove_dir_all(&dist).map_err(|error| Failure::Missing(format!("pkg/dist cannot be replaced: {error}")))?;
    }
    let tsc =
        Run::new("node").args(["node_modules/typescript/bin/tsc", "--project", "tsconfig.build.json"]).within(&pkg);
    project.progress.step("compile pkg/dist", || tsc.captured()).map(drop)
}

/// Writes the files that are generated from the modules and `pkg/dist`.
fn packaging(project: &Project) -> Result<(), Failure> {
    let build = Run::new("node").args(["--import", "tsx", "src/packaging/build.ts"]).within(&project.path("pkg"));
    project.progress.step("complete pkg/wasm and pkg/dist", || build.captured()).map(drop)
}
