//! All rules, as data. `rules.rs` checks them; to change who may import whom, change a row here.
//!
//! A pattern is a path from the root of the language's sources: `a/b.ts` is one file, `a/` a folder with all that is below
//! it, `a/*/` any folder of `a`, `**/a/` such a folder anywhere; without an ending, `a` is a Rust module with its children.

/// Where the sources of the package stand.
pub const PACKAGE: &str = "pkg/src";
/// The crates, each with its own module tree.
pub const CRATES: &[&str] = &["src", "xtask/src"];

/// Who may import whom. The first row that fits a file counts; each file needs one.
pub struct Room {
    pub from: &'static str,
    /// `./` is the room itself, `@x` a group; `type x` may be imported by `import type` only.
    pub may: &'static [&'static str],
}

const fn room(from: &'static str, may: &'static [&'static str]) -> Room {
    Room { from, may }
}

/// Files that many rooms may import.
pub const GROUPS: &[(&str, &[&str])] = &[
    ("@words", &["errors.ts", "reasons.ts", "types.ts"]),
    ("@options", &["errors.ts", "reasons.ts", "types.ts", "options.ts", "policy.ts"]),
    (
        "@origin",
        &["origin/api.ts", "origin/options.ts", "origin/settings.ts", "origin/clock.ts", "origin/same-secret.ts"],
    ),
];

/// The order of the package: an import goes down, never up or sideways.
pub const TYPESCRIPT: &[Room] = &[
    // Shared, from the ground up.
    room("errors.ts", &[]),
    room("reasons.ts", &[]),
    room("version.ts", &[]),
    room("hex.ts", &[]),
    room("token-part.ts", &[]),
    room("types.ts", &["errors.ts", "reasons.ts"]),
    room("index.ts", &["@words"]),
    room("options.ts", &["@words"]),
    room("policy.ts", &["@words", "options.ts"]),
    room("timing/", &["./", "errors.ts"]),
    room("core/", &["./", "timing/", "@options", "version.ts"]),
    room("http/", &["./", "timing/", "@options"]),
    room("jwks/", &["./", "http/", "timing/", "@options"]),
    // The edge. A transport knows the interface to its realm, neither the realm nor another transport.
    room("edge/core/", &["./", "core/", "../wasm/edge/", "@options"]),
    room("edge/feed/subscriber.ts", &["type edge/core/", "type types.ts"]),
    room("edge/feed/protocol.ts", &["errors.ts"]),
    room("edge/feed/section-queue.ts", &[]),
    room("edge/feed/event-stream.ts", &[]),
    room("edge/feed/digest.ts", &["type edge/core/"]),
    room(
        "edge/feed/",
        &[
            "edge/feed/subscriber.ts",
            "edge/feed/protocol.ts",
            "edge/feed/section-queue.ts",
            "edge/feed/event-stream.ts",
            "edge/feed/digest.ts",
            "edge/core/",
            "http/",
            "jwks/",
            "timing/",
            "@words",
        ],
    ),
    room("edge/", &["./", "core/", "http/", "jwks/", "timing/", "token-part.ts", "@options"]),
    room("adapters/", &["type types.ts", "type edge/"]),
    // The origin, from the ground up.
    room("origin/clock.ts", &[]),
    room("origin/same-secret.ts", &[]),
    room("origin/core/", &["./", "core/", "../wasm/origin/", "@options"]),
    room("origin/store/*/", &["./", "origin/store/*.ts", "errors.ts", "options.ts", "type types.ts"]),
    room("origin/store/", &["./", "errors.ts", "options.ts", "type types.ts"]),
    room("origin/api.ts", &["origin/store/", "origin/core/", "@words"]),
    room("origin/options.ts", &["origin/api.ts", "origin/store/", "origin/core/", "@options"]),
    room(
        "origin/settings.ts",
        &["origin/options.ts", "origin/api.ts", "origin/store/", "origin/core/", "http/", "@options"],
    ),
    room("origin/metrics/", &["./", "origin/core/", "origin/api.ts", "errors.ts", "reasons.ts", "version.ts"]),
    room("origin/feed/", &["./", "origin/core/", "@origin", "http/", "timing/", "hex.ts", "@options"]),
    room(
        "origin/gate/",
        &[
            "./",
            "origin/feed/",
            "origin/core/",
            "@origin",
            "core/",
            "http/",
            "jwks/",
            "timing/",
            "token-part.ts",
            "@options",
        ],
    ),
    room(
        "origin/recording/",
        &["./", "origin/core/", "origin/store/", "@origin", "http/", "timing/", "hex.ts", "@options"],
    ),
    room("origin/audit/", &["./", "origin/recording/", "origin/store/", "@origin", "http/", "@options"]),
    room(
        "origin/service/",
        &[
            "./",
            "origin/audit/",
            "origin/gate/",
            "origin/feed/",
            "origin/recording/",
            "origin/metrics/",
            "origin/store/",
            "origin/core/",
            "@origin",
            "http/",
            "timing/",
            "token-part.ts",
            "@options",
        ],
    ),
    room(
        "origin/http/routes/",
        &[
            "./",
            "origin/http/*.ts",
            "origin/core/name.ts",
            "type origin/service/",
            "type origin/feed/",
            "origin/metrics/",
            "origin/api.ts",
            "origin/clock.ts",
            "http/",
            "timing/",
            "token-part.ts",
            "version.ts",
            "@words",
        ],
    ),
    room(
        "origin/http/",
        &[
            "./",
            "origin/core/name.ts",
            "origin/audit/",
            "origin/feed/",
            "origin/gate/",
            "origin/metrics/",
            "type origin/service/",
            "@origin",
            "http/",
            "timing/",
            "version.ts",
            "@options",
        ],
    ),
    room("origin/connectors/connector.ts", &["origin/api.ts", "origin/http/route.ts", "type origin/service/"]),
    room(
        "origin/connectors/*/",
        &[
            "./",
            "origin/connectors/connector.ts",
            "origin/http/route.ts",
            "origin/http/input.ts",
            "type origin/service/",
            "origin/api.ts",
            "http/",
            "timing/",
            "@words",
        ],
    ),
    room(
        "origin/node/",
        &["./", "origin/http/known-body.ts", "origin/api.ts", "entry/origin/node.ts", "http/", "@options"],
    ),
    room("origin/origin.ts", &["origin/", "http/", "timing/", "@options"]),
    room("origin/index.ts", &["origin/", "@words"]),
    // Wings.
    room(
        "issuer/",
        &[
            "./",
            "origin/api.ts",
            "type origin/options.ts",
            "origin/http/",
            "origin/store/",
            "origin/core/name.ts",
            "http/",
            "timing/",
            "options.ts",
            "@words",
        ],
    ),
    room("browser/", &["./", "http/loopback.ts", "timing/", "errors.ts", "options.ts"]),
    room(
        "cli/",
        &[
            "./",
            "entry/origin/",
            "origin/node/",
            "origin/store/",
            "origin/settings.ts",
            "origin/options.ts",
            "origin/api.ts",
            "http/",
            "version.ts",
            "@options",
        ],
    ),
    room("entry/", &["./", "edge/", "origin/", "core/", "errors.ts", "../wasm/"]),
];

/// The order of the crate.
pub const RUST: &[Room] = &[
    room("time", &["./"]),
    room("name", &["./"]),
    room("base64url", &["./"]),
    room("json", &["./"]),
    room("ed25519", &["./"]),
    room("error", &["./"]),
    // A token's path.
    room("claims", &["./", "json", "name", "time"]),
    room("signature", &["./", "ed25519"]),
    room("keys", &["./", "base64url", "error", "json", "signature"]),
    room("token", &["./", "base64url", "claims", "json", "keys", "signature"]),
    room("policy", &["./", "claims", "keys", "signature", "time", "token"]),
    // The state at the edge.
    room("revocation", &["./", "ed25519", "error", "json", "time"]),
    // Both meet.
    room("verdict", &["./", "claims", "keys", "policy", "revocation", "signature", "time", "token"]),
    // Algorithms by way of the verdict, which re-exports them.
    room("gate", &["./", "error", "keys", "revocation", "signature", "time", "verdict"]),
    room("ledger", &["./", "error", "json", "name", "revocation", "time"]),
    room(
        "wasm",
        &["./", "claims", "error", "gate", "keys", "ledger", "policy", "revocation", "signature", "time", "verdict"],
    ),
    room("lib.rs", &[]),
];

/// Packages from elsewhere. The first row that fits a file counts; without one, nothing may be imported.
pub const PACKAGES: &[Room] = &[
    room("origin/node/", &["node:*"]),
    room("origin/store/*/", &["node:*", "better-sqlite3"]),
    room("origin/gate/", &["jose"]),
    room("origin/service/", &["jose"]),
    room("issuer/", &["node:*", "jose"]),
    room("cli/", &["node:*"]),
    room("entry/", &["node:*", "portcullis/*"]),
];

/// What few may import, whatever their room may.
pub struct Guarded {
    pub target: &'static str,
    pub only: &'static [&'static str],
}

pub const GUARDED: &[Guarded] = &[
    Guarded { target: "../wasm/", only: &["origin/core/", "edge/core/", "entry/"] },
    Guarded { target: "origin/http/context.ts", only: &["origin/http/"] },
    Guarded { target: "origin/origin.ts", only: &["origin/index.ts"] },
    Guarded { target: "testing/", only: &[] },
    Guarded { target: "**/testing/", only: &[] },
];

/// Words that code may contain in some files only. Comments and strings do not count.
pub struct Words {
    pub tree: &'static str,
    pub words: &'static [&'static str],
    /// The files that are looked at.
    pub of: &'static [&'static str],
    /// Those among them that may.
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
        only: &["token.rs", "keys.rs", "signature"],
        because: "only token, keys and signature name jwt-compact",
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
        because: "the gate hands messages to the state and tokens to the verdict, and looks into neither",
    },
    Words {
        tree: PACKAGE,
        words: &["committer.record", "committer?.record", "committer!.record"],
        of: &["**/*.ts"],
        only: &["origin/recording/", "origin/service/", "origin/origin.ts"],
        because: "the verbs of the service are the one door to the ledger",
    },
];

/// What stands outside the package imports its public subpaths, and nothing of its inside.
pub const OUTSIDE: &[&str] = &["www", "tests"];
/// What the path of an inside file contains, or begins with.
pub const INSIDE: &[&str] = &["pkg/", "portcullis/dist/", "portcullis/src/"];

/// At most so many files and folders side by side, tests aside.
pub const MAX_ENTRIES: &[(&str, usize)] = &[("pkg/src/origin", 20)];

/// At most so many lines a source file, tests aside.
pub const MAX_LINES: usize = 350;
/// Where that holds.
pub const MEASURED: &[&str] = &["src", PACKAGE, "xtask/src", "www"];

/// Where the names of TypeScript files and of their folders are kebab-case.
pub const KEBAB: &[&str] = &[PACKAGE, "www", "tests"];
