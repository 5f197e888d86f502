//! Reads the options of a gate from a JavaScript object.

use super::error;
use super::members::{count, is_true, member, required, seconds, text, texts, unknown};
use crate::claims::ClaimNames;
use crate::gate::{Gate, KeysFrom};
use crate::keys::RsaDefault;
use crate::policy::{
    Audience, AuthorizedParty, Compare, Impersonation, IssuerNames, NumericIds, Policy, Profile, RequiredClaims,
    RevocationCheck, Staleness, Subjectless, Subjects, WhenDiffering, WhenStale,
};
use crate::revocation::{Bounds, FeedKey};
use crate::signature::{Algorithm, Algorithms};
use crate::verdict::{CacheLimits, Realm};
use js_sys::{Array, JsString, JSON};
use wasm_bindgen::prelude::*;

// Validated in TypeScript, with all defaults filled in.
#[wasm_bindgen]
extern "C" {
    /// `CoreOptions` of the package.
    #[wasm_bindgen(typescript_type = "object")]
    pub type GateOptions;
    /// `CoreRealm` of the package; for an origin's ledger, only `CorePolicy`.
    #[wasm_bindgen(typescript_type = "object")]
    pub type RealmOptions;
}

impl GateOptions {
    /// Creates the gate. Throws `invalid_option` for errors that only the core detects.
    pub(super) fn gate(&self) -> Result<Gate, JsValue> {
        let limits = CacheLimits {
            entries: count(self, "verifiedTokenCacheEntries")?,
            bytes: count(self, "verifiedTokenCacheBytes")?,
        };
        let mut gate = Gate::new(Vec::new(), limits);
        for (index, realm) in Array::from(&member(self, "realms")).into_iter().enumerate() {
            self.put_realm(&mut gate, index, realm.unchecked_ref())?;
        }
        Ok(gate)
    }

    /// Puts a realm in a slot, with the settings that the gate has for all its realms. Throws `invalid_option`.
    pub(super) fn put_realm(&self, gate: &mut Gate, index: usize, options: &RealmOptions) -> Result<(), JsValue> {
        let max_lifetime = required(self, "maxLifetimeSeconds", seconds)?;
        let bounds = Bounds {
            leeway: required(self, "leewaySeconds", seconds)?,
            skew: required(self, "skewSeconds", seconds)?,
            max_lifetime: seconds(options, "maxLifetimeSeconds").map_or(max_lifetime, |own| own.min(max_lifetime)),
            max_session: seconds(self, "maxSessionSeconds"),
        };
        let staleness = Staleness {
            max_stale: required(self, "maxStaleSeconds", seconds)?,
            when_stale: match required(self, "whenStale", text)?.as_str() {
                "refuse" => WhenStale::Refuse,
                "accept" => WhenStale::Accept,
                _ => return Err(unknown("whenStale")),
            },
            max_accept_stale: required(self, "maxAcceptStaleSeconds", seconds)?,
        };
        let revocation = match text(options, "revocation").as_deref() {
            None | Some("byFeed") => RevocationCheck::ByFeed,
            Some("unchecked") => RevocationCheck::Unchecked,
            Some(_) => return Err(unknown("revocation")),
        };
        let policy = Policy { max_token_bytes: self.max_token_bytes()?, staleness, revocation, ..options.policy()? };
        let keys_from = match required(options, "keysFrom", text)?.as_str() {
            "caller" => KeysFrom::Caller,
            "feed" => KeysFrom::Feed,
            _ => return Err(unknown("keysFrom")),
        };
        let mut feed_keys = Vec::new();
        for jwk in Array::from(&member(options, "feedKeys")) {
            feed_keys.push(feed_key(&jwk)?);
        }
        let realm = Realm::new(required(options, "name", text)?, policy, feed_keys, bounds);
        gate.put_realm(index, realm, keys_from).then_some(()).ok_or_else(|| unknown("realms"))
    }

    /// The algorithms whose signatures the host verifies.
    pub(super) fn host(&self) -> Result<Algorithms, JsValue> {
        algorithms(self, "hostAlgorithms")
    }

    /// The maximum length of a token.
    pub(super) fn max_token_bytes(&self) -> Result<usize, JsValue> {
        count(self, "maxTokenBytes")
    }
}

impl RealmOptions {
    /// The realm's policy, except the settings that a gate has for all its realms. Throws `invalid_option`.
    pub(super) fn policy(&self) -> Result<Policy, JsValue> {
        let names = member(self, "claimNames");
        let claim = |name| required(&names, name, text);
        let profile = match required(self, "profile", text)?.as_str() {
            "rfc9068" => Profile::Rfc9068,
            "keycloak" => Profile::Keycloak,
            "generic" => Profile::Generic,
            _ => return Err(unknown("profile")),
        };
        Ok(Policy {
            algorithms: algorithms(self, "algorithms")?,
            rsa_default: RsaDefault::from_name(&required(self, "rsaAlgorithm", text)?)
                .ok_or_else(|| unknown("rsaAlgorithm"))?,
            required: texts(self, "requiredClaims").map_or(RequiredClaims::ByProfile, RequiredClaims::These),
            subjectless: match required(self, "subjectless", text)?.as_str() {
                "refuse" => Subjectless::Refuse,
                "accept" => Subjectless::Accept,
                _ => return Err(unknown("subjectless")),
            },
            impersonation: match required(self, "impersonation", text)?.as_str() {
                // The package sets the mark when it creates the verdict.
                "accept" | "mark" => Impersonation::Accept,
                "refuse" => Impersonation::Refuse,
                _ => return Err(unknown("impersonation")),
            },
            compare: match required(self, "compare", text)?.as_str() {
                "issuedAt" => Compare::IssuedAt,
                "authTime" => Compare::AuthTime,
                _ => return Err(unknown("compare")),
            },
            claim_names: ClaimNames {
                issuer: required(self, "issuerClaim", text)?,
                subject: claim("subject")?,
                token_id: claim("tokenId")?,
                session: claim("session")?,
                token_use: claim("tokenUse")?,
                token_version: claim("tokenVersion")?,
                last_logout_time: claim("lastLogoutTime")?,
                scope: claim("scope")?,
                grant: text(self, "grantClaim"),
            },
            numeric_ids: match required(self, "numericIds", text)?.as_str() {
                "refuse" => NumericIds::Refuse,
                "accept" => NumericIds::Accept,
                _ => return Err(unknown("numericIds")),
            },
            when_differing: match is_true(self, "acceptDifferingPolicy") {
                false => WhenDiffering::Refuse,
                true => WhenDiffering::Accept,
            },
            authorized_party: texts(self, "authorizedParty")
                .map(|any_of| AuthorizedParty { any_of, access_token_claim: text(self, "accessTokenClaim") }),
            ..Policy::new(self.names()?, audience(self)?, profile)
        })
    }

    fn names(&self) -> Result<IssuerNames, JsValue> {
        let subjects = match is_true(self, "sameSubjects") {
            false => Subjects::ByName,
            true => Subjects::Same,
        };
        let mut issuer = IssuerNames::new(required(self, "issuer", text)?, text(self, "tenantClaim"), subjects);
        let mut tenants = required(self, "tenants", texts)?.into_iter();
        for name in required(self, "issuerNames", texts)? {
            issuer.add(name, tenants.next());
        }
        Ok(issuer)
    }
}

/// Reads `'none'` or an array of strings.
fn audience(options: &JsValue) -> Result<Audience, JsValue> {
    match text(options, "audience").as_deref() {
        Some("none") => Ok(Audience::NotChecked),
        Some(_) => Err(unknown("audience")),
        None => required(options, "audience", texts).map(Audience::AnyOf),
    }
}

fn algorithms(options: &JsValue, name: &str) -> Result<Algorithms, JsValue> {
    let named: Option<Algorithms> =
        required(options, name, texts)?.iter().map(|name| Algorithm::from_name(name)).collect();
    named.ok_or_else(|| unknown(name))
}

fn feed_key(jwk: &JsValue) -> Result<FeedKey, JsValue> {
    let json = JSON::stringify(jwk).map(|json: JsString| String::from(json)).unwrap_or_default();
    FeedKey::from_jwk(json.as_bytes()).map_err(|cause| error("invalid_option", &format!("feed.keys: {cause}")))
}
