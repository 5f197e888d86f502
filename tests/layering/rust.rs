//! Reads the modules of a crate and the paths between them: `use` trees and paths in the code.

use std::collections::BTreeMap;

use super::graph::{Import, Place, Sources};
use super::tokens::{of_rust, Token};

/// Returns the imports between the files of a crate, except those of inline test modules. A re-exported name belongs to
/// the module that declares it.
pub fn imports(files: &Sources) -> Vec<Import> {
    let modules: BTreeMap<Place, &str> = files.keys().map(|file| (module_of(file), file.as_str())).collect();
    let paths: BTreeMap<Place, Vec<Path>> =
        files.iter().map(|(file, text)| (module_of(file), paths(&without_tests(of_rust(text))))).collect();
    let names = paths.iter().map(|(module, paths)| (module, names(&modules, module, paths)));
    let names: BTreeMap<&Place, BTreeMap<String, Place>> = names.collect();
    let mut found = Vec::new();
    for (module, paths) in &paths {
        for path in paths {
            let Some(absolute) = absolute(&modules, module, &path.parts) else { continue };
            let target = target(&modules, &names, &absolute, 0);
            let Some(to) = modules.get(&target).filter(|_| target != *module) else { continue };
            let (from, to) = (modules[module].to_owned(), (*to).to_owned());
            found.push(Import { from, to, is_outside: false, is_type: false });
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Returns the module of a file: `verdict/judge.rs` is `verdict::judge`; the crate's root is the empty path.
pub fn module_of(file: &str) -> Place {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    if matches!(path, "lib" | "main") {
        return Place::new();
    }
    path.split('/').map(str::to_owned).collect()
}

/// A path in the source, and the name that a `use` gives to it.
#[derive(Debug, PartialEq, Eq)]
struct Path {
    parts: Vec<String>,
    name: Option<String>,
}

fn names(modules: &BTreeMap<Place, &str>, module: &Place, paths: &[Path]) -> BTreeMap<String, Place> {
    let named = paths.iter().filter_map(|path| Some((path.name.clone()?, absolute(modules, module, &path.parts)?)));
    named.collect()
}

/// Returns a path from the crate's root; `None` for a path into another crate.
fn absolute(modules: &BTreeMap<Place, &str>, module: &Place, path: &[String]) -> Option<Place> {
    let (first, rest) = path.split_first()?;
    let mut base = match first.as_str() {
        "crate" => Place::new(),
        "self" => module.clone(),
        "super" => module[..module.len().checked_sub(1)?].to_vec(),
        child => {
            let mut own = module.clone();
            own.push(child.to_owned());
            if !modules.contains_key(&own) {
                return None;
            }
            own
        }
    };
    let ups = rest.iter().take_while(|part| *part == "super").count();
    base.truncate(base.len().checked_sub(ups)?);
    base.extend_from_slice(&rest[ups..]);
    Some(base)
}

/// Returns the module in which a path ends, after following re-exports.
fn target(
    modules: &BTreeMap<Place, &str>,
    names: &BTreeMap<&Place, BTreeMap<String, Place>>,
    path: &[String],
    depth: usize,
) -> Place {
    let mut at = Place::new();
    for (index, part) in path.iter().enumerate() {
        let mut child = at.clone();
        child.push(part.clone());
        if modules.contains_key(&child) {
            at = child;
            continue;
        }
        let renamed = names.get(&at).and_then(|names| names.get(part)).filter(|_| depth < 8);
        return renamed.map_or(at, |source| {
            let further: Vec<String> = source.iter().chain(&path[index + 1..]).cloned().collect();
            target(modules, names, &further, depth + 1)
        });
    }
    at
}

/// Returns the paths of a file: those in `use` declarations, and those in its code that begin with a keyword.
fn paths(tokens: &[Token]) -> Vec<Path> {
    let mut found = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let is_first = index == 0 || !tokens[index - 1].is_mark(':');
        if tokens[index].is_word("use") {
            index = use_tree(tokens, index + 1, &[], &mut found);
        } else if is_first && ["crate", "super", "self"].iter().any(|word| tokens[index].is_word(word)) {
            index = inline_path(tokens, index, &mut found);
        } else {
            index += 1;
        }
    }
    found
}

fn inline_path(tokens: &[Token], start: usize, found: &mut Vec<Path>) -> usize {
    let mut parts = Vec::new();
    let mut index = start;
    while let Some(Token::Word(part)) = tokens.get(index) {
        parts.push(part.clone());
        index += 1;
        if !is_separator(tokens, index) {
            break;
        }
        index += 2;
    }
    // `self` alone is a value, `pub(super)` a visibility.
    if parts.len() > 1 {
        found.push(Path { parts, name: None });
    }
    index
}

fn is_separator(tokens: &[Token], index: usize) -> bool {
    let is_colon = |at: usize| tokens.get(at).is_some_and(|token| token.is_mark(':'));
    is_colon(index) && is_colon(index + 1)
}

/// Reads `a::{b, c::*, d as e}`; returns the index after it.
fn use_tree(tokens: &[Token], start: usize, prefix: &[String], found: &mut Vec<Path>) -> usize {
    let mut parts = prefix.to_vec();
    let mut name = None;
    let mut index = start;
    loop {
        match tokens.get(index) {
            Some(Token::Mark('{')) => {
                index += 1;
                while tokens.get(index).is_some_and(|token| !token.is_mark('}')) {
                    index = use_tree(tokens, index, &parts, found);
                    index += usize::from(tokens.get(index).is_some_and(|token| token.is_mark(',')));
                }
                return index + 1;
            }
            Some(Token::Word(word)) if word == "as" => {
                if let Some(Token::Word(alias)) = tokens.get(index + 1) {
                    name = Some(alias.clone());
                }
                index += 2;
            }
            Some(Token::Word(word)) => {
                // `a::{self}` is `a`.
                if word != "self" || parts.is_empty() {
                    parts.push(word.clone());
                }
                index += 1;
            }
            Some(Token::Mark(':' | '*')) => index += 1,
            _ => break,
        }
    }
    let name = name.or_else(|| parts.last().cloned());
    found.push(Path { parts, name });
    index
}

/// Drops each item with `#[cfg(test)]`.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let is_test = |at: usize| {
        let words = ["cfg", "(", "test", ")", "]"];
        let shown = |token: &Token| match token {
            Token::Word(word) => word.clone(),
            Token::Text(_) => String::new(),
            Token::Mark(mark) => mark.to_string(),
        };
        tokens[at].is_mark('#') && tokens.iter().skip(at + 2).map(shown).take(words.len()).eq(words)
    };
    let mut kept = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        if is_test(index) {
            index = end_of_item(&tokens, index);
        } else {
            kept.push(tokens[index].clone());
            index += 1;
        }
    }
    kept
}

/// Returns the index after the first `;`, or after the first block in braces.
fn end_of_item(tokens: &[Token], start: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(start) {
        match token {
            Token::Mark('{') => depth += 1,
            Token::Mark('}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index + 1;
                }
            }
            Token::Mark(';') if depth == 0 => return index + 1,
            _ => {}
        }
    }
    tokens.len()
}

#[cfg(test)]
fn read(files: &[(&str, &str)]) -> Vec<String> {
    let files = files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
    imports(&files).into_iter().map(|import| format!("{} -> {}", import.from, import.to)).collect()
}

#[test]
fn use_trees_and_inline_paths_are_followed_through_re_exports() {
    let found = read(&[
        ("lib.rs", "mod gate; pub mod verdict; mod time;"),
        ("gate.rs", "use crate::{\n    time::{self, Seconds},\n    verdict::{Answer as Found, judge::*},\n};"),
        ("verdict.rs", "mod answer; mod judge;\npub use self::answer::Answer; pub(crate) fn own() {}"),
        ("verdict/answer.rs", "fn f() -> super::judge::J { crate::time::now(); self::g(); let s = self; }"),
        ("verdict/judge.rs", "use super::own; impl super::Answer {}"),
        ("time.rs", ""),
    ]);
    let expected = [
        "gate.rs -> time.rs",
        "gate.rs -> verdict/answer.rs",
        "gate.rs -> verdict/judge.rs",
        "verdict.rs -> verdict/answer.rs",
        "verdict/answer.rs -> time.rs",
        "verdict/answer.rs -> verdict/judge.rs",
        "verdict/judge.rs -> verdict.rs",
        "verdict/judge.rs -> verdict/answer.rs",
    ];
    assert_eq!(found, expected);
}

#[test]
fn docs_strings_visibilities_and_test_modules_import_nothing() {
    let text = r##"
        //! [`a`](crate::a::A) /* use crate::a; */
        /// use crate::a::A;
        pub(super) const TEXT: &str = "use crate::a;"; const RAW: &str = r#"crate::a::A "quoted" crate::a"#;
        fn f<'a>(c: &'a u8) -> char { ':' }
        #[cfg(test)]
        mod tests { use crate::a::A; fn g() { { crate::a::h() } } }
    "##;
    assert_eq!(read(&[("lib.rs", ""), ("a.rs", ""), ("b.rs", text)]), [""; 0]);
}
