//! The claims that are read, each parsed once. Everything else in the token is left alone.

use std::borrow::Cow;

use crate::json::{read_items, read_object, Duplicates, Member, NotStrictJson, Number, Text, Value};
use crate::time::UnixSeconds;

/// Names of the claims that issuers call differently. The registered ones (`exp`, `aud`, …) are always the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimNames {
    /// Names the realm; default `iss`.
    pub issuer: String,
    /// Names the user; default `sub`.
    pub subject: String,
    /// Names the token; default `jti`.
    pub token_id: String,
    /// Names the session; default `sid`.
    pub session: String,
    /// Says what the token is for; default `token_use`.
    pub token_use: String,
    /// The user's token version; default `token_version`.
    pub token_version: String,
    /// What the token permits; default `scope` (RFC 8693 §4.2).
    pub scope: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            issuer: "iss".into(),
            subject: "sub".into(),
            token_id: "jti".into(),
            session: "sid".into(),
            token_use: "token_use".into(),
            token_version: "token_version".into(),
            scope: "scope".into(),
        }
    }
}

/// A token's claims, checked to be strict JSON and otherwise as they came.
pub struct ClaimSet<'j>(Vec<Member<'j>>);

impl<'j> ClaimSet<'j> {
    pub(crate) fn read(text: &'j str) -> Result<Self, NotStrictJson> {
        read_object(text, Duplicates::Refuse).map(Self)
    }

    /// Whether a claim is there and says something: `null` and the empty string do not.
    pub(crate) fn has(&self, name: &str) -> bool {
        match self.get(name) {
            None | Some(Value::Null) => false,
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Bool | Value::Number(_) | Value::Array(_) | Value::Object) => true,
        }
    }

    /// A claim that is a string.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'j, str>> {
        self.get(name)?.text().map(Text::decode)
    }

    /// Whether a claim that lists scopes, as one string or as an array, has this one.
    pub(crate) fn lists(&self, name: &str, wanted: &str) -> bool {
        let listed = texts(self.get(name)).unwrap_or_default();
        match listed.as_slice() {
            [one] => one.split(' ').any(|scope| scope == wanted),
            several => several.iter().any(|scope| scope == wanted),
        }
    }

    fn get(&self, name: &str) -> Option<Value<'j>> {
        self.0.iter().find(|member| member.name == name).map(|member| member.value)
    }
}

/// A claim that is read has a type it must not have (RFC 7519 §4.1): an `exp` that is a string, say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WrongType;

/// The claims that decide. Ids are opaque strings; an empty one counts as absent. Times are floored.
pub(crate) struct Claims<'j> {
    pub(crate) subject: Option<Cow<'j, str>>,
    pub(crate) token_id: Option<Cow<'j, str>>,
    pub(crate) session: Option<Cow<'j, str>>,
    pub(crate) authorized_party: Option<Cow<'j, str>>,
    pub(crate) client_id: Option<Cow<'j, str>>,
    pub(crate) audience: Vec<Cow<'j, str>>,
    pub(crate) expires_at: Option<UnixSeconds>,
    pub(crate) not_before: Option<UnixSeconds>,
    pub(crate) issued_at: Option<UnixSeconds>,
    pub(crate) authenticated_at: Option<UnixSeconds>,
    /// 0 when absent.
    pub(crate) token_version: u64,
    /// What the issuer knew of its own ledger (`rsq`). A hint: anything but a whole number is ignored.
    pub(crate) ledger_sequence: Option<u64>,
    pub(crate) token_use: Stated<'j>,
    /// The claim `typ`, Keycloak's way to tell its tokens apart.
    pub(crate) kind: Stated<'j>,
    /// `cnf` (RFC 7800): the token is bound to a key that its bearer must prove to hold.
    pub(crate) binding: Binding,
}

/// What a claim says of the token.
pub(crate) enum Stated<'j> {
    Nothing,
    Text(Cow<'j, str>),
    /// Something that is no string.
    NotText,
}

/// Whether a token is bound to a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binding {
    Unbound,
    ToKey,
}

impl<'j> Claims<'j> {
    pub(crate) fn read(set: &ClaimSet<'j>, names: &ClaimNames) -> Result<Self, WrongType> {
        Ok(Self {
            subject: id(set.get(&names.subject))?,
            token_id: id(set.get(&names.token_id))?,
            session: id(set.get(&names.session))?,
            authorized_party: id(set.get("azp"))?,
            client_id: id(set.get("client_id"))?,
            audience: texts(set.get("aud"))?,
            expires_at: date(set.get("exp"))?,
            not_before: date(set.get("nbf"))?,
            issued_at: date(set.get("iat"))?,
            authenticated_at: date(set.get("auth_time"))?,
            token_version: version(set.get(&names.token_version))?,
            ledger_sequence: set.get("rsq").and_then(Value::number).and_then(Number::to_whole),
            token_use: stated(set.get(&names.token_use)),
            kind: stated(set.get("typ")),
            binding: match set.get("cnf") {
                None => Binding::Unbound,
                Some(_) => Binding::ToKey,
            },
        })
    }
}

fn id(value: Option<Value<'_>>) -> Result<Option<Cow<'_, str>>, WrongType> {
    let Some(value) = value else { return Ok(None) };
    let text = value.text().ok_or(WrongType)?;
    Ok((!text.is_empty()).then(|| text.decode()))
}

/// One string or an array of strings (RFC 7519 §4.1.3).
fn texts(value: Option<Value<'_>>) -> Result<Vec<Cow<'_, str>>, WrongType> {
    let Some(value) = value else { return Ok(Vec::new()) };
    if let Some(text) = value.text() {
        return Ok(vec![text.decode()]);
    }
    let items = read_items(value.array().ok_or(WrongType)?, Duplicates::Refuse).map_err(|_| WrongType)?;
    items.into_iter().map(|item| item.value.text().map(Text::decode).ok_or(WrongType)).collect()
}

/// A `NumericDate` (RFC 7519 §2). One beyond a double's range (`1e400`) is no date.
fn date(value: Option<Value<'_>>) -> Result<Option<UnixSeconds>, WrongType> {
    let Some(value) = value else { return Ok(None) };
    let number = value.number().ok_or(WrongType)?;
    match number.to_whole() {
        Some(seconds) => Ok(Some(UnixSeconds::new(seconds))),
        None => UnixSeconds::from_numeric_date(number.to_f64()).map(Some).ok_or(WrongType),
    }
}

fn version(value: Option<Value<'_>>) -> Result<u64, WrongType> {
    let Some(value) = value else { return Ok(0) };
    value.number().and_then(Number::to_whole).ok_or(WrongType)
}

fn stated(value: Option<Value<'_>>) -> Stated<'_> {
    match value.map(Value::text) {
        None => Stated::Nothing,
        Some(Some(text)) => Stated::Text(text.decode()),
        Some(None) => Stated::NotText,
    }
}
