//! Who may import whom: the order of the package and of the crate. Patterns are those of `table.rs`.

/// Who may import whom. The first row that fits a file counts; each file needs one.
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
    room("duplicate-members.ts", &[]),
    room("types/", &["./", "errors.ts", "reasons.ts"]),
    room("types.ts", &["types/"]),
    room("index.ts", &["@words"]),
    room("options.ts", &["@words"]),
    room("option-schema.ts", &["options.ts"]),
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
    // Identity servers: interfaces, then one folder for each kind. The origin's parts above know the interfaces alone.
    room(
        "origin/connectors/*.ts",
        &["origin/connectors/*.ts", "origin/api.ts", "origin/store/", "origin/core/", "timing/", "@options"],
    ),
    // The parts of Keycloak's connector: all use client/, and polling/ also uses events/.
    room(
        "origin/connectors/keycloak/client/",
        &["./", "type origin/connectors/keycloak/options.ts", "http/", "token-part.ts", "@options"],
    ),
    room(
        "origin/connectors/keycloak/events/",
        &[
            "./",
            "origin/connectors/keycloak/client/",
            "type origin/connectors/keycloak/options.ts",
            "origin/connectors/*.ts",
            "type origin/api.ts",
            "origin/core/",
            "@options",
        ],
    ),
    room(
        "origin/connectors/keycloak/polling/",
        &[
            "./",
            "origin/connectors/keycloak/client/",
            "origin/connectors/keycloak/events/",
            "type origin/connectors/keycloak/options.ts",
            "origin/connectors/*.ts",
            "type origin/store/",
            "timing/",
            "@options",
        ],
    ),
    room(
        "origin/connectors/keycloak/upstream/",
        &[
            "./",
            "origin/connectors/keycloak/client/",
            "type origin/connectors/keycloak/options.ts",
            "origin/connectors/*.ts",
            "type origin/api.ts",
            "type origin/store/",
            "timing/",
            "@options",
        ],
    ),
    room(
        "origin/connectors/keycloak/",
        &["./", "origin/connectors/oidc/", "origin/connectors/ssf/", "origin/connectors/*.ts", "@options"],
    ),
    room(
        "origin/connectors/*/",
        &[
            "./",
            "origin/connectors/*.ts",
            "origin/api.ts",
            "origin/core/",
            "origin/same-secret.ts",
            "http/",
            "timing/",
            "@options",
        ],
    ),
    room(
        "origin/options.ts",
        &["origin/api.ts", "type origin/connectors/*.ts", "origin/store/", "origin/core/", "@options"],
    ),
    room(
        "origin/settings.ts",
        &[
            "origin/options.ts",
            "origin/api.ts",
            "type origin/connectors/*.ts",
            "origin/store/",
            "origin/core/",
            "http/",
            "@options",
        ],
    ),
    room(
        "origin/metrics/",
        &[
            "./",
            "origin/core/",
            "origin/api.ts",
            "type origin/connectors/*.ts",
            "errors.ts",
            "reasons.ts",
            "version.ts",
        ],
    ),
    room("origin/feed/", &["./", "origin/core/", "@origin", "http/", "timing/", "hex.ts", "@options"]),
    room(
        "origin/gate/",
        &[
            "./",
            "origin/feed/",
            "origin/connectors/*.ts",
            "origin/core/",
            "@origin",
            "core/",
            "http/",
            "jwks/",
            "timing/",
            "duplicate-members.ts",
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
            "type origin/connectors/*.ts",
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
            "origin/connectors/*.ts",
            "origin/core/name.ts",
            "type origin/core/minor.ts",
            "type origin/service/",
            "type origin/feed/",
            "origin/metrics/",
            "origin/api.ts",
            "origin/clock.ts",
            "http/",
            "timing/",
            "token-part.ts",
            "version.ts",
            "options.ts",
            "option-schema.ts",
            "@words",
        ],
    ),
    room(
        "origin/http/",
        &[
            "./",
            "origin/core/name.ts",
            "origin/core/minor.ts",
            "type origin/connectors/*.ts",
            "origin/audit/",
            "origin/feed/",
            "origin/gate/",
            "origin/metrics/",
            "type origin/service/",
            "@origin",
            "option-schema.ts",
            "duplicate-members.ts",
            "http/",
            "timing/",
            "version.ts",
            "@options",
        ],
    ),
    room(
        "origin/node/",
        &["./", "origin/http/known-body.ts", "origin/api.ts", "entry/origin/node.ts", "http/", "@options"],
    ),
    room(
        "origin/connections.ts",
        &[
            "origin/connectors/*.ts",
            "type origin/gate/",
            "type origin/metrics/",
            "origin/store/",
            "type origin/api.ts",
            "type origin/settings.ts",
        ],
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
            "type origin/connectors/*.ts",
            "origin/connectors/keycloak/",
            "http/",
            "token-part.ts",
            "version.ts",
            "@options",
        ],
    ),
    room("entry/", &["./", "edge/", "origin/", "core/", "errors.ts", "../wasm/"]),
    // Makes the documents that follow from declarations; it is not part of the package.
    room(
        "docs/",
        &[
            "./",
            "cli/configuration.ts",
            "**/settings.ts",
            "origin/connectors/*/options.ts",
            "option-schema.ts",
            "@options",
        ],
    ),
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
    room("revocation/bounds", &["time"]),
    room("revocation/position", &["time"]),
    room("revocation/realm_id", &[]),
    room("revocation/stats", &["time"]),
    room("revocation/status", &["time"]),
    room("revocation/wire", &["./", "error"]),
    room("revocation/lookup", &["./", "revocation/wire", "@revocation", "error", "time"]),
    room(
        "revocation/message",
        &["./", "revocation/lookup", "revocation/wire", "@revocation", "ed25519", "error", "json", "time"],
    ),
    room(
        "revocation/state",
        &["./", "revocation/message", "revocation/lookup", "revocation/wire", "@revocation", "error", "time"],
    ),
    room("revocation", &["./", "error", "time"]),
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

/// Rooms that are planned and have no files yet.
pub const RESERVED: &[&str] = &["adapters/"];
