//! A ledger's sizes and counts, as an object.

use super::object::write;
use crate::ledger::LedgerStats;
use crate::wasm::number;
use serde::Serialize;
use wasm_bindgen::prelude::*;

pub(super) fn stats_object(stats: &LedgerStats) -> Result<JsValue, JsValue> {
    write(&StatsResult {
        sequence: number(stats.sequence),
        token_ids: number(stats.token_ids),
        buckets: number(stats.buckets),
        filter_fill: stats.filter_fill,
        error_rate: stats.error_rate,
        epochs: number(stats.epochs),
        grants: number(stats.grants),
        clients: number(stats.clients),
        key_not_befores: number(stats.key_not_befores),
        bans: number(stats.bans),
        versions: number(stats.versions),
        section_bytes: number(stats.section_bytes),
        bounds: BoundsResult {
            leeway_seconds: number(stats.bounds.leeway.get()),
            skew_seconds: number(stats.bounds.skew.get()),
            max_lifetime_seconds: number(stats.bounds.max_lifetime.get()),
            max_session_seconds: stats.bounds.max_session.map(|session| number(session.get())),
        },
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatsResult {
    sequence: f64,
    token_ids: f64,
    buckets: f64,
    filter_fill: f64,
    error_rate: f64,
    epochs: f64,
    grants: f64,
    clients: f64,
    key_not_befores: f64,
    bans: f64,
    versions: f64,
    section_bytes: f64,
    bounds: BoundsResult,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BoundsResult {
    leeway_seconds: f64,
    skew_seconds: f64,
    max_lifetime_seconds: f64,
    max_session_seconds: Option<f64>,
}
