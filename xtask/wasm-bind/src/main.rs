//! `wasm-bind MODULE FOLDER` writes `core.js`, `core.d.ts` and `core_bg.wasm`: runs wasm-bindgen and turns panics into
//! traps. A separate program, so that xtask itself compiles quickly and can download while this is compiled.

mod panics;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let paths: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [module, folder] = paths.as_slice() else {
        eprintln!("usage: wasm-bind MODULE FOLDER");
        return ExitCode::FAILURE;
    };
    let bound = Bindgen::new()
        .input_path(module)
        .out_name("core")
        .typescript(true)
        .omit_default_module_path(true)
        // An instance that has trapped is replaced by a new one; objects of the old one then throw instead of reaching
        // into it.
        .reset_state_function(true)
        .web(true)
        .and_then(Bindgen::generate_output)
        .and_then(|mut output| {
            panics::trap(output.wasm_mut());
            output.emit(folder)
        });
    match bound.map_err(|error| format!("{error:#}")).and_then(|()| finish(&folder.join("core.js"))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wasm-bindgen: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The generated code distinguishes a module from its bytes by identity, which fails for a module of another JavaScript
/// realm, such as one compiled outside a `node:vm` context and used inside.
const BY_IDENTITY: &str = "if (!(module instanceof WebAssembly.Module)) {";
/// The same test by tag (WebAssembly JavaScript Interface §5.1).
const BY_TAG: &str = "if (Object.prototype.toString.call(module) !== '[object WebAssembly.Module]') {";

/// Adapts the generated code.
fn finish(code: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", code.display());
    let generated = fs::read_to_string(code).map_err(failed)?;
    if generated.matches(BY_IDENTITY).count() != 1 {
        return Err(format!(
            "{}: initSync no longer distinguishes modules from bytes in the known way",
            code.display()
        ));
    }
    fs::write(code, without_comments(&generated.replace(BY_IDENTITY, BY_TAG))).map_err(failed)
}

/// Removes doc comments, which bundlers keep in classes, so that they would be uploaded with every worker. The
/// declarations have the same comments.
fn without_comments(generated: &str) -> String {
    let is_comment = |line: &&str| ["/**", "* ", "*/", "// "].iter().any(|mark| line.trim_start().starts_with(mark));
    generated.lines().filter(|line| !is_comment(line)).map(|line| format!("{line}\n")).collect()
}
