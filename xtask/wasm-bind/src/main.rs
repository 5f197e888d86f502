//! `wasm-bind MODULE FOLDER` writes `core.js`, `core.d.ts` and `core_bg.wasm`: wasm-bindgen as a separate program, so that
//! xtask compiles at once and downloads while this is compiled.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;
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
        // An instance that has trapped is replaced by a new one; objects of the old one then throw instead of reaching into it.
        .reset_state_function(true)
        .web(true)
        .and_then(|bindgen| bindgen.generate(folder));
    match bound {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wasm-bindgen: {error:#}");
            ExitCode::FAILURE
        }
    }
}
