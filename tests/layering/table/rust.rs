//! The order of the crate.

use super::rooms::{room, Room};

/// The order of the crate.
pub const RUST: &[Room] = &[
    room("time", &["./"]),
    room("name", &["./"]),
    room("base64url", &["./"]),
    room("json", &["./"]),
    room("ed25519", &["./"]),
    room("error", &["./"]),
    // The path of a token.
    room("claims", &["./", "json", "name", "time"]),
    room("signature", &["./", "ed25519"]),
    room("keys", &["./", "base64url", "error", "json", "signature"]),
    room("token", &["./", "base64url", "claims", "json", "keys", "signature"]),
    room("policy", &["./", "claims", "keys", "name", "signature", "time", "token"]),
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
        &["./", "base64url", "revocation/lookup", "revocation/wire", "@revocation", "ed25519", "error", "json", "time"],
    ),
    room(
        "revocation/state",
        &["./", "revocation/message", "revocation/lookup", "revocation/wire", "@revocation", "error", "time"],
    ),
    room("revocation", &["./", "error", "time"]),
    // Where the two meet.
    room("verdict", &["./", "claims", "keys", "name", "policy", "revocation", "signature", "time", "token"]),
    // Algorithms through the verdict, which re-exports them.
    room("gate", &["./", "error", "keys", "revocation", "signature", "time", "verdict"]),
    room("ledger", &["./", "base64url", "error", "json", "name", "revocation", "time"]),
    room(
        "wasm",
        &[
            "./",
            "base64url",
            "claims",
            "error",
            "gate",
            "keys",
            "ledger",
            "policy",
            "revocation",
            "signature",
            "time",
            "verdict",
        ],
    ),
    room("lib.rs", &[]),
];
