//! The ledger, as JavaScript sees it, and what an origin's own gate can do besides judging.

use super::edge::JsGate;
use super::{error, hex, number, span, time};
use crate::error::{DeltaUnavailable, LedgerError};
use crate::ledger::key::SigningKey;
use crate::ledger::{self, Correction, Event, Ledger, LedgerSettings};
use crate::revocation::{Bounds, Chain, Revocations, Subject};
use crate::time::UnixSeconds;
use crate::verdict::{Identified, IntakeError, Reason};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use serde_wasm_bindgen::Serializer;
use std::collections::BTreeMap;
use wasm_bindgen::prelude::*;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LedgerOptions {
    issuer: String,
    signing_key: serde_json::Value,
    leeway_seconds: u64,
    skew_seconds: u64,
    max_lifetime_seconds: u64,
    max_session_seconds: Option<u64>,
    issuer_skew_seconds: u64,
    error_rate: f64,
    valid_for_seconds: u64,
    incarnation: u64,
}

/// Times that come with an event are `NumericDate`s, possibly fractional. No finite number is no time: taken for 0, a
/// revocation would look long over.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum EventOption {
    Token { token_id: String, expires_at: Option<f64>, issued_at: Option<f64> },
    Session { session: String, issued_at: Option<f64> },
    ClientSession { session: String, authorized_party: String, issued_at: Option<f64> },
    User { subject: String, not_before: Option<f64> },
    Client { client: String, not_before: Option<f64> },
    Realm { not_before: Option<f64> },
    KeyBanned { thumbprint: String },
    TokenVersion { subject: String, minimum: u64 },
    Keys { jwks: String },
    KeysWithdrawn,
    Bounds,
    Correction { correction: CorrectionOption },
}

/// What is put right; without `notBefore` it is taken away.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum CorrectionOption {
    Session { session: String, not_before: Option<f64> },
    ClientSession { session: String, authorized_party: String, not_before: Option<f64> },
    User { subject: String, not_before: Option<f64> },
    Client { client: String, not_before: Option<f64> },
    Realm { not_before: Option<f64> },
    KeyBanned { thumbprint: String },
    TokenVersion { subject: String, minimum: u64 },
}

impl EventOption {
    fn build(self) -> Result<Event, JsValue> {
        let at = |value: Option<f64>| value.map(event_time).transpose();
        Ok(match self {
            Self::Token { token_id, expires_at, issued_at } => {
                Event::Token { id: token_id, expires_at: at(expires_at)?, issued_at: at(issued_at)? }
            }
            Self::Session { session, issued_at } => Event::Session { sid: session, issued_at: at(issued_at)? },
            Self::ClientSession { session, authorized_party, issued_at } => {
                Event::ClientSession { sid: session, azp: authorized_party, issued_at: at(issued_at)? }
            }
            Self::User { subject, not_before } => Event::User { sub: subject, not_before: at(not_before)? },
            Self::Client { client, not_before } => Event::Client { client, not_before: at(not_before)? },
            Self::Realm { not_before } => Event::Realm { not_before: at(not_before)? },
            Self::KeyBanned { thumbprint } => Event::KeyBanned { thumbprint: thumbprint_bytes(&thumbprint)? },
            Self::TokenVersion { subject, minimum } => Event::TokenVersion { sub: subject, minimum },
            Self::Keys { jwks } => Event::Keys { jwks: jwks.into_bytes() },
            Self::KeysWithdrawn => Event::KeysWithdrawn,
            Self::Bounds => Event::Bounds,
            Self::Correction { correction } => Event::Correction(correction.build()?),
        })
    }
}

impl CorrectionOption {
    fn build(self) -> Result<Correction, JsValue> {
        let at = |value: Option<f64>| value.map(event_time).transpose();
        Ok(match self {
            Self::Session { session, not_before } => Correction::Session { sid: session, not_before: at(not_before)? },
            Self::ClientSession { session, authorized_party, not_before } => {
                Correction::ClientSession { sid: session, azp: authorized_party, not_before: at(not_before)? }
            }
            Self::User { subject, not_before } => Correction::User { sub: subject, not_before: at(not_before)? },
            Self::Client { client, not_before } => Correction::Client { client, not_before: at(not_before)? },
            Self::Realm { not_before } => Correction::Realm { not_before: at(not_before)? },
            Self::KeyBanned { thumbprint } => Correction::KeyBanned { thumbprint: thumbprint_bytes(&thumbprint)? },
            Self::TokenVersion { subject, minimum } => Correction::TokenVersion { sub: subject, minimum },
        })
    }
}

fn event_time(value: f64) -> Result<UnixSeconds, JsValue> {
    UnixSeconds::from_numeric_date(value).ok_or_else(|| error("invalid_event", "a time is a finite number of seconds"))
}

fn thumbprint_bytes(text: &str) -> Result<[u8; 32], JsValue> {
    let mut bytes = [0; 32];
    match Base64UrlUnpadded::decode(text, &mut bytes) {
        Ok(decoded) if decoded.len() == 32 => Ok(bytes),
        Ok(_) | Err(_) => Err(error("invalid_event", "a key is named by its RFC 7638 thumbprint, 43 characters")),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SubjectOption {
    token_id: Option<String>,
    subject: Option<String>,
    session: Option<String>,
    authorized_party: Option<String>,
    client_id: Option<String>,
    issued_at: f64,
    /// What not-befores are compared with; absent: the issue time.
    compared_at: Option<f64>,
    last_logout_time: Option<f64>,
    expires_at: f64,
    token_version: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HeadResult {
    sequence: f64,
    chain: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FactsResult {
    sequence: f64,
    token_ids: f64,
    buckets: f64,
    filter_fill: f64,
    error_rate: f64,
    epochs: f64,
    clients: f64,
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

/// The members of a JWK, all of them text.
type Jwk = BTreeMap<String, String>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FeedKeyResult {
    signing_key: Jwk,
    public_key: Jwk,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IdentifiedResult {
    realm: usize,
    token_id: Option<String>,
    subject: Option<String>,
    session: Option<String>,
    authorized_party: Option<String>,
    client_id: Option<String>,
    expires_at: Option<f64>,
    issued_at: Option<f64>,
}

/// A staged event, ready to be stored.
#[wasm_bindgen(getter_with_clone)]
pub struct Row {
    /// Its place in the ledger.
    pub sequence: f64,
    /// Unix seconds after which nothing needs it; absent: it is kept for ever.
    #[wasm_bindgen(js_name = keepUntil)]
    pub keep_until: Option<f64>,
    /// The event in its one spelling.
    pub payload: Vec<u8>,
    /// The chain hash that ends with it.
    pub chain: Vec<u8>,
}

/// A realm's ledger.
#[wasm_bindgen(js_name = Ledger)]
pub struct JsLedger(Ledger);

#[wasm_bindgen(js_class = Ledger)]
impl JsLedger {
    /// An empty ledger. Throws `invalid_option`.
    #[wasm_bindgen(constructor)]
    pub fn new(options: JsValue) -> Result<JsLedger, JsValue> {
        let options: LedgerOptions = read(options)?;
        let settings = LedgerSettings {
            issuer: options.issuer,
            signing_key: signing_key(&options.signing_key)?,
            bounds: Bounds {
                leeway: span(options.leeway_seconds),
                skew: span(options.skew_seconds),
                max_lifetime: span(options.max_lifetime_seconds),
                max_session: options.max_session_seconds.map(span),
            },
            issuer_skew: span(options.issuer_skew_seconds),
            error_rate: options.error_rate,
            valid_for: span(options.valid_for_seconds),
            incarnation: options.incarnation,
        };
        Ledger::new(settings).map(JsLedger).map_err(|cause| ledger_error(&cause))
    }

    /// Takes back a page of stored rows, in order of sequence: each one's sequence, the length of each payload, and of each its
    /// chain (16 bytes) and its payload. Throws, naming the row, when one does not continue the chain.
    #[wasm_bindgen(js_name = restorePage)]
    pub fn restore_page(&mut self, sequences: &[f64], lengths: &[u32], contents: &[u8]) -> Result<(), JsValue> {
        let sequences: Vec<u64> = sequences.iter().copied().map(whole).collect();
        let page = ledger::RowPage { sequences: &sequences, lengths, contents };
        self.0.restore_page(page).map_err(|cause| ledger_error(&cause))
    }

    /// Takes back where the ledger stood, after the rows.
    #[wasm_bindgen(js_name = restoreHead)]
    pub fn restore_head(&mut self, sequence: f64, chain: &[u8]) -> Result<(), JsValue> {
        self.0.restore_head(whole(sequence), chain_of(chain)?).map_err(|cause| ledger_error(&cause))
    }

    /// Stages an event; `undefined` when it is in force already. Throws `invalid_event`.
    pub fn stage(&mut self, event: JsValue, now: f64) -> Result<Option<Row>, JsValue> {
        let event = read::<EventOption>(event)?.build()?;
        let row = self.0.stage(&event, time(now)).map_err(|cause| ledger_error(&cause))?;
        Ok(row.map(|row| Row {
            sequence: number(row.sequence),
            keep_until: row.keep_until.map(|at| number(at.get())),
            payload: row.payload,
            chain: row.chain.0.to_vec(),
        }))
    }

    /// Makes all that is staged part of the ledger.
    pub fn commit(&mut self) {
        self.0.commit();
    }

    /// Forgets all that is staged.
    pub fn abort(&mut self) {
        self.0.abort();
    }

    /// The signed manifest of the whole state.
    pub fn manifest(&mut self, now: f64) -> Result<Vec<u8>, JsValue> {
        self.0.manifest(time(now)).map_err(|cause| ledger_error(&cause))
    }

    /// A section by its SHA-256 in hex.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<Vec<u8>> {
        self.0.section(&name_of(name)?).map(<[u8]>::to_vec)
    }

    /// The signed changes since a sequence; at the head, a heartbeat. Throws `pruned` or `ahead`.
    pub fn delta(&self, after: f64, now: f64) -> Result<Vec<u8>, JsValue> {
        self.0.delta(whole(after), time(now)).map_err(|cause| match cause {
            DeltaUnavailable::Pruned { .. } => error("pruned", &cause.to_string()),
            DeltaUnavailable::Ahead { .. } => error("ahead", &cause.to_string()),
        })
    }

    /// Forgets what can no longer refuse anything; how many entries that were.
    pub fn prune(&mut self, now: f64) -> f64 {
        number(self.0.prune(time(now)) as u64)
    }

    /// The sequence of the last committed event.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn sequence(&self) -> f64 {
        number(self.0.head().0)
    }

    /// Where the ledger stands.
    pub fn head(&self) -> Result<JsValue, JsValue> {
        let (sequence, chain) = self.0.head();
        write(&HeadResult { sequence: number(sequence), chain: hex(&chain.0) })
    }

    /// The chain at a sequence, in hex; `undefined` where it is not known.
    #[wasm_bindgen(js_name = chainAt)]
    #[must_use]
    pub fn chain_at(&self, sequence: f64) -> Option<String> {
        self.0.chain_at(whole(sequence)).map(|chain| hex(&chain.0))
    }

    /// Signs by another key from now on. Throws `invalid_option` for what is no private Ed25519 JWK.
    #[wasm_bindgen(js_name = setSigningKey)]
    pub fn set_signing_key(&mut self, jwk: JsValue) -> Result<(), JsValue> {
        self.0.set_signing_key(signing_key(&read(jwk)?)?);
        Ok(())
    }

    /// The reason for which a token that says this is refused, if it is.
    pub fn refuses(&self, subject: JsValue) -> Result<Option<String>, JsValue> {
        let subject: SubjectOption = read(subject)?;
        let issued_at = time(subject.issued_at);
        let level = self.0.refuses(&Subject {
            token_id: subject.token_id.as_deref(),
            user: subject.subject.as_deref(),
            session: subject.session.as_deref(),
            authorized_party: subject.authorized_party.as_deref(),
            client_id: subject.client_id.as_deref(),
            issued_at,
            compared_at: subject.compared_at.map_or(issued_at, time),
            logged_out_at: subject.last_logout_time.map(time),
            expires_at: time(subject.expires_at),
            token_version: subject.token_version.unwrap_or_default(),
        });
        Ok(level.map(|level| Reason::from(level).code().to_owned()))
    }

    /// The realm's JWKS in the feed, JSON; `undefined` when it carries none.
    #[must_use]
    pub fn jwks(&self) -> Option<String> {
        self.0.jwks().map(|jwks| String::from_utf8_lossy(jwks).into_owned())
    }

    /// Whether the key with this RFC 7638 thumbprint is banned. Throws `invalid_event` for what is no thumbprint.
    pub fn bans(&self, thumbprint: &str) -> Result<bool, JsValue> {
        Ok(self.0.bans(&thumbprint_bytes(thumbprint)?))
    }

    /// The user's not-before in unix seconds; 0 when there is none.
    #[wasm_bindgen(js_name = userNotBefore)]
    #[must_use]
    pub fn user_not_before(&self, user: &str) -> f64 {
        number(self.0.user_not_before(user).map_or(0, UnixSeconds::get))
    }

    /// The least version of the user's tokens that still counts; 0 when none was set.
    #[wasm_bindgen(js_name = minimumVersion)]
    #[must_use]
    pub fn minimum_version(&self, user: &str) -> f64 {
        number(self.0.minimum_version(user))
    }

    /// Sizes and counts.
    pub fn facts(&self) -> Result<JsValue, JsValue> {
        let facts = self.0.facts();
        write(&FactsResult {
            sequence: number(facts.sequence),
            token_ids: number(facts.token_ids),
            buckets: number(facts.buckets),
            filter_fill: facts.filter_fill,
            error_rate: facts.error_rate,
            epochs: number(facts.epochs),
            clients: number(facts.clients),
            bans: number(facts.bans),
            versions: number(facts.versions),
            section_bytes: number(facts.section_bytes),
            bounds: BoundsResult {
                leeway_seconds: number(facts.bounds.leeway.get()),
                skew_seconds: number(facts.bounds.skew.get()),
                max_lifetime_seconds: number(facts.bounds.max_lifetime.get()),
                max_session_seconds: facts.bounds.max_session.map(|session| number(session.get())),
            },
        })
    }
}

#[wasm_bindgen(js_class = Gate)]
impl JsGate {
    /// The sequence of a realm's state; -1 when it has none yet, or needs a manifest.
    #[must_use]
    pub fn sequence(&self, realm: usize) -> f64 {
        let state = self.inner().realm(realm).map(|realm| &realm.revocations).filter(|state| !state.wants_manifest());
        state.and_then(Revocations::position).map_or(-1.0, |position| number(position.sequence))
    }

    /// Says which access token stands in the first `length` bytes of the exchange: form, realm, key, signature and use are
    /// checked, nothing else. Throws `invalid_token`, `unexpected_token_use` or `keys_unavailable`. `now` (unix seconds)
    /// says whether the keys may still be used. `undefined`: there is an errand for the host, as after `begin`; its answer
    /// goes to `finishToIdentify`.
    #[wasm_bindgen(js_name = beginToIdentify)]
    pub fn begin_to_identify(&mut self, length: usize, now: f64) -> Result<JsValue, JsValue> {
        match self.begin_intake(length, time(now)) {
            Some(identified) => identified_result(identified),
            None => Ok(JsValue::UNDEFINED),
        }
    }

    /// Takes back what the host found, as `finish` does, and answers or throws as `beginToIdentify`. `undefined`: there is
    /// no such handle any more.
    #[wasm_bindgen(js_name = finishToIdentify)]
    pub fn finish_to_identify(&mut self, handle: u32, outcome: u32, now: f64) -> Result<JsValue, JsValue> {
        match self.finish_intake(handle, outcome, time(now)) {
            Some(identified) => identified_result(identified),
            None => Ok(JsValue::UNDEFINED),
        }
    }
}

fn identified_result(identified: Result<Identified, IntakeError>) -> Result<JsValue, JsValue> {
    let identified = identified.map_err(|cause| error(cause.code(), &cause.to_string()))?;
    write(&IdentifiedResult {
        realm: identified.realm,
        token_id: identified.token_id,
        subject: identified.subject,
        session: identified.session,
        authorized_party: identified.authorized_party,
        client_id: identified.client_id,
        expires_at: identified.expires_at.map(|at| number(at.get())),
        issued_at: identified.issued_at.map(|at| number(at.get())),
    })
}

/// A new Ed25519 key pair for a feed, as JWKs.
#[wasm_bindgen(js_name = generateFeedKey)]
pub fn generate_feed_key_pair() -> Result<JsValue, JsValue> {
    let key = SigningKey::generate().map_err(|cause| ledger_error(&cause))?;
    write(&FeedKeyResult { signing_key: object(&key.to_jwk())?, public_key: object(&key.public_jwk())? })
}

fn signing_key(jwk: &serde_json::Value) -> Result<SigningKey, JsValue> {
    let key = SigningKey::from_jwk(jwk.to_string().as_bytes());
    key.map_err(|cause| error("invalid_option", &format!("signingKey: {cause}")))
}

fn object(jwk: &str) -> Result<Jwk, JsValue> {
    serde_json::from_str(jwk).map_err(|cause| error("internal", &cause.to_string()))
}

fn whole(value: f64) -> u64 {
    time(value).get()
}

fn chain_of(bytes: &[u8]) -> Result<Chain, JsValue> {
    let bytes = <[u8; 16]>::try_from(bytes).map_err(|_| error("store_corrupt", "a chain hash has 16 bytes"))?;
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

fn ledger_error(cause: &LedgerError) -> JsValue {
    error(cause.code(), &cause.to_string())
}

fn read<T: DeserializeOwned>(value: JsValue) -> Result<T, JsValue> {
    T::deserialize(EveryMember(value.into())).map_err(|cause| error("invalid_option", &cause.to_string()))
}

/// Hands over every member of an object. The bindings' own deserializer asks an object for the members of the struct only,
/// so that no struct would ever find one too many.
struct EveryMember(serde_wasm_bindgen::Deserializer);

impl<'de> Deserializer<'de> for EveryMember {
    type Error = serde_wasm_bindgen::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.0.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// As plain objects with plain numbers; what is absent is left out.
fn write<T: Serialize>(value: &T) -> Result<JsValue, JsValue> {
    let serializer = Serializer::new().serialize_maps_as_objects(true).serialize_missing_as_null(false);
    value.serialize(&serializer).map_err(|cause| error("internal", &cause.to_string()))
}
