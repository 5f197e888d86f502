//! The package: two wasm modules, JavaScript and types.

use crate::command::{Failure, Run};
use crate::{npm, wasm, Project};
use std::fs;

/// Builds `pkg/wasm` and `pkg/dist`.
pub(crate) fn package(project: &Project) -> Result<(), Failure> {
    npm::require()?;
    let pkg = project.path("pkg");
    npm::install(&pkg)?;
    wasm::modules(project)?;
    // A file that is gone from the sources must be gone from what is shipped.
    let dist = pkg.join("dist");
    if dist.exists() {
        fs::remove_dir_all(&dist).map_err(|error| Failure::Missing(format!("pkg/dist cannot be replaced: {error}")))?;
    }
    Run::new("node").args(["node_modules/typescript/bin/tsc", "--project", "tsconfig.build.json"]).within(&pkg).run()
}
