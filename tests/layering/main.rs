//! Import rules. The rules are data (`table.rs`); `rules.rs` reads the sources, including `import type`, and names the
//! path that breaks a rule. `broken.rs` breaks each rule once.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod broken;
mod graph;
mod rules;
mod rust;
mod table;
mod tokens;
mod typescript;

use std::fs;
use std::path::{Path, PathBuf};

use graph::Sources;

#[test]
fn the_sources_follow_the_rules() {
    let files = sources();
    assert!(files.len() > 300, "the sources were not found");
    let breaches = rules::breaches(&files);
    let lines: String = breaches.iter().map(|breach| format!("  {breach}\n")).collect();
    assert!(breaches.is_empty(), "{} breaches:\n{lines}", breaches.len());
}

#[test]
fn the_table_has_no_row_for_deleted_files() {
    assert_eq!(rules::stale_rows(&sources()), [""; 0]);
}

/// Returns the TypeScript and Rust files of the repository by path, except built and installed ones.
fn sources() -> Sources {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Sources::new();
    let mut folders: Vec<PathBuf> =
        ["pkg/src", "src", "xtask/src", "www", "tests"].map(|folder| root.join(folder)).into();
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display())) {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), "node_modules" | "dist" | "target") && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if name.ends_with(".ts") || name.ends_with(".rs") {
                let file = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.insert(file, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}
