//! Compiles the wasm modules, binds them to JavaScript and optimises them.

use crate::command::{Failure, Run};
use crate::system::{self, Consent};
use crate::{hashes, Project};
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

const TARGET: &str = "wasm32-unknown-unknown";
/// wasm-bindgen, as a program of this workspace.
pub(crate) const BINDER: &str = "wasm-bind";

/// Debian's Rust packages with the sources of the standard library, for machines whose rustup lacks the target.
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// A build of the crate: a folder under `pkg/wasm`, the crate's features, and optimisation for speed or size.
pub(crate) struct Module {
    folder: &'static str,
    features: &'static str,
    profile: &'static str,
    rust_flags: &'static str,
    optimiser: &'static [&'static str],
}

/// The stage to which a module is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// The module runs.
    Bound,
    /// The module is as small and fast as the shipped one.
    Optimised,
}

/// The modules for current engines. The origin is first: it takes longest, and is optimised while the next is compiled.
pub(crate) const WITH_SIMD: [&Module; 2] = [&ORIGIN, &EDGE];
pub(crate) const ALL: [&Module; 3] = [&ORIGIN, &EDGE, &SLIM];

const EDGE: Module = Module {
    folder: "edge",
    features: "edge,wasm,rust-rsa,rust-ecdsa,ed25519-tables",
    profile: "wasm",
    rust_flags: SIMD,
    optimiser: FAST,
};

const SLIM: Module =
    Module { folder: "edge-slim", features: "edge,wasm", profile: "wasm-slim", rust_flags: ROLLED, optimiser: SMALL };

const ORIGIN: Module = Module {
    folder: "origin",
    features: "origin,wasm,rust-rsa,rust-ecdsa,ed25519-tables",
    profile: "wasm",
    rust_flags: SIMD,
    optimiser: FAST,
};

/// Functions without loops and calls are inlined up to this size. The product of two 64-bit numbers is such a function,
/// which dominates RSA and ECDSA: they take a fifth less time for a twentieth more bytes.
const FAST: &[&str] = &["-O3", "--flexible-inline-max-function-size", "60"];
/// Functions with a single caller are not inlined: inlining saves bytes, but gzip output grows by 6 kB. Keeping values
/// for a second use, merging locals and moving code save bytes too, but gzip output grows by 0.6 kB. Repeated until
/// nothing gets smaller.
const SMALL: &[&str] = &[
    "-Oz",
    "--one-caller-inline-max-function-size",
    "0",
    "--skip-pass=local-cse",
    "--skip-pass=merge-locals",
    "--skip-pass=code-pushing",
    "--converge",
];
/// Sections that no engine reads: the tools that produced the module, and the features it was compiled for.
const UNREAD_SECTIONS: [&str; 2] = ["--strip-producers", "--strip-target-features"];
/// 128-bit SIMD: SHA-256 takes a quarter less time, and so HS256 and the origin's start a tenth less. The slim module
/// does not use it: it is for engines without SIMD.
const SIMD: &str = "-C target-feature=+simd128";
/// `sha2` with rolled loops.
const ROLLED: &str = "--cfg sha2_backend_soft=\"compact\"";

/// Whether a compiled module has yet to be bound and optimised. The result depends on the binder and on this program.
pub(crate) fn is_stale(project: &Project, module: &Module, compiled: &Path, binder: &Path) -> bool {
    let file = module.file(project);
    newer(compiled, &file) || newer(binder, &file) || env::current_exe().is_ok_and(|program| newer(&program, &file))
}

/// Returns the program that binds a module to JavaScript; the first caller compiles it.
pub(crate) fn binder(project: &Project) -> Result<PathBuf, Failure> {
    once(&project.binder, || compile_binder(project))
}

/// Returns the value in the slot. If it is empty, one caller at a time computes the value.
fn once<T: Clone, E>(slot: &Mutex<Option<T>>, make: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let mut made = slot.lock().unwrap_or_else(PoisonError::into_inner);
    match &*made {
        Some(value) => Ok(value.clone()),
        None => Ok(made.insert(make()?).clone()),
    }
}

fn compile_binder(project: &Project) -> Result<PathBuf, Failure> {
    let arguments =
        ["build", "--quiet", "--locked", "--package", BINDER, "--message-format", "json-render-diagnostics"];
    let cargo = Run::new("cargo").args(arguments).within(&project.root);
    let messages = project.progress.step(&format!("compile {BINDER}"), || cargo.captured())?;
    executable(&messages).ok_or(Failure::Step(BINDER))
}

/// Returns the last program that cargo built, from its messages, one JSON object per line.
fn executable(messages: &str) -> Option<PathBuf> {
    let mut paths = messages.lines().filter_map(|line| line.split_once("\"executable\":\"")?.1.split('"').next());
    paths.next_back().map(PathBuf::from)
}

/// Writes `core.js`, `core.d.ts` and `core_bg.wasm`.
pub(crate) fn bind(project: &Project, module: &Module, compiled: &Path, binder: &Path) -> Result<(), Failure> {
    let folder = project.path("pkg/wasm").join(module.folder);
    let stamp = module.stamp(project);
    if stamp.exists() {
        fs::remove_file(&stamp).map_err(|error| unwritable(&stamp, &error))?;
    }
    project.progress.step(&module.step("bind"), || Run::new(binder).args([compiled, &folder]).captured())?;
    Ok(())
}

/// Optimises a bound module, once.
pub(crate) fn optimise(project: &Project, module: &Module) -> Result<(), Failure> {
    let stamp = module.stamp(project);
    if stamp.exists() {
        return Ok(());
    }
    let features = [
        "--enable-bulk-memory",
        "--enable-sign-ext",
        "--enable-mutable-globals",
        "--enable-nontrapping-float-to-int",
        "--enable-multivalue",
        "--enable-reference-types",
        "--enable-simd",
    ];
    let file = module.file(project);
    let node = Run::new("node")
        .args(["node_modules/binaryen/bin/wasm-opt"])
        .args(module.optimiser)
        .args(features)
        .args(UNREAD_SECTIONS)
        .args([file.as_os_str(), OsStr::new("-o"), file.as_os_str()])
        .within(&project.path("pkg"));
    project.progress.step(&module.step("optimise"), || node.captured())?;
    fs::write(&stamp, "").map_err(|error| unwritable(&stamp, &error))
}

/// Checks that the slim module's JavaScript equals the edge module's, which it is loaded with.
pub(crate) fn share_glue(project: &Project) -> Result<(), Failure> {
    let [edge, slim] = [EDGE, SLIM].map(|module| project.path("pkg/wasm").join(module.folder));
    let failed = |error: std::io::Error| Failure::Missing(format!("{}: {error}", slim.display()));
    for name in ["core.js", "core.d.ts", "core_bg.wasm.d.ts"] {
        let copy = slim.join(name);
        if !copy.exists() {
            continue;
        }
        if fs::read(edge.join(name)).map_err(failed)? != fs::read(&copy).map_err(failed)? {
            return Err(Failure::Missing(format!("wasm-bindgen: edge and edge-slim have different {name} files")));
        }
        fs::remove_file(copy).map_err(failed)?;
    }
    Ok(())
}

impl Module {
    fn file(&self, project: &Project) -> PathBuf {
        project.path("pkg/wasm").join(self.folder).join("core_bg.wasm")
    }

    /// The file written once the module is optimised. An interrupted build, and the demo's, leave a module that is not.
    fn stamp(&self, project: &Project) -> PathBuf {
        project.path("target/wasm").join(self.folder).with_extension("optimised")
    }

    fn step(&self, verb: &str) -> String {
        format!("{verb} wasm/{}", self.folder)
    }
}

/// The source of the standard library for wasm.
pub(crate) enum Toolchain {
    /// rustup's target.
    Rustup,
    /// Debian's compiler, which builds the standard library from its sources.
    Debian { linker: PathBuf },
}

impl Toolchain {
    pub(crate) fn find(project: &Project) -> Result<Self, Failure> {
        if has_target() || (Run::new("rustup").args(["target", "add", TARGET]).run().is_ok() && has_target()) {
            return Ok(Self::Rustup);
        }
        let debian = Path::new("/usr/bin/cargo").exists() && Path::new("/usr/bin/rustc").exists();
        if debian || (project.consent == Consent::Given && system::install(&DEBIAN_PACKAGES)) {
            if let Some(linker) = rust_lld() {
                return Ok(Self::Debian { linker });
            }
        }
        Err(Failure::Missing(format!(
            "the Rust target {TARGET} is missing: `rustup target add {TARGET}`, or `apt-get install {}`",
            DEBIAN_PACKAGES.join(" ")
        )))
    }

    /// Compiles a module. One at a time, because modules of one profile share their dependencies.
    pub(crate) fn compile(&self, project: &Project, module: &Module) -> Result<PathBuf, Failure> {
        let target = project.path("target/wasm");
        let arguments = [
            "build",
            "--quiet",
            "--profile",
            module.profile,
            "--locked",
            "--package",
            "portcullis",
            "--lib",
            "--target",
            TARGET,
            "--no-default-features",
            "--features",
            module.features,
        ];
        let cargo = match self {
            Self::Rustup => Run::new("cargo").args(arguments),
            Self::Debian { linker } => Run::new("/usr/bin/cargo")
                .args(arguments)
                .args(["-Z", "build-std=std,panic_abort"])
                .env("RUSTC", "/usr/bin/rustc")
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker),
        };
        let cargo = match module.rust_flags {
            "" => cargo,
            flags => cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags),
        };
        let cargo = cargo.env("CARGO_TARGET_DIR", &target).within(&project.root);
        let said = project.progress.step(&module.step("compile"), || cargo.captured())?;
        eprint!("{said}");
        // All modules have the crate's name, so each is moved before the next is compiled.
        let compiled = target.join(TARGET).join(module.profile).join("portcullis.wasm");
        let aside = target.join(module.folder).with_extension("wasm");
        if newer(&compiled, &aside) {
            refuse_older_hashes(&compiled)?;
            fs::copy(&compiled, &aside).map_err(|error| unwritable(&aside, &error))?;
        }
        Ok(aside)
    }
}

fn refuse_older_hashes(compiled: &Path) -> Result<(), Failure> {
    let bytes = fs::read(compiled)
        .map_err(|error| Failure::Missing(format!("{} cannot be read: {error}", compiled.display())))?;
    match hashes::older_generation(&bytes) {
        None => Ok(()),
        Some(name) => {
            Err(Failure::Tests(format!("{}: a second generation of sha2 is linked ({name})", compiled.display())))
        }
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Missing(format!("{} could not be written: {error}", path.display()))
}

fn has_target() -> bool {
    let folder = Run::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
    folder.is_some_and(|folder| Path::new(&folder).is_dir())
}

/// Returns the wasm linker of rustup's own toolchain.
fn rust_lld() -> Option<PathBuf> {
    let folder = Run::new("rustc").args(["--print", "sysroot"]).output()?;
    let host = Run::new("rustc").args(["-vV"]).output()?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: "))?.to_owned();
    let linker = Path::new(&folder).join("lib/rustlib").join(host).join("bin/rust-lld");
    linker.exists().then_some(linker)
}

fn newer(source: &Path, product: &Path) -> bool {
    let modified = |path: &Path| -> Option<SystemTime> { fs::metadata(path).ok()?.modified().ok() };
    modified(source) >= modified(product)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Duration;

    #[test]
    fn callers_at_one_time_share_one_result() {
        let (slot, calls) = (Mutex::new(None), AtomicUsize::new(0));
        let make = || -> Result<usize, ()> {
            thread::sleep(Duration::from_millis(20));
            Ok(calls.fetch_add(1, Ordering::SeqCst))
        };
        thread::scope(|scope| {
            let callers = [(); 4].map(|()| scope.spawn(|| once(&slot, make)));
            assert!(callers.into_iter().all(|caller| matches!(caller.join(), Ok(Ok(0)))));
        });
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_failure_is_tried_again_by_the_next_caller() {
        let slot = Mutex::new(None);
        assert_eq!(once(&slot, || Err::<u8, _>("failed")), Err("failed"));
        assert_eq!(once(&slot, || Ok::<_, &str>(1)), Ok(1));
        assert_eq!(once(&slot, || Err("not called")), Ok(1));
    }

    #[test]
    fn finds_the_program_in_the_output_of_cargo() {
        let messages = concat!(
            "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"walrus\"},\"executable\":null}\n",
            "{\"reason\":\"compiler-artifact\",\"executable\":\"/a folder/wasm-bind\",\"fresh\":true}\n",
            "{\"reason\":\"build-finished\",\"success\":true}\n",
        );
        assert_eq!(executable(messages), Some(PathBuf::from("/a folder/wasm-bind")));
        assert_eq!(executable("{\"reason\":\"build-finished\",\"success\":true}"), None);
    }
}
