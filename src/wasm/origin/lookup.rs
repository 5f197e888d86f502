//! Lookups of the revocations in force in a ledger.

use super::event::thumbprint_bytes;
use super::ledger::JsLedger;
use super::object::read;
use crate::revocation::{GrantNames, Subject};
use crate::time::UnixSeconds;
use crate::verdict::Reason;
use crate::wasm::{number, time};
use serde::Deserialize;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(js_class = Ledger)]
impl JsLedger {
    /// Returns the reason to refuse a token with these claims, or `undefined` if it is not refused.
    pub fn refuses(&self, subject: JsValue) -> Result<Option<String>, JsValue> {
        let subject: SubjectOption = read(subject)?;
        let issued_at = time(subject.issued_at);
        let key = subject.key_thumbprint.as_deref().map(thumbprint_bytes).transpose()?;
        let level = self.ledger.refuses(&Subject {
            issuer: subject.issuer.as_deref(),
            token_id: subject.token_id.as_deref(),
            user: subject.subject.as_deref(),
            session: subject.session.as_deref(),
            authorized_party: subject.authorized_party.as_deref(),
            client_id: subject.client_id.as_deref(),
            grant: if self.has_grant_claim { GrantNames::Claim(subject.grant.as_deref()) } else { GrantNames::Clients },
            signing_key: key.as_ref(),
            issued_at,
            compared_at: subject.compared_at.map_or(issued_at, time),
            logged_out_at: subject.last_logout_time.map(time),
            expires_at: time(subject.expires_at),
            token_version: subject.token_version.unwrap_or_default(),
        });
        Ok(level.map(|level| Reason::from(level).code().to_owned()))
    }

    /// The realm's JWKS in the feed, JSON; `undefined`: the feed carries none.
    #[must_use]
    pub fn jwks(&self) -> Option<String> {
        self.ledger.jwks().map(|jwks| String::from_utf8_lossy(jwks).into_owned())
    }

    /// Whether the key with this RFC 7638 thumbprint is banned. Throws `invalid_event` if it is not a thumbprint.
    pub fn bans(&self, thumbprint: &str) -> Result<bool, JsValue> {
        Ok(self.ledger.bans(&thumbprint_bytes(thumbprint)?))
    }

    /// The user's not-before in unix seconds; 0: none. `issuer`, here and below: as in events.
    #[wasm_bindgen(js_name = userNotBefore)]
    #[must_use]
    pub fn user_not_before(&self, user: &str, issuer: Option<String>) -> f64 {
        number(self.ledger.user_not_before(issuer.as_deref(), user).map_or(0, UnixSeconds::get))
    }

    /// The not-before of a client's tokens of one user in unix seconds; 0: none.
    #[wasm_bindgen(js_name = grantNotBefore)]
    #[must_use]
    pub fn grant_not_before(&self, user: &str, client: &str, issuer: Option<String>) -> f64 {
        number(self.ledger.grant_not_before(issuer.as_deref(), user, client).map_or(0, UnixSeconds::get))
    }

    /// The not-before of tokens that the key with this RFC 7638 thumbprint signs, in unix seconds; 0: none. Throws
    /// `invalid_event` if it is not a thumbprint.
    #[wasm_bindgen(js_name = keyNotBefore)]
    pub fn key_not_before(&self, thumbprint: &str) -> Result<f64, JsValue> {
        Ok(number(self.ledger.key_not_before(&thumbprint_bytes(thumbprint)?).map_or(0, UnixSeconds::get)))
    }

    /// The lowest minor version whose form states everything in force exactly.
    #[wasm_bindgen(getter, js_name = exactMinor)]
    #[must_use]
    pub fn exact_minor(&self) -> u8 {
        self.ledger.exact_form().minor()
    }

    /// The lowest accepted version of the user's tokens; 0: none was set.
    #[wasm_bindgen(js_name = minimumVersion)]
    #[must_use]
    pub fn minimum_version(&self, user: &str, issuer: Option<String>) -> f64 {
        number(self.ledger.minimum_version(issuer.as_deref(), user))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SubjectOption {
    /// As in events.
    issuer: Option<String>,
    token_id: Option<String>,
    subject: Option<String>,
    session: Option<String>,
    authorized_party: Option<String>,
    client_id: Option<String>,
    /// The value of the claim that names the app of a grant; ignored if the policy has no such claim.
    grant: Option<String>,
    /// The RFC 7638 thumbprint of the key that signed the token.
    key_thumbprint: Option<String>,
    issued_at: f64,
    /// The time that not-befores are compared with; absent: the issue time.
    compared_at: Option<f64>,
    last_logout_time: Option<f64>,
    expires_at: f64,
    token_version: Option<u64>,
}
