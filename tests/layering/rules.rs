//! Checks the rules of `table.rs`. A breach is a sentence with the whole path.

use std::collections::BTreeSet;

use super::graph::{file_cycles, folders, room_cycles, Import, Sources};
use super::table::{Guarded, Room, Words};
use super::tokens::{of_rust, of_typescript, squeezed};
use super::{rust, table, typescript};

/// Returns the breaches of all rules. `files` are all sources, by their paths from the root of the repository.
pub fn breaches(files: &Sources) -> Vec<String> {
    let package = tree(files, table::PACKAGE);
    let imports = typescript::imports(&package);
    let mut found = BTreeSet::new();
    found.extend(against_rooms(
        table::TYPESCRIPT,
        package.keys().filter(|file| !typescript::is_for_tests(file)),
        &imports,
    ));
    found.extend(against_packages(&imports));
    found.extend(against_guards(&imports));
    found.extend(file_cycles(&imports));
    let files_alone =
        |cycle: &String| cycle.split(" (").next().unwrap_or_default().split(" -> ").all(|room| room.ends_with(".ts"));
    found.extend(room_cycles(&imports, folders).into_iter().filter(|cycle| !files_alone(cycle)));
    for folder in table::CRATES {
        let modules = tree(files, folder);
        let imports = rust::imports(&modules);
        if *folder == "src" {
            found.extend(against_rooms(table::RUST, modules.keys(), &imports));
        }
        found.extend(room_cycles(&imports, rust::module_of).into_iter().map(|cycle| format!("{folder}: {cycle}")));
    }
    found.extend(table::WORDS.iter().flat_map(|words| against_words(&tree(files, words.tree), words)));
    found.extend(from_outside(files));
    found.extend(too_many_entries(files));
    found.extend(too_long(files));
    found.extend(misnamed(files));
    found.into_iter().collect()
}

fn tree(files: &Sources, folder: &str) -> Sources {
    let below = files.iter().filter_map(|(file, text)| Some((file.strip_prefix(folder)?.strip_prefix('/')?, text)));
    below.map(|(file, text)| (file.to_owned(), text.clone())).collect()
}

fn against_rooms<'a>(rooms: &[Room], files: impl Iterator<Item = &'a String>, imports: &[Import]) -> Vec<String> {
    let without_row = files.filter(|file| rooms.iter().all(|room| covered(room.from, file).is_none()));
    let mut found: Vec<String> = without_row.map(|file| format!("{file} has no row in the table")).collect();
    for import in imports.iter().filter(|import| !import.is_outside || import.to.starts_with('.')) {
        let Some((room, own)) = rooms.iter().find_map(|room| Some((room, covered(room.from, &import.from)?))) else {
            continue;
        };
        let may = expanded(room.may);
        let is_allowed = may.iter().any(|target| {
            let (target, is_type) = target.strip_prefix("type ").map_or((*target, false), |target| (target, true));
            let target = if target == "./" { own.as_str() } else { target };
            covered(target, &import.to).is_some() && (import.is_type || !is_type)
        });
        if !is_allowed {
            let may = if may.is_empty() { "nothing".to_owned() } else { may.join(", ") };
            found.push(format!("{} imports {} ({} may import: {may})", import.from, import.to, room.from));
        }
    }
    found
}

/// Replaces each group by its members.
fn expanded(may: &[&'static str]) -> Vec<&'static str> {
    let members = |target: &'static str| {
        let group = table::GROUPS.iter().find(|(name, _)| *name == target);
        group.map_or_else(|| vec![target], |(_, members)| members.to_vec())
    };
    may.iter().flat_map(|target| members(target)).collect()
}

/// Returns the rows of the table that match no file, and the targets in them that do not exist.
pub fn stale_rows(files: &Sources) -> Vec<String> {
    let package = tree(files, table::PACKAGE);
    let modules = tree(files, "src");
    let is_reserved = |pattern: &str| table::RESERVED.iter().any(|reserved| pattern.starts_with(reserved));
    let names_none = |files: &Sources, pattern: &str| {
        let is_inside = !pattern.starts_with('.') && !is_reserved(pattern);
        is_inside && files.keys().all(|file| covered(pattern, file).is_none())
    };
    let mut found = Vec::new();
    for (rooms, files) in [(table::TYPESCRIPT, &package), (table::PACKAGES, &package), (table::RUST, &modules)] {
        let unused = |room: &&Room| names_none(files, room.from);
        found.extend(rooms.iter().filter(unused).map(|room| format!("{} has a row and no file", room.from)));
    }
    for (rooms, files) in [(table::TYPESCRIPT, &package), (table::RUST, &modules)] {
        for room in rooms {
            for target in expanded(room.may).iter().map(|target| target.trim_start_matches("type ")) {
                if names_none(files, target) {
                    found.push(format!("{} may import {target}, which is not a file", room.from));
                }
            }
        }
    }
    found
}

fn against_packages(imports: &[Import]) -> Vec<String> {
    let outward = imports.iter().filter(|import| import.is_outside && !import.to.starts_with('.'));
    let rooms = |file: &str| table::PACKAGES.iter().find(|room| covered(room.from, file).is_some());
    let is_allowed = |import: &&Import| {
        let may_import = |package: &str| match package.strip_prefix("type ") {
            Some(package) => import.is_type && glob(package, &import.to),
            None => glob(package, &import.to),
        };
        rooms(&import.from).is_some_and(|room| room.may.iter().any(|package| may_import(package)))
    };
    let breach = |import: &Import| {
        let may = rooms(&import.from).map_or_else(|| "no package".to_owned(), |room| room.may.join(", "));
        format!("{} imports {} (it may import: {may})", import.from, import.to)
    };
    outward.filter(|import| !is_allowed(import)).map(breach).collect()
}

fn against_guards(imports: &[Import]) -> Vec<String> {
    let breaks = |import: &Import, guard: &Guarded| {
        covered(guard.target, &import.to).is_some() && !any_covers(guard.only, &import.from)
    };
    let mut found = Vec::new();
    for import in imports {
        if let Some(guard) = table::GUARDED.iter().find(|guard| breaks(import, guard)) {
            let only = if guard.only.is_empty() { "tests".to_owned() } else { guard.only.join(", ") };
            found.push(format!("{} imports {} (only these may: {only})", import.from, import.to));
        }
    }
    found
}

fn against_words(files: &Sources, rule: &Words) -> Vec<String> {
    let mut found = Vec::new();
    for (file, text) in files {
        let is_exempt = any_covers(rule.only, file) || typescript::is_for_tests(file);
        if is_exempt || !any_covers(rule.of, file) {
            continue;
        }
        let code = squeezed(&if file.ends_with(".rs") { of_rust(text) } else { of_typescript(text) });
        let named = rule.words.iter().filter(|word| code.contains(*word));
        found.extend(named.map(|word| format!("{}/{file} names {word} ({})", rule.tree, rule.because)));
    }
    found
}

fn from_outside(files: &Sources) -> Vec<String> {
    let mut found = Vec::new();
    for (file, text) in files {
        if !table::OUTSIDE.iter().any(|folder| is_below(folder, file)) || !file.ends_with(".ts") {
            continue;
        }
        let is_inside = |name: &str| table::INSIDE.iter().any(|inside| name.contains(inside));
        let inward = typescript::targets(text).into_iter().filter(|target| is_inside(&target.name));
        found.extend(inward.map(|target| format!("{file} imports {} (public subpaths only)", target.name)));
    }
    found
}

fn too_many_entries(files: &Sources) -> Vec<String> {
    let mut found = Vec::new();
    for (folder, limit) in table::MAX_ENTRIES {
        let below = tree(files, folder);
        let shipped = below.keys().filter(|file| !file.ends_with(".test.ts"));
        let entries: BTreeSet<&str> = shipped.filter_map(|file| file.split('/').next()).collect();
        if entries.len() > *limit {
            found.push(format!("{folder} has {} entries (at most {limit})", entries.len()));
        }
    }
    found
}

fn too_long(files: &Sources) -> Vec<String> {
    let measured = files.iter().filter(|(file, _)| {
        table::MEASURED.iter().any(|folder| is_below(folder, file)) && !typescript::is_for_tests(file)
    });
    let lengths = measured.map(|(file, text)| (file, text.lines().count()));
    let long = lengths.filter(|(_, lines)| *lines > table::MAX_LINES);
    long.map(|(file, lines)| format!("{file} has {lines} lines (at most {})", table::MAX_LINES)).collect()
}

fn misnamed(files: &Sources) -> Vec<String> {
    let is_kebab = |name: &str| {
        let words = name.split(['-', '.']);
        name.split('.').all(|part| !part.starts_with('-') && !part.ends_with('-'))
            && words.into_iter().all(|word| {
                !word.is_empty() && word.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
            })
    };
    let named =
        files.keys().filter(|file| file.ends_with(".ts") && table::KEBAB.iter().any(|folder| is_below(folder, file)));
    let wrong = named.filter(|file| !file.split('/').all(|name| is_kebab(name) || table::DEMANDED.contains(&name)));
    wrong.map(|file| format!("{file} is not kebab-case")).collect()
}

fn is_below(folder: &str, file: &str) -> bool {
    file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn any_covers(patterns: &[&str], file: &str) -> bool {
    patterns.iter().any(|pattern| covered(pattern, file).is_some())
}

/// Returns the part of the path that a pattern covers, itself a pattern: `a/*/` gives `a/b/` for `a/b/c.ts`.
fn covered(pattern: &str, file: &str) -> Option<String> {
    if let Some(anywhere) = pattern.strip_prefix("**/") {
        let starts = file.match_indices('/').map(|(index, _)| index + 1);
        return std::iter::once(0).chain(starts).find_map(|start| {
            let rest = covered(anywhere, &file[start..])?;
            Some(format!("{}{rest}", &file[..start]))
        });
    }
    let parts: Vec<&str> = file.split('/').collect();
    let wanted: Vec<&str> = pattern.split('/').collect();
    for (index, part) in wanted.iter().enumerate() {
        if part.is_empty() && index + 1 == wanted.len() {
            return parts.get(index).map(|_| format!("{}/", parts[..index].join("/")));
        }
        let own = parts.get(index)?;
        let is_module = index + 1 == wanted.len() && !part.contains(['.', '*']);
        if is_module && (own.strip_suffix(".rs") == Some(part) || own == part && parts.len() > wanted.len()) {
            return Some(pattern.to_owned());
        }
        if !glob(part, own) {
            return None;
        }
    }
    (parts.len() == wanted.len()).then(|| file.to_owned())
}

/// Matches a pattern with at most one `*`, which stands for any characters.
fn glob(pattern: &str, text: &str) -> bool {
    pattern.split_once('*').map_or(pattern == text, |(before, after)| {
        text.len() >= before.len() + after.len() && text.starts_with(before) && text.ends_with(after)
    })
}
