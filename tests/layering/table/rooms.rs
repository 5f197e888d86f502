//! Import rules: the order of the package and of the crate. Patterns are explained in `table.rs`.

/// A row of the import rules. The first row that matches a file applies; each file needs one.
pub struct Room {
    pub from: &'static str,
    /// `./` is the room itself, `@x` a group; `type x` may be imported by `import type` only.
    pub may: &'static [&'static str],
}

pub const fn room(from: &'static str, may: &'static [&'static str]) -> Room {
    Room { from, may }
}

/// Files that many rooms may import.
pub const GROUPS: &[(&str, &[&str])] = &[
    (
        "@revocation",
        &["revocation/bounds", "revocation/position", "revocation/realm_id", "revocation/stats", "revocation/status"],
    ),
    ("@words", &["errors.ts", "reasons.ts", "types.ts"]),
    (
        "@options",
        &[
            "errors.ts",
            "reasons.ts",
            "types.ts",
            "options.ts",
            "option-path.ts",
            "issuer-names.ts",
            "key-algorithms.ts",
            "policy.ts",
        ],
    ),
    (
        "@origin",
        &["origin/api.ts", "origin/options.ts", "origin/settings.ts", "origin/clock.ts", "origin/same-secret.ts"],
    ),
];

/// Rooms that are planned and have no files yet.
pub const RESERVED: &[&str] = &[];
