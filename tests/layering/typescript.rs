//! Reads the imports of TypeScript files: `import`, `export … from`, `import type` and `import(…)`.

use super::graph::{Import, Sources};
use super::tokens::{of_typescript, Token};

/// Returns the imports of all files except tests and code used only by tests: `test-fixtures/`, and `testing/` in any
/// other folder.
pub fn imports(files: &Sources) -> Vec<Import> {
    let shipped = files.iter().filter(|(file, _)| !is_for_tests(file));
    let mut found: Vec<Import> =
        shipped.flat_map(|(file, text)| targets(text).into_iter().map(|target| resolve(files, file, target))).collect();
    found.sort();
    // Values sort first: a file that imports types and values of another imports values.
    found.dedup_by(|later, first| (&later.from, &later.to) == (&first.from, &first.to));
    found
}

pub fn is_for_tests(file: &str) -> bool {
    file.ends_with(".test.ts") || file.starts_with("test-fixtures/") || file.contains("/testing/")
}

/// The module that an import names, and whether only types are imported.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    pub name: String,
    pub is_type: bool,
}

/// Returns the targets of one file, in order.
pub fn targets(text: &str) -> Vec<Target> {
    let tokens = of_typescript(text);
    let mut found = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let is_member = index > 0 && tokens[index - 1].is_mark('.');
        let rest = &tokens[index + 1..];
        if is_member {
            continue;
        }
        if token.is_word("import") {
            found.extend(imported(rest));
        } else if token.is_word("export") {
            found.extend(exported(rest));
        }
    }
    found
}

/// Reads the tokens after `import`.
fn imported(rest: &[Token]) -> Option<Target> {
    match rest {
        [Token::Text(name), ..] => Some(Target { name: name.clone(), is_type: false }),
        // `import('x').Type` in a type is erased as well, but cannot be distinguished from a dynamic import here.
        [Token::Mark('('), Token::Text(name), ..] => Some(Target { name: name.clone(), is_type: false }),
        // `import type from 'x'` imports a default export and calls it "type".
        [Token::Word(_), from, Token::Text(name), ..] if from.is_word("from") => {
            Some(Target { name: name.clone(), is_type: false })
        }
        [first, clause @ ..] if first.is_word("type") => clause_target(clause, true),
        [Token::Word(_) | Token::Mark('{' | '*'), ..] => clause_target(rest, false),
        _ => None,
    }
}

/// Reads the tokens after `export`; `None` if it re-exports nothing.
fn exported(rest: &[Token]) -> Option<Target> {
    match rest {
        [first, Token::Mark('{' | '*'), ..] if first.is_word("type") => clause_target(&rest[1..], true),
        [Token::Mark('{' | '*'), ..] => clause_target(rest, false),
        _ => None,
    }
}

/// Reads `{ a, type b } from 'x'`, `c, { d } from 'x'` or `* as e from 'x'`; `None` if no `from` ends it.
fn clause_target(clause: &[Token], is_type: bool) -> Option<Target> {
    let is_clause = |token: &Token| matches!(token, Token::Word(_) | Token::Mark('{' | '}' | ',' | '*'));
    // A binding may itself be called "from"; the keyword is the one before the string.
    let end = clause.windows(2).position(|pair| pair[0].is_word("from") && matches!(pair[1], Token::Text(_)))?;
    let names = &clause[..end];
    let Some(Token::Text(name)) = clause.get(end + 1) else { return None };
    if !names.iter().all(|token| is_clause(token) || matches!(token, Token::Text(_))) {
        return None;
    }
    Some(Target { name: name.clone(), is_type: is_type || names_types_only(names) })
}

/// Matches `{ type a, type b }` without a value.
fn names_types_only(names: &[Token]) -> bool {
    let [Token::Mark('{'), inner @ .., Token::Mark('}')] = names else { return false };
    let entries = inner.split(|token| token.is_mark(',')).filter(|entry| !entry.is_empty());
    let mut count = 0;
    let is_type = |entry: &[Token]| match entry {
        // `type as a` renames an export called "type".
        [first, second, ..] => first.is_word("type") && (!second.is_word("as") || entry.len() == 4),
        _ => false,
    };
    let all = entries.inspect(|_| count += 1).all(is_type);
    all && count > 0
}

fn resolve(files: &Sources, from: &str, target: Target) -> Import {
    let Target { name, is_type } = target;
    if !name.starts_with('.') {
        return Import { from: from.to_owned(), to: name, is_outside: true, is_type };
    }
    let path = joined(from, &name);
    let candidates =
        [path.clone(), path.strip_suffix(".js").map_or_else(|| format!("{path}.ts"), |stem| format!("{stem}.ts"))];
    let file = candidates.into_iter().find(|candidate| files.contains_key(candidate));
    Import { from: from.to_owned(), is_outside: file.is_none(), to: file.unwrap_or(path), is_type }
}

/// Returns a relative path as one from the root; it begins with `../` if it leaves the tree.
fn joined(from: &str, relative: &str) -> String {
    let mut path: Vec<&str> = from.split('/').collect();
    path.pop();
    for part in relative.split('/') {
        match part {
            "." => {}
            ".." if path.last().is_some_and(|last| *last != "..") => {
                path.pop();
            }
            _ => path.push(part),
        }
    }
    path.join("/")
}

#[cfg(test)]
fn read(text: &str) -> Vec<String> {
    let shown = |target: Target| format!("{}{}", if target.is_type { "type " } else { "" }, target.name);
    targets(text).into_iter().map(shown).collect()
}

#[test]
fn finds_every_form_of_import() {
    let text = r#"
        import './side-effect.ts'
        import first, {
          type second, // from './not-this.ts'
          third,
        } from "./over-lines.ts"
        import{a}from'./dense.ts'; import * as all from './all.ts'
        import type { T } from './types.ts'
        import { type U, type V as W } from './only-types.ts'
        import { type as kind } from './export-called-type.ts'
        import type from './default-called-type.ts'
        import { from } from './binding-called-from.ts'
        export * from './star.ts'
        export * as ns from './namespace.ts'
        export type * from './type-star.ts'
        export { x, type Y } from './mixed.ts'
        export type { Z } from './exported-types.ts'
        const late = async () => (await import('./dynamic.ts')).late
        let shape: typeof import('./type-of.ts')
        import data from './data.json' with { type: 'json' }
    "#;
    let expected = [
        "./side-effect.ts",
        "./over-lines.ts",
        "./dense.ts",
        "./all.ts",
        "type ./types.ts",
        "type ./only-types.ts",
        "./export-called-type.ts",
        "./default-called-type.ts",
        "./binding-called-from.ts",
        "./star.ts",
        "./namespace.ts",
        "type ./type-star.ts",
        "./mixed.ts",
        "type ./exported-types.ts",
        "./dynamic.ts",
        "./type-of.ts",
        "./data.json",
    ];
    assert_eq!(read(text), expected);
}

#[test]
fn text_that_resembles_an_import_is_ignored() {
    let text = r#"
        // import { a } from './comment.ts'
        /* export * from './block.ts' */
        const text = "import { b } from './string.ts'"
        const template = `import './template.ts' ${nested(`export * from './inner.ts'`)}`
        const pattern = /import '.\/pattern.ts'/
        const half = total / 2 // ' / import './after-division.ts'
        loader.import('./member.ts')
        const url = import.meta.url
        export const from = './constant.ts'
        export { local }
        const words = ['from', './list.ts']
        export type Name = 'from' | './union.ts'
        export type { Kept }
        const pair = { from: './property.ts' }
    "#;
    assert_eq!(read(text), [""; 0]);
}
