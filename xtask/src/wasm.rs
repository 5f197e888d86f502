//! The wasm modules: compiled, bound to JavaScript, optimised.

use crate::command::{Failure, Run};
use crate::system::{self, Consent};
use crate::Project;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use wasm_bindgen_cli_support::Bindgen;

const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's Rust with the sources of the standard library, for machines whose rustup refuses the target.
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// One build of the crate: a folder below `pkg/wasm`, the crate's features, and how it is made fast or small.
struct Module {
    folder: &'static str,
    features: &'static str,
    profile: &'static str,
    rust_flags: &'static str,
    optimiser: &'static [&'static str],
}

const MODULES: [Module; 3] = [
    Module {
        folder: "edge",
        features: "edge,wasm,rust-rsa,rust-ecdsa,ed25519-tables",
        profile: "wasm",
        rust_flags: SIMD,
        optimiser: FAST,
    },
    Module { folder: "edge-slim", features: "edge,wasm", profile: "wasm-slim", rust_flags: ROLLED, optimiser: SMALL },
    Module {
        folder: "origin",
        features: "origin,wasm,rust-rsa,rust-ecdsa,ed25519-tables",
        profile: "wasm",
        rust_flags: SIMD,
        optimiser: FAST,
    },
];

/// Up to this size a function without loops and calls is put where it is called. The product of two 64-bit numbers is such a
/// function, and RSA and ECDSA hardly do anything else: they take a fifth less time for a twentieth more bytes.
const FAST: &[&str] = &["-O3", "--flexible-inline-max-function-size", "60"];
/// A function that is called from one place stays one: put there it is fewer bytes, but gzip makes 6 kB more of them.
const SMALL: &[&str] = &["-Oz", "--one-caller-inline-max-function-size", "0"];
/// SIMD of 128 bits: SHA-256 takes a quarter less time with them, and so HS256 and the origin's start a tenth. The slim module
/// does without: it is what engines get that have no SIMD.
const SIMD: &str = "-C target-feature=+simd128";
/// `sha2` with its rounds as loops.
const ROLLED: &str = "--cfg sha2_backend_soft=\"compact\"";

/// Builds the modules into `pkg/wasm`.
pub(crate) fn modules(project: &Project) -> Result<(), Failure> {
    let toolchain = Toolchain::find(project)?;
    for module in MODULES {
        let compiled = toolchain.compile(project, &module)?;
        let folder = project.path("pkg/wasm").join(module.folder);
        let file = folder.join("core_bg.wasm");
        // How a module is bound and optimised stands in this program.
        if newer(&compiled, &file) || env::current_exe().is_ok_and(|program| newer(&program, &file)) {
            bind(&compiled, &folder)?;
            optimise(project, &module, &file)?;
        }
    }
    share_glue(&project.path("pkg/wasm/edge"), &project.path("pkg/wasm/edge-slim"))
}

/// Whoever loads the slim module binds it with the JavaScript of the other, so that must fit both.
fn share_glue(edge: &Path, slim: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Bindgen(format!("{}: {error}", slim.display()));
    for name in ["core.js", "core.d.ts", "core_bg.wasm.d.ts"] {
        let copy = slim.join(name);
        if !copy.exists() {
            continue;
        }
        if fs::read(edge.join(name)).map_err(failed)? != fs::read(&copy).map_err(failed)? {
            return Err(Failure::Bindgen(format!("wasm-bindgen: edge and edge-slim need another {name} each")));
        }
        fs::remove_file(copy).map_err(failed)?;
    }
    Ok(())
}

/// Where the standard library for wasm comes from.
enum Toolchain {
    /// rustup's target.
    Rustup,
    /// Debian's compiler, which builds the standard library from its sources.
    Debian { linker: PathBuf },
}

impl Toolchain {
    fn find(project: &Project) -> Result<Self, Failure> {
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

    fn compile(&self, project: &Project, module: &Module) -> Result<PathBuf, Failure> {
        // A folder for each: all have the crate's name.
        let target = project.path("target/wasm").join(module.folder);
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
        cargo.env("CARGO_TARGET_DIR", &target).within(&project.root).run()?;
        Ok(target.join(TARGET).join(module.profile).join("portcullis.wasm"))
    }
}

/// Writes `core.js`, `core.d.ts` and `core_bg.wasm`.
fn bind(compiled: &Path, folder: &Path) -> Result<(), Failure> {
    let bound = Bindgen::new()
        .input_path(compiled)
        .out_name("core")
        .typescript(true)
        .omit_default_module_path(true)
        // An instance that has trapped is replaced by a new one; objects of the old one then throw instead of reaching into it.
        .reset_state_function(true)
        .web(true)
        .and_then(|bindgen| bindgen.generate(folder));
    bound.map_err(|error| Failure::Bindgen(format!("wasm-bindgen: {error:#}")))
}

fn optimise(project: &Project, module: &Module, file: &Path) -> Result<(), Failure> {
    let features = [
        "--enable-bulk-memory",
        "--enable-sign-ext",
        "--enable-mutable-globals",
        "--enable-nontrapping-float-to-int",
        "--enable-multivalue",
        "--enable-reference-types",
        "--enable-simd",
    ];
    Run::new("node")
        .args(["node_modules/binaryen/bin/wasm-opt"])
        .args(module.optimiser)
        .args(features)
        .args([file.as_os_str(), "-o".as_ref(), file.as_os_str()])
        .within(&project.path("pkg"))
        .run()
}

fn has_target() -> bool {
    let folder = Run::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
    folder.is_some_and(|folder| Path::new(&folder).is_dir())
}

/// The wasm linker that rustup's own toolchain carries.
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
