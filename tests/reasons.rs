//! One list of reason codes, in one order: Rust, TypeScript and the docs.

#![allow(missing_docs, clippy::unwrap_used)]

use portcullis::verdict::Reason;
use std::fs;
use std::path::Path;

#[test]
fn rust_typescript_and_docs_list_the_same_reasons() {
    let rust: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    let script = read("pkg/src/reasons.ts");
    let list = script.split_once("REASONS = [").unwrap().1.split_once(']').unwrap().0;
    let typescript: Vec<&str> = list.split('\'').skip(1).step_by(2).collect();
    assert_eq!(rust, typescript);
    let page = read("www/docs/reference/reasons.md");
    let docs: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| <a id=\"")?.split_once('"')).map(|(id, _)| id).collect();
    assert_eq!(rust, docs);
}

#[test]
fn docs_and_rust_agree_on_the_status() {
    let page = read("www/docs/reference/reasons.md");
    for reason in Reason::ALL {
        let row = page.lines().find(|line| line.contains(&format!("</a>`{}`", reason.code()))).unwrap();
        assert!(row.contains(&format!("| {} |", reason.status())), "{}", reason.code());
    }
}

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}
