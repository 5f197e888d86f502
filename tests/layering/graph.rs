//! The import graph of a tree and its cycles.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The files of one tree: path from its root, and contents.
pub type Sources = BTreeMap<String, String>;

/// One import.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    pub from: String,
    /// A file of the tree, a package, or a path that leaves the tree.
    pub to: String,
    pub is_outside: bool,
    /// `import type`: erased before run time.
    pub is_type: bool,
}

/// The components of the path of a file or module.
pub type Place = Vec<String>;

/// Returns the cycles between files: the shortest one of each strongly connected component, as `a -> b -> a`.
pub fn file_cycles(imports: &[Import]) -> Vec<String> {
    let mut next = Arrows::new();
    for import in imports.iter().filter(|import| !import.is_outside) {
        next.entry(&import.from).or_default().insert(&import.to);
    }
    cycles(&next).into_iter().map(|cycle| cycle.join(" -> ")).collect()
}

/// Returns the cycles between siblings: each folder or module counts as one node with all files below it, so a parent
/// and its children are not a cycle. `place` maps a file to its path.
pub fn room_cycles(imports: &[Import], place: impl Fn(&str) -> Place) -> Vec<String> {
    let mut levels: BTreeMap<String, BTreeMap<(String, String), String>> = BTreeMap::new();
    for import in imports.iter().filter(|import| !import.is_outside) {
        let (from, to) = (place(&import.from), place(&import.to));
        let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
        if shared == from.len() || shared == to.len() {
            continue;
        }
        let room = |of: &Place| of[..=shared].join("/");
        let reason = format!("{} imports {}", import.from, import.to);
        levels.entry(from[..shared].join("/")).or_default().entry((room(&from), room(&to))).or_insert(reason);
    }
    let mut found = Vec::new();
    for reasons in levels.values() {
        let mut next = Arrows::new();
        for (from, to) in reasons.keys() {
            next.entry(from).or_default().insert(to);
        }
        for cycle in cycles(&next) {
            let because = cycle.windows(2).map(|pair| reasons[&(pair[0].to_owned(), pair[1].to_owned())].as_str());
            found.push(format!("{} ({})", cycle.join(" -> "), because.collect::<Vec<_>>().join("; ")));
        }
    }
    found
}

type Arrows<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Returns the shortest cycle of each strongly connected component; the first node is also the last.
fn cycles<'a>(next: &Arrows<'a>) -> Vec<Vec<&'a str>> {
    let reach: BTreeMap<&str, BTreeSet<&str>> = next.keys().map(|node| (*node, reachable(next, node))).collect();
    let mut done = BTreeSet::new();
    let mut found = Vec::new();
    for node in next.keys() {
        if done.contains(node) || !reach[node].contains(node) {
            continue;
        }
        let comes_back = |other: &&&str| reach.get(**other).is_some_and(|back| back.contains(node));
        let knot: BTreeSet<&str> = reach[node].iter().filter(comes_back).copied().collect();
        found.extend(knot.iter().filter_map(|start| way_back(next, start)).min_by_key(Vec::len));
        done.extend(knot);
    }
    found
}

fn reachable<'a>(next: &Arrows<'a>, start: &str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&'a str> = next.get(start).into_iter().flatten().copied().collect();
    while let Some(node) = open.pop() {
        if seen.insert(node) {
            open.extend(next.get(node).into_iter().flatten());
        }
    }
    seen
}

fn way_back<'a>(next: &Arrows<'a>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut ways = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for node in next.get(way.last()?).into_iter().flatten().copied() {
            if node == start || seen.insert(node) {
                let mut longer = way.clone();
                longer.push(node);
                if node == start {
                    return Some(longer);
                }
                ways.push_back(longer);
            }
        }
    }
    None
}

/// Returns the folders of a file followed by its name.
pub fn folders(file: &str) -> Place {
    file.split('/').map(str::to_owned).collect()
}
