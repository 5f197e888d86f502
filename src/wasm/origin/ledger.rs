//! The JavaScript boundary of a realm's ledger.

use super::event::EventOption;
use super::feed_key::signing_key;
use super::ledger_options::LedgerOptions;
use super::object::{read, write};
use super::stats::stats_object;
use crate::error::{DeltaUnavailable, LedgerError};
use crate::ledger::{Clocks, Ledger, RowPage, SignedDelta, Staged, Stretch};
use crate::revocation::{Chain, Form};
use crate::wasm::{error, hex, number, object, span, time};
use js_sys::Uint8Array;
use serde::Serialize;
use wasm_bindgen::prelude::*;

/// A realm's ledger.
#[wasm_bindgen(js_name = Ledger)]
pub struct JsLedger {
    pub(super) ledger: Ledger,
    /// Whether the policy has a claim that names the app of a grant.
    pub(super) has_grant_claim: bool,
}

#[wasm_bindgen(js_class = Ledger)]
impl JsLedger {
    /// Creates an empty ledger. Throws `invalid_option`.
    #[wasm_bindgen(constructor)]
    pub fn new(options: JsValue) -> Result<JsLedger, JsValue> {
        let options: LedgerOptions = read(options)?;
        let policy = options.policy()?;
        let has_grant_claim = policy.as_ref().is_some_and(|policy| policy.claim_names.grant.is_some());
        let ledger = Ledger::new(options.settings(policy.as_ref())?).map_err(|cause| ledger_error(&cause))?;
        Ok(JsLedger { ledger, has_grant_claim })
    }

    /// Restores a page of stored rows, in order of sequence: the sequences, the lengths of the payloads, and chain (16
    /// bytes) and payload of each row. If a row does not continue the chain, throws an error that names it.
    #[wasm_bindgen(js_name = restorePage)]
    pub fn restore_page(&mut self, sequences: &[f64], lengths: &[u32], contents: &[u8]) -> Result<(), JsValue> {
        let sequences: Vec<u64> = sequences.iter().copied().map(whole).collect();
        let page = RowPage { sequences: &sequences, lengths, contents };
        self.ledger.restore_page(page).map_err(|cause| ledger_error(&cause))
    }

    /// Restores the head, after the rows.
    #[wasm_bindgen(js_name = restoreHead)]
    pub fn restore_head(&mut self, sequence: f64, chain: &[u8]) -> Result<(), JsValue> {
        self.ledger.restore_head(whole(sequence), chain_of(chain)?).map_err(|cause| ledger_error(&cause))
    }

    /// Stages an event. Returns `undefined` if it would refuse no more tokens. `issuer_lead`: the measured lead of the
    /// issuer's clock in seconds; default 0. Throws `invalid_event`.
    pub fn stage(&mut self, event: JsValue, now: f64, issuer_lead: Option<u32>) -> Result<Option<Row>, JsValue> {
        let (issuer, event) = read::<EventOption>(event)?.build()?;
        let clocks = Clocks { now: time(now), issuer_lead: span(issuer_lead.unwrap_or_default().into()) };
        let staged = self.ledger.stage_under(issuer.as_deref(), &event, clocks);
        let Staged { row, time } = staged.map_err(|cause| ledger_error(&cause))?;
        Ok(row.map(|row| Row {
            sequence: number(row.sequence),
            keep_until: row.keep_until.map(|at| number(at.get())),
            payload: row.payload,
            chain: row.chain.0.to_vec(),
            time_taken: time.code().map(str::to_owned),
            ahead_by: number(time.ahead_by().get()),
        }))
    }

    /// Puts all staged events in force.
    pub fn commit(&mut self) {
        self.ledger.commit();
    }

    /// Discards all staged events.
    pub fn abort(&mut self) {
        self.ledger.abort();
    }

    /// Signs a manifest of the whole state, for readers of this minor version; default 0.
    pub fn manifest(&mut self, now: f64, minor: Option<u32>) -> Result<Vec<u8>, JsValue> {
        self.ledger.manifest(form_for(minor), time(now)).map_err(|cause| ledger_error(&cause))
    }

    /// A section by its SHA-256 in hex.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<Vec<u8>> {
        self.ledger.section(&name_of(name)?).map(<[u8]>::to_vec)
    }

    /// Signs the changes since a sequence, for readers of this minor version, default 0; at the head, a heartbeat.
    /// Returns `{ bytes, sequence }`: the delta may end before the head, since its length is limited. Throws `pruned`
    /// or `ahead`.
    #[wasm_bindgen(js_name = signedDelta)]
    pub fn signed_delta(&self, after: f64, now: f64, minor: Option<u32>) -> Result<JsValue, JsValue> {
        self.ledger.delta(form_for(minor), whole(after), time(now)).map(signed).map_err(|cause| unavailable(&cause))
    }

    /// Start and end of the shared delta for a reader at `after`, so that few deltas serve all readers. Throws `pruned`
    /// or `ahead`.
    #[wasm_bindgen(js_name = sharedStretch)]
    pub fn shared_stretch(&self, after: f64) -> Result<Vec<f64>, JsValue> {
        let stretch = self.ledger.shared_stretch(whole(after)).map_err(|cause| unavailable(&cause))?;
        Ok(vec![number(stretch.start), number(stretch.until)])
    }

    /// Signs a delta from `start` or before, for a reader at `after`, to `until` or before. Returns and throws like
    /// `signedDelta`.
    #[wasm_bindgen(js_name = signedDeltaOver)]
    pub fn signed_delta_over(
        &self,
        start: f64,
        after: f64,
        until: f64,
        now: f64,
        minor: Option<u32>,
    ) -> Result<JsValue, JsValue> {
        let stretch = Stretch { start: whole(start), after: whole(after), until: whole(until) };
        self.ledger.delta_over(form_for(minor), stretch, time(now)).map(signed).map_err(|cause| unavailable(&cause))
    }

    /// Start of the delta to the head that serves all readers behind by at most 16,384 changes.
    #[wasm_bindgen(getter, js_name = widestStart)]
    #[must_use]
    pub fn widest_start(&self) -> f64 {
        number(self.ledger.widest_start())
    }

    /// The head since which a delta that ends before the head can be sent again unchanged.
    #[wasm_bindgen(getter, js_name = settledSince)]
    #[must_use]
    pub fn settled_since(&self) -> f64 {
        number(self.ledger.settled_since())
    }

    /// Drops expired entries; returns their number.
    pub fn prune(&mut self, now: f64) -> f64 {
        number(self.ledger.prune(time(now)) as u64)
    }

    /// The sequence of the last committed event.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn sequence(&self) -> f64 {
        number(self.ledger.head().0)
    }

    /// Sequence and chain of the head.
    pub fn head(&self) -> Result<JsValue, JsValue> {
        let (sequence, chain) = self.ledger.head();
        write(&HeadResult { sequence: number(sequence), chain: hex(&chain.0) })
    }

    /// The chain at a sequence, in hex; `undefined` if it is unknown.
    #[wasm_bindgen(js_name = chainAt)]
    #[must_use]
    pub fn chain_at(&self, sequence: f64) -> Option<String> {
        self.ledger.chain_at(whole(sequence)).map(|chain| hex(&chain.0))
    }

    /// Signs with another key from now on. Throws `invalid_option` if it is not a private Ed25519 JWK.
    #[wasm_bindgen(js_name = setSigningKey)]
    pub fn set_signing_key(&mut self, jwk: JsValue) -> Result<(), JsValue> {
        self.ledger.set_signing_key(signing_key(&read(jwk)?)?);
        Ok(())
    }

    /// Sizes and counts.
    pub fn stats(&self) -> Result<JsValue, JsValue> {
        stats_object(&self.ledger.stats())
    }
}

/// A staged event, ready to be stored.
#[wasm_bindgen(getter_with_clone)]
pub struct Row {
    /// Its sequence.
    pub sequence: f64,
    /// When it may be dropped, in unix seconds; absent: never.
    #[wasm_bindgen(js_name = keepUntil)]
    pub keep_until: Option<f64>,
    /// The event in canonical form.
    pub payload: Vec<u8>,
    /// The chain hash after it.
    pub chain: Vec<u8>,
    /// How the event's time was used; absent: nothing to report.
    #[wasm_bindgen(js_name = timeTaken)]
    pub time_taken: Option<String>,
    /// How many seconds ahead of us that time was.
    #[wasm_bindgen(js_name = aheadBySeconds)]
    pub ahead_by: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HeadResult {
    sequence: f64,
    chain: String,
}

/// The form for readers of a minor version.
fn form_for(minor: Option<u32>) -> Form {
    Form::for_reader(u8::try_from(minor.unwrap_or(0)).unwrap_or(u8::MAX))
}

fn whole(value: f64) -> u64 {
    time(value).get()
}

fn signed(delta: SignedDelta) -> JsValue {
    object(&[("bytes", Uint8Array::from(delta.bytes.as_slice()).into()), ("sequence", number(delta.sequence).into())])
}

fn chain_of(bytes: &[u8]) -> Result<Chain, JsValue> {
    let bytes = <[u8; 16]>::try_from(bytes).map_err(|_| error("store_corrupt", "a chain hash must have 16 bytes"))?;
    Ok(Chain(bytes))
}

fn name_of(hex: &str) -> Option<[u8; 32]> {
    let mut name = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (byte, pair) in name.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(name)
}

fn unavailable(cause: &DeltaUnavailable) -> JsValue {
    let code = match cause {
        DeltaUnavailable::Pruned { .. } => "pruned",
        DeltaUnavailable::Ahead { .. } => "ahead",
    };
    error(code, &cause.to_string())
}

fn ledger_error(cause: &LedgerError) -> JsValue {
    error(cause.code(), &cause.to_string())
}
