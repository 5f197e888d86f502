//! All rules, as data. `rules.rs` checks them; to change who may import whom, change a row here.
//!
//! A pattern is a path from the root of the language's sources: `a/b.ts` is one file, `a/` a folder with everything
//! below it, `a/*/` any folder in `a`, `**/a/` a folder of that name anywhere; without an extension, `a` is a Rust
//! module with its children.

mod rooms;
mod rust;
mod typescript;

pub use rooms::{room, Room, GROUPS, RESERVED};
pub use rust::RUST;
pub use typescript::TYPESCRIPT;

/// The sources of the package.
pub const PACKAGE: &str = "pkg/src";
/// The crates, each with its own module tree.
pub const CRATES: &[&str] = &["src", "xtask/src"];

/// External packages. The first row that matches a file applies; without one, nothing may be imported. `type x`: by
/// `import type` only.
pub const PACKAGES: &[Room] = &[
    room("adapters/hono.ts", &["type hono"]),
    room("adapters/express.ts", &["type node:http", "type express"]),
    room("adapters/node.ts", &["type node:http", "type node:http2"]),
    room("adapters/fastify.ts", &["type fastify"]),
    room("origin/node/", &["node:*"]),
    room("origin/store/*/", &["node:*", "better-sqlite3"]),
    room("origin/gate/", &["jose"]),
    room("origin/connectors/global-token-revocation/", &["jose"]),
    room("origin/service/", &["jose"]),
    room("issuer/", &["node:*", "jose"]),
    room("testing/", &["jose"]),
    room("cli/", &["node:*"]),
    // Its import is a sentence, which ends the build with that message.
    room("entry/edge/without-unwasm.ts", &["portcullis needs a wasm module: *"]),
    room("entry/", &["node:*", "portcullis/*"]),
    room("packaging/", &["node:*", "esbuild", "typescript"]),
    room("docs/", &["node:*", "typescript"]),
];

/// Files that only these rooms may import, even if the rows of others allow it.
pub struct Guarded {
    pub target: &'static str,
    pub only: &'static [&'static str],
}

pub const GUARDED: &[Guarded] = &[
    Guarded { target: "../wasm/", only: &["origin/core/", "edge/core/", "entry/"] },
    Guarded { target: "origin/http/context.ts", only: &["origin/http/"] },
    Guarded { target: "origin/origin.ts", only: &["origin/index.ts", "cli/check/rehearsal.ts"] },
    Guarded { target: "test-fixtures/", only: &[] },
    Guarded { target: "*/testing/", only: &[] },
    Guarded { target: "*/*/testing/", only: &[] },
    Guarded { target: "*/*/*/testing/", only: &[] },
];

/// Words that code may contain only in some files. Comments and strings do not count.
pub struct Words {
    pub tree: &'static str,
    pub words: &'static [&'static str],
    /// The files examined.
    pub of: &'static [&'static str],
    /// The files among them that may contain the words.
    pub only: &'static [&'static str],
    pub because: &'static str,
}

pub const WORDS: &[Words] = &[
    Words {
        tree: "src",
        words: &["wasm_bindgen", "js_sys"],
        of: &["**/*.rs"],
        only: &["wasm"],
        because: "only the boundary names JavaScript",
    },
    Words {
        tree: "src",
        words: &["jwt_compact"],
        of: &["**/*.rs"],
        only: &["keys/jwk.rs", "signature"],
        because: "only the reader of keys and signature name jwt-compact",
    },
    Words {
        tree: "src",
        words: &["getrandom", "OsRng", "thread_rng"],
        of: &["**/*.rs"],
        only: &["ledger/entropy.rs"],
        because: "one file of the ledger draws randomness",
    },
    Words {
        tree: "src",
        words: &["std::time", "SystemTime", "Instant", "Date::now", "chrono"],
        of: &["**/*.rs"],
        only: &[],
        because: "the core has no clock: the time is an argument",
    },
    Words {
        tree: "src",
        words: &["crate::token", "crate::claims", "crate::signature", "revocation::Subject", "revocation::Status"],
        of: &["gate"],
        only: &[],
        because: "the gate passes messages to the state and tokens to the verdict, and inspects neither",
    },
    Words {
        tree: PACKAGE,
        words: &["committer.record", "committer?.record", "committer!.record"],
        of: &["**/*.ts"],
        only: &["origin/recording/", "origin/service/", "origin/origin.ts"],
        because: "only the verbs of the service record in the ledger",
    },
];

/// Folders outside the package, which may import only its public subpaths.
pub const OUTSIDE: &[&str] = &["www", "tests"];
/// Parts of paths that lead to other files of the package.
pub const INSIDE: &[&str] = &["pkg/", "portcullis/dist/", "portcullis/src/"];

/// Maximum number of files and folders in a folder, except tests.
pub const MAX_ENTRIES: &[(&str, usize)] = &[("pkg/src/origin", 20)];

/// Maximum number of lines of a source file, except tests.
pub const MAX_LINES: usize = 350;
/// The trees in which lines are counted.
pub const MEASURED: &[&str] = &["src", PACKAGE, "xtask/src", "www"];

/// The trees in which TypeScript files and folders must have kebab-case names.
pub const KEBAB: &[&str] = &[PACKAGE, "www", "tests"];
/// File names that a framework requires.
pub const DEMANDED: &[&str] = &["+server.ts"];
