//! The suites, found by their files, so that there is no list to keep up to date.

use crate::command::Failure;
use crate::node::Sqlite;
use std::fs;
use std::path::Path;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Suite {
    /// The name, such as `unit/edge/gate`, `rust/model` or `crash`.
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `cargo fmt`.
    Format,
    /// Biome, which formats and lints: `npm run lint` in `pkg/`.
    Lint,
    /// Compiles the edge half of the crate without the origin.
    EdgeAlone,
    /// `tsc` over a folder.
    Types { folder: &'static str },
    /// A test program built by cargo.
    Rust { target: String },
    /// The examples in the crate's documentation.
    RustDocs,
    /// A test file for Node, and the SQLite that it needs.
    Script { folder: &'static str, file: String, sqlite: Sqlite },
}

/// Suites that need no SQLite run in the machine's own Node.
const WITHOUT_SQLITE: [&str; 3] = ["unit/edge", "unit/browser", "runtime"];
/// Suites that run alone: they use fixed ports, load the machine or measure time.
const ALONE: [&str; 2] = ["demo", "durability"];
/// A suite that mostly waits for Keycloak, which starts while other suites run.
const BESIDE: &str = "keycloak/short";
/// Suites that take minutes start first, so that none of them runs on after all others have ended.
const LONG: [&str; 8] =
    ["keycloak/short", "matrix/short", "pack", "crash-kinds", "crash", "rust/model", "pages", "browser"];

/// The total weight of suites that may run at the same time.
pub(crate) const CAPACITY: usize = 4;

/// Returns all suites, in the order in which they start.
pub(crate) fn all(root: &Path) -> Result<Vec<Suite>, Failure> {
    let suite = |name: &str, kind: Kind| Suite { name: name.to_owned(), kind };
    let mut suites = vec![
        suite("format/rust", Kind::Format),
        suite("format/typescript", Kind::Lint),
        suite("edge-alone", Kind::EdgeAlone),
    ];
    for folder in ["pkg", "www", "tests"] {
        suites.push(suite(&format!("types/{folder}"), Kind::Types { folder }));
    }
    let mut targets = vec!["lib".to_owned(), "xtask".to_owned()];
    for folder in ["tests", "xtask/tests"] {
        targets.extend(files(&root.join(folder), Depth::Flat, ".rs")?);
        targets.extend(folders_of(&root.join(folder), "main.rs")?);
    }
    suites.extend(targets.into_iter().map(|target| suite(&format!("rust/{target}"), Kind::Rust { target })));
    suites.push(suite("rust/docs", Kind::RustDocs));
    for (folder, below, prefix) in [("pkg", "src", "unit/"), ("tests", "", "")] {
        for stem in files(&root.join(folder).join(below), Depth::All, ".test.ts")? {
            let name = format!("{prefix}{stem}");
            let is_without = WITHOUT_SQLITE.iter().any(|group| is_in(&name, group));
            let sqlite = if is_without { Sqlite::None } else { Sqlite::Any };
            let file = Path::new(below).join(format!("{stem}.test.ts")).to_string_lossy().into_owned();
            suites.push(Suite { name, kind: Kind::Script { folder, file, sqlite } });
        }
    }
    suites.sort_by_key(Suite::rank);
    Ok(suites)
}

/// Selects suites by name or group; without names, all suites.
pub(crate) fn select(suites: Vec<Suite>, names: &[String]) -> Result<Vec<Suite>, Failure> {
    let is_known = |name: &String| suites.iter().any(|suite| suite.is_in(name));
    if !names.iter().all(is_known) {
        let known: Vec<_> = suites.iter().map(|suite| suite.name.as_str()).collect();
        let text = "unknown suite; the suites follow, and each part of a name up to a slash is a group:\n  ";
        return Err(Failure::Usage(format!("{text}{}", known.join("\n  "))));
    }
    let is_wanted = |suite: &Suite| names.is_empty() || names.iter().any(|name| suite.is_in(name));
    Ok(suites.into_iter().filter(is_wanted).collect())
}

impl Suite {
    /// Whether this is the suite's name, or the name of one of its groups.
    pub(crate) fn is_in(&self, group: &str) -> bool {
        is_in(&self.name, group)
    }

    /// The share of the machine that it takes while it runs.
    pub(crate) fn weight(&self) -> usize {
        match self.kind {
            _ if ALONE.iter().any(|group| self.is_in(group)) => CAPACITY,
            _ if self.is_in(BESIDE) => 1,
            Kind::Script { folder: "pkg", .. } => 1,
            Kind::Format | Kind::Lint | Kind::EdgeAlone | Kind::Types { .. } | Kind::Rust { .. } | Kind::RustDocs => 2,
            // These start servers, browsers and runtimes: two at once would delay each other.
            Kind::Script { .. } => 3,
        }
    }

    fn rank(&self) -> (usize, usize) {
        let long = LONG.iter().position(|group| self.is_in(group));
        (usize::from(self.weight() == CAPACITY), long.unwrap_or(LONG.len()))
    }
}

impl Kind {
    /// Whether the package must have been built.
    pub(crate) fn needs_package(&self) -> bool {
        match self {
            Self::Lint | Self::Types { .. } | Self::Script { .. } => true,
            Self::Format | Self::EdgeAlone | Self::Rust { .. } | Self::RustDocs => false,
        }
    }
}

/// Whether a suite belongs to a group: `pages` includes itself and everything below it.
fn is_in(name: &str, group: &str) -> bool {
    name.strip_prefix(group).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Flat,
    All,
}

/// Returns the sorted paths under the folder, without their suffix. A folder with its own packages is a separate
/// project, whose tests its own tool runs.
fn files(folder: &Path, depth: Depth, suffix: &str) -> Result<Vec<String>, Failure> {
    let unreadable =
        |error: std::io::Error| Failure::Missing(format!("{} could not be read: {error}", folder.display()));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // `file_type` does not follow links, some of which npm creates.
        let is_folder = entry.file_type().map_err(unreadable)?.is_dir();
        if is_folder && depth == Depth::All && name != "node_modules" && !entry.path().join("package.json").exists() {
            found.extend(files(&entry.path(), depth, suffix)?.into_iter().map(|below| format!("{name}/{below}")));
        } else if let Some(stem) = name.strip_suffix(suffix).filter(|_| !is_folder) {
            found.push(stem.to_owned());
        }
    }
    found.sort();
    Ok(found)
}

/// Returns the direct subfolders with a file of this name, which cargo treats as programs.
fn folders_of(folder: &Path, file: &str) -> Result<Vec<String>, Failure> {
    let entries = fs::read_dir(folder)
        .map_err(|error| Failure::Missing(format!("{} could not be read: {error}", folder.display())))?;
    let with_file = entries.flatten().filter(|entry| entry.path().join(file).is_file());
    let mut found: Vec<_> = with_file.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    found.sort();
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn project() -> Vec<Suite> {
        all(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()).unwrap()
    }

    fn names(suites: &[Suite]) -> Vec<&str> {
        suites.iter().map(|suite| suite.name.as_str()).collect()
    }

    #[test]
    fn every_file_of_tests_is_a_suite() {
        let suites = project();
        let names = names(&suites);
        for name in [
            "format/rust",
            "format/typescript",
            "types/www",
            "rust/lib",
            "rust/xtask",
            "rust/model",
            "rust/layering",
            "rust/missing_tools",
            "crash",
        ] {
            assert!(names.contains(&name), "{name}");
        }
        assert!(names.contains(&"pack/pack") && names.iter().any(|name| name.starts_with("unit/edge/")));
        assert!(!names.iter().any(|name| name.contains("node_modules") || name.ends_with(".ts")));
        assert!(names.contains(&"matrix/short") && !names.iter().any(|name| name.starts_with("matrix/vitest")));
        let mut unique = names.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), names.len());
    }

    #[test]
    fn long_suites_begin_first_and_those_that_run_alone_last() {
        let suites = project();
        assert_eq!(suites.first().unwrap().name, "keycloak/short");
        assert_eq!(suites.last().unwrap().weight(), CAPACITY);
    }

    #[test]
    fn a_name_selects_a_suite_or_a_group() {
        let selected = select(project(), &["rust/model".into(), "pages".into()]).unwrap();
        assert!(selected.iter().all(|suite| suite.name == "rust/model" || suite.name.starts_with("pages/")));
        assert!(selected.len() > 2);
        assert_eq!(select(project(), &[]).unwrap(), project());
    }

    #[test]
    fn a_wrong_name_lists_the_right_ones() {
        for name in ["rust/modle", "page", "pages/", ""] {
            let Err(Failure::Usage(text)) = select(project(), &[name.into()]) else { unreachable!("{name}") };
            assert!(text.contains("\n  rust/model\n") && !text.contains("modle"), "{text}");
        }
    }
}
