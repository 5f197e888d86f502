//! Who may import whom. The rules are in the crate's front page; this reads the sources and fails on a breach.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn only_the_boundary_names_javascript() {
    let breaches = naming(&["wasm_bindgen", "js_sys"], |file| file == "wasm.rs" || file.starts_with("wasm/"));
    assert_eq!(breaches, [""; 0], "only wasm.rs and wasm/ may name the JavaScript bindings");
}

#[test]
fn only_token_keys_and_signature_name_jwt_compact() {
    let allowed =
        |file: &str| matches!(file, "token.rs" | "keys.rs" | "signature.rs") || file.starts_with("signature/");
    assert_eq!(naming(&["jwt_compact"], allowed), [""; 0]);
}

#[test]
fn one_file_of_the_ledger_draws_randomness() {
    let allowed = |file: &str| file == "ledger/entropy.rs";
    assert_eq!(naming(&["getrandom", "OsRng", "thread_rng"], allowed), [""; 0]);
}

#[test]
fn the_edge_half_never_names_the_origin_half() {
    let origin = |file: &str| file == "ledger.rs" || file.starts_with("ledger/");
    let fronts = |file: &str| matches!(file, "lib.rs" | "wasm.rs") || file.starts_with("wasm/origin");
    let breaches = naming(&["crate::ledger", "super::ledger"], |file| origin(file) || fronts(file));
    assert_eq!(breaches, [""; 0]);
}

#[test]
fn token_and_revocation_meet_in_the_verdict_only() {
    let state = |file: &str| {
        file == "revocation.rs" || file.starts_with("revocation/") || file == "ledger.rs" || file.starts_with("ledger/")
    };
    // The gate hands messages to the state and tokens to the verdict; it must not look into either.
    let meeting = |file: &str| matches!(file, "verdict.rs" | "gate.rs") || file.starts_with("wasm");
    assert_eq!(naming(&["crate::revocation"], |file| state(file) || meeting(file)), [""; 0]);
    let inside = ["crate::token", "crate::claims", "crate::signature", "revocation::Subject", "revocation::Status"];
    assert_eq!(naming(&inside, |file| file != "gate.rs"), [""; 0]);
    let token = ["crate::token", "crate::claims", "crate::keys", "crate::signature", "crate::verdict", "crate::policy"];
    assert_eq!(naming(&token, |file| !state(file)), [""; 0]);
}

#[test]
fn nothing_reads_a_clock() {
    assert_eq!(naming(&["std::time", "SystemTime", "Instant", "Date::now", "chrono"], |_| false), [""; 0]);
}

#[test]
fn typescript_imports_run_one_way() {
    let mut breaches = Vec::new();
    for (file, text) in sources("pkg/src", "ts") {
        let tests = file.ends_with(".test.ts") || file.contains("testing/");
        for target in imports(&text) {
            let side = |name: &str| target.contains(&format!("/{name}/")) || target.ends_with(&format!("/{name}"));
            let wasm = target.contains("/wasm/");
            let breach = match top(&file) {
                "entry" => false,
                "edge" => side("origin") || side("browser") || side("entry") || (wasm && !file.starts_with("edge/core/")),
                "origin" => {
                    side("edge")
                        || side("browser")
                        || (side("entry") && !adapter(&file))
                        || (wasm && !matches!(file.as_str(), "origin/core/ledger.ts" | "origin/core/module.ts"))
                }
                // A program of its own, over the origin.
                "cli" => side("edge") || side("browser") || wasm,
                // It runs in pages: no module that is not there, and nothing that must be compiled.
                "browser" => {
                    side("edge") || side("origin") || side("entry") || side("cli") || wasm || !target.starts_with('.')
                }
                _ => side("edge") || side("origin") || side("browser") || side("entry") || wasm,
            };
            if (breach || target.contains("/testing/")) && !tests {
                breaches.push(format!("{file} imports {target}"));
            }
        }
    }
    assert_eq!(breaches, [""; 0]);
}

#[test]
fn what_stands_outside_the_package_imports_public_subpaths_only() {
    let mut breaches = Vec::new();
    for folder in ["www", "tests"] {
        for (file, text) in sources(folder, "ts") {
            let is_inside = |target: &str| target.contains("pkg/") || target.starts_with("portcullis/dist/");
            let inward = imports(&text).into_iter().filter(|target| is_inside(target));
            breaches.extend(inward.map(|target| format!("{folder}/{file} imports {target}")));
        }
    }
    assert_eq!(breaches, [""; 0]);
}

/// Files that only exist for one runtime and so may load the module themselves.
fn adapter(file: &str) -> bool {
    file == "origin/node/index.ts"
}

/// The Rust files outside `allowed` that name one of `words`, comments aside.
fn naming(words: &[&str], allowed: impl Fn(&str) -> bool) -> Vec<String> {
    let files = sources("src", "rs");
    assert!(files.len() > 10, "the sources were not found");
    let breaches = files
        .into_iter()
        .filter(|(file, text)| !allowed(file) && words.iter().any(|word| code(text).any(|line| line.contains(word))));
    breaches.map(|(file, _)| file).collect()
}

fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

/// The targets of a TypeScript file's `import … from` and `export … from`.
fn imports(text: &str) -> Vec<String> {
    let quoted = |line: &str, quote: char| -> Option<String> {
        let start = line.find(quote)? + 1;
        let length = line.get(start..)?.find(quote)?;
        Some(line.get(start..start + length)?.to_owned())
    };
    let lines = text.lines().filter_map(|line| {
        let target = line
            .split(" from ")
            .nth(1)
            .or_else(|| line.strip_prefix("import ").filter(|rest| rest.starts_with('\'')))?;
        quoted(target, '\'')
    });
    lines.collect()
}

fn top(file: &str) -> &str {
    file.split('/').next().unwrap_or(file)
}

/// Every file below `folder` with that ending: its path from there, and its text.
fn sources(folder: &str, ending: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.clone()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display())) {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !matches!(name.as_str(), "node_modules" | "dist" | "wasm" | ".demo")
                || path.ends_with("src/wasm")
            {
                folders.push(path);
            } else if name.ends_with(&format!(".{ending}")) {
                let file = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                found.push((file, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}
