//! The options of a gate, read off the object that JavaScript made of them.

use super::{error, time};
use crate::claims::ClaimNames;
use crate::gate::{Gate, KeysFrom};
use crate::keys::RsaDefault;
use crate::policy::{
    Audience, AuthorizedParty, Compare, Impersonation, IssuerNames, Policy, Profile, RequiredClaims, RevocationCheck,
    Staleness, Subjectless, Subjects, WhenDiffering, WhenStale,
};
use crate::revocation::{Bounds, FeedKey};
use crate::signature::{Algorithm, Algorithms};
use crate::verdict::{CacheLimits, Realm};
use js_sys::{Array, JsString, JSON};
use wasm_bindgen::prelude::*;

// Checked in TypeScript, every default filled in. Property by property, for a general reader of objects is as large as the
// rest of the gate.
#[wasm_bindgen]
extern "C" {
    /// `CoreOptions` of the package.
    #[wasm_bindgen(typescript_type = "object")]
    pub type GateOptions;

    #[wasm_bindgen(method, getter)]
    fn realms(this: &GateOptions) -> Vec<RealmOptions>;
    #[wasm_bindgen(method, getter, js_name = maxTokenBytes)]
    pub(super) fn max_token_bytes(this: &GateOptions) -> usize;
    #[wasm_bindgen(method, getter, js_name = leewaySeconds)]
    fn leeway_seconds(this: &GateOptions) -> f64;
    #[wasm_bindgen(method, getter, js_name = skewSeconds)]
    fn skew_seconds(this: &GateOptions) -> f64;
    #[wasm_bindgen(method, getter, js_name = maxLifetimeSeconds)]
    fn max_lifetime_seconds(this: &GateOptions) -> f64;
    #[wasm_bindgen(method, getter, js_name = maxSessionSeconds)]
    fn max_session_seconds(this: &GateOptions) -> Option<f64>;
    #[wasm_bindgen(method, getter, js_name = maxStaleSeconds)]
    fn max_stale_seconds(this: &GateOptions) -> f64;
    #[wasm_bindgen(method, getter, js_name = whenStale)]
    fn when_stale(this: &GateOptions) -> String;
    #[wasm_bindgen(method, getter, js_name = maxAcceptStaleSeconds)]
    fn max_accept_stale_seconds(this: &GateOptions) -> f64;
    #[wasm_bindgen(method, getter, js_name = verifiedTokenCacheEntries)]
    fn verified_token_cache_entries(this: &GateOptions) -> usize;
    #[wasm_bindgen(method, getter, js_name = verifiedTokenCacheBytes)]
    fn verified_token_cache_bytes(this: &GateOptions) -> usize;
    #[wasm_bindgen(method, getter, js_name = hostAlgorithms)]
    fn host_algorithms(this: &GateOptions) -> Vec<String>;

    /// A realm's options; for an origin's ledger, those of its policy alone (`CorePolicy` of the package).
    #[wasm_bindgen(typescript_type = "object")]
    pub type RealmOptions;

    #[wasm_bindgen(method, getter)]
    fn name(this: &RealmOptions) -> String;
    #[wasm_bindgen(method, getter)]
    fn issuer(this: &RealmOptions) -> String;
    #[wasm_bindgen(method, getter, js_name = issuerNames)]
    fn issuer_names(this: &RealmOptions) -> Vec<String>;
    /// With a pattern: as many as there are names.
    #[wasm_bindgen(method, getter)]
    fn tenants(this: &RealmOptions) -> Vec<String>;
    #[wasm_bindgen(method, getter, js_name = tenantClaim)]
    fn tenant_claim(this: &RealmOptions) -> Option<String>;
    #[wasm_bindgen(method, getter, js_name = sameSubjects)]
    fn same_subjects(this: &RealmOptions) -> bool;
    #[wasm_bindgen(method, getter, js_name = authorizedParty)]
    fn authorized_party(this: &RealmOptions) -> Option<Vec<String>>;
    #[wasm_bindgen(method, getter, js_name = accessTokenClaim)]
    fn access_token_claim(this: &RealmOptions) -> Option<String>;
    #[wasm_bindgen(method, getter, js_name = maxLifetimeSeconds)]
    fn max_lifetime_seconds(this: &RealmOptions) -> Option<f64>;
    #[wasm_bindgen(method, getter, js_name = issuerClaim)]
    fn issuer_claim(this: &RealmOptions) -> String;
    /// `'none'` or an array of strings.
    #[wasm_bindgen(method, getter)]
    fn audience(this: &RealmOptions) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn profile(this: &RealmOptions) -> String;
    #[wasm_bindgen(method, getter)]
    fn algorithms(this: &RealmOptions) -> Vec<String>;
    #[wasm_bindgen(method, getter, js_name = rsaAlgorithm)]
    fn rsa_algorithm(this: &RealmOptions) -> String;
    #[wasm_bindgen(method, getter, js_name = requiredClaims)]
    fn required_claims(this: &RealmOptions) -> Option<Vec<String>>;
    #[wasm_bindgen(method, getter)]
    fn subjectless(this: &RealmOptions) -> String;
    #[wasm_bindgen(method, getter)]
    fn impersonation(this: &RealmOptions) -> String;
    #[wasm_bindgen(method, getter)]
    fn compare(this: &RealmOptions) -> String;
    #[wasm_bindgen(method, getter, js_name = claimNames)]
    fn claim_names(this: &RealmOptions) -> ClaimNamesOption;
    #[wasm_bindgen(method, getter, js_name = grantClaim)]
    fn grant_claim(this: &RealmOptions) -> Option<String>;
    /// An origin's own gate leaves it out.
    #[wasm_bindgen(method, getter)]
    fn revocation(this: &RealmOptions) -> Option<String>;
    #[wasm_bindgen(method, getter, js_name = acceptDifferingPolicy)]
    fn accept_differing_policy(this: &RealmOptions) -> bool;
    #[wasm_bindgen(method, getter, js_name = keysFrom)]
    fn keys_from(this: &RealmOptions) -> String;
    /// JWKs as objects.
    #[wasm_bindgen(method, getter, js_name = feedKeys)]
    fn feed_keys(this: &RealmOptions) -> Array;

    type ClaimNamesOption;

    #[wasm_bindgen(method, getter)]
    fn subject(this: &ClaimNamesOption) -> String;
    #[wasm_bindgen(method, getter, js_name = tokenId)]
    fn token_id(this: &ClaimNamesOption) -> String;
    #[wasm_bindgen(method, getter)]
    fn session(this: &ClaimNamesOption) -> String;
    #[wasm_bindgen(method, getter, js_name = tokenUse)]
    fn token_use(this: &ClaimNamesOption) -> String;
    #[wasm_bindgen(method, getter, js_name = tokenVersion)]
    fn token_version(this: &ClaimNamesOption) -> String;
    #[wasm_bindgen(method, getter, js_name = lastLogoutTime)]
    fn last_logout_time(this: &ClaimNamesOption) -> String;
    #[wasm_bindgen(method, getter)]
    fn scope(this: &ClaimNamesOption) -> String;
}

impl GateOptions {
    /// The gate itself. Throws `invalid_option` for errors that only the core detects.
    pub(super) fn gate(&self) -> Result<Gate, JsValue> {
        let limits =
            CacheLimits { entries: self.verified_token_cache_entries(), bytes: self.verified_token_cache_bytes() };
        let mut gate = Gate::new(Vec::new(), limits);
        for (index, realm) in self.realms().into_iter().enumerate() {
            self.put_realm(&mut gate, index, &realm)?;
        }
        Ok(gate)
    }

    /// Puts a realm in a place, with what the gate sets for all its realms. Throws likewise.
    pub(super) fn put_realm(&self, gate: &mut Gate, index: usize, options: &RealmOptions) -> Result<(), JsValue> {
        let max_lifetime = span(self.max_lifetime_seconds());
        let bounds = Bounds {
            leeway: span(self.leeway_seconds()),
            skew: span(self.skew_seconds()),
            max_lifetime: options.max_lifetime_seconds().map_or(max_lifetime, span).min(max_lifetime),
            max_session: self.max_session_seconds().map(span),
        };
        let staleness = Staleness {
            max_stale: span(self.max_stale_seconds()),
            when_stale: match self.when_stale().as_str() {
                "refuse" => WhenStale::Refuse,
                "accept" => WhenStale::Accept,
                _ => return Err(unknown("whenStale")),
            },
            max_accept_stale: span(self.max_accept_stale_seconds()),
        };
        let revocation = match options.revocation().as_deref() {
            None | Some("byFeed") => RevocationCheck::ByFeed,
            Some("unchecked") => RevocationCheck::Unchecked,
            Some(_) => return Err(unknown("revocation")),
        };
        let policy = Policy { max_token_bytes: self.max_token_bytes(), staleness, revocation, ..options.policy()? };
        let keys_from = match options.keys_from().as_str() {
            "caller" => KeysFrom::Caller,
            "feed" => KeysFrom::Feed,
            _ => return Err(unknown("keysFrom")),
        };
        let feed_keys = options.feed_keys().into_iter().map(|jwk| feed_key(&jwk));
        let realm = Realm::new(options.name(), policy, feed_keys.collect::<Result<_, _>>()?, bounds);
        gate.put_realm(index, realm, keys_from).then_some(()).ok_or_else(|| unknown("realms"))
    }

    /// The algorithms that are left to the host.
    pub(super) fn host(&self) -> Result<Algorithms, JsValue> {
        algorithms("hostAlgorithms", &self.host_algorithms())
    }
}

impl RealmOptions {
    /// The realm's policy, without the parts that a gate sets for all its realms. Throws `invalid_option`.
    pub(super) fn policy(&self) -> Result<Policy, JsValue> {
        let names = self.claim_names();
        let profile = match self.profile().as_str() {
            "rfc9068" => Profile::Rfc9068,
            "keycloak" => Profile::Keycloak,
            "generic" => Profile::Generic,
            _ => return Err(unknown("profile")),
        };
        Ok(Policy {
            algorithms: algorithms("algorithms", &self.algorithms())?,
            rsa_default: RsaDefault::from_name(&self.rsa_algorithm()).ok_or_else(|| unknown("rsaAlgorithm"))?,
            required: self.required_claims().map_or(RequiredClaims::ByProfile, RequiredClaims::These),
            subjectless: match self.subjectless().as_str() {
                "refuse" => Subjectless::Refuse,
                "accept" => Subjectless::Accept,
                _ => return Err(unknown("subjectless")),
            },
            impersonation: match self.impersonation().as_str() {
                // The mark is set where the verdict gets its claims.
                "accept" | "mark" => Impersonation::Accept,
                "refuse" => Impersonation::Refuse,
                _ => return Err(unknown("impersonation")),
            },
            compare: match self.compare().as_str() {
                "issuedAt" => Compare::IssuedAt,
                "authTime" => Compare::AuthTime,
                _ => return Err(unknown("compare")),
            },
            claim_names: ClaimNames {
                issuer: self.issuer_claim(),
                subject: names.subject(),
                token_id: names.token_id(),
                session: names.session(),
                token_use: names.token_use(),
                token_version: names.token_version(),
                last_logout_time: names.last_logout_time(),
                scope: names.scope(),
                grant: self.grant_claim(),
            },
            when_differing: match self.accept_differing_policy() {
                false => WhenDiffering::Refuse,
                true => WhenDiffering::Accept,
            },
            authorized_party: self
                .authorized_party()
                .map(|any_of| AuthorizedParty { any_of, access_token_claim: self.access_token_claim() }),
            ..Policy::new(self.names(), audience(&self.audience())?, profile)
        })
    }

    fn names(&self) -> IssuerNames {
        let subjects = match self.same_subjects() {
            false => Subjects::ByName,
            true => Subjects::Same,
        };
        let mut issuer = IssuerNames::new(self.issuer(), self.tenant_claim(), subjects);
        let mut tenants = self.tenants().into_iter();
        for name in self.issuer_names() {
            issuer.add(name, tenants.next());
        }
        issuer
    }
}

fn audience(option: &JsValue) -> Result<Audience, JsValue> {
    if option.as_string().as_deref() == Some("none") {
        return Ok(Audience::NotChecked);
    }
    let names = Array::from(option).into_iter().map(|name| name.as_string());
    names.collect::<Option<Vec<_>>>().map(Audience::AnyOf).ok_or_else(|| unknown("audience"))
}

fn algorithms(option: &str, names: &[String]) -> Result<Algorithms, JsValue> {
    let named: Option<Algorithms> = names.iter().map(|name| Algorithm::from_name(name)).collect();
    named.ok_or_else(|| unknown(option))
}

fn feed_key(jwk: &JsValue) -> Result<FeedKey, JsValue> {
    let json = JSON::stringify(jwk).map(|json: JsString| String::from(json)).unwrap_or_default();
    FeedKey::from_jwk(json.as_bytes()).map_err(|cause| error("invalid_option", &format!("feed.keys: {cause}")))
}

fn unknown(option: &str) -> JsValue {
    error("invalid_option", &format!("{option}: none of the values it may have"))
}

/// Seconds from a `number`.
fn span(seconds: f64) -> crate::time::Seconds {
    super::span(time(seconds).get())
}
