//! The claims in use, each parsed once. The rest of the token is ignored.

use std::borrow::Cow;

use crate::json::{read_items, read_present_members, Duplicates, Member, NotStrictJson, Number, Text, Value};
use crate::name::MAX_NAME_BYTES;
use crate::time::UnixSeconds;

/// Names of the claims that issuers name differently. Registered claims (`exp`, `aud`, …) always have the same name.
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
    /// The purpose of the token; default `token_use`.
    pub token_use: String,
    /// The user's token version; default `token_version`.
    pub token_version: String,
    /// When the user last logged out, as far as the issuer knew; default `last_logout_time`.
    pub last_logout_time: String,
    /// The permissions of the token; default `scope` (RFC 8693 §4.2).
    pub scope: String,
    /// Names the app of a user's grant; default: none, then `azp` and `client_id` name it.
    pub grant: Option<String>,
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
            last_logout_time: "last_logout_time".into(),
            scope: "scope".into(),
            grant: None,
        }
    }
}

/// Treatment of an id that is a JSON number: user, token, session, client (`azp`, `client_id`) or app of a grant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NumericIds {
    /// `malformed`: RFC 7519 §4.1 requires strings.
    #[default]
    Refuse,
    /// An integer in shortest decimal form with magnitude at most 2^53 - 1 is read as the string of its digits. Any
    /// other form (`1.0`, `1e2`, `-0`) is `malformed`: parsers round and print it differently.
    Accept,
}

/// A token's claims, checked to be strict JSON but not interpreted. A claim that is `null` counts as absent.
pub struct ClaimSet<'j>(Vec<Member<'j>>);

impl<'j> ClaimSet<'j> {
    pub(crate) fn read(text: &'j str) -> Result<Self, NotStrictJson> {
        read_present_members(text).map(Self)
    }

    /// Whether a claim is present and not the empty string.
    pub(crate) fn has(&self, name: &str) -> bool {
        match self.get(name) {
            None | Some(Value::Null) => false,
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Bool | Value::Number(_) | Value::Array(_) | Value::Object) => true,
        }
    }

    /// The value of a claim that is a string.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'j, str>> {
        self.get(name)?.text().map(Text::decode)
    }

    /// Whether a scope claim grants every needed scope. A string is a space-separated list (RFC 8693 §4.2). An array is
    /// a list of strings, each one scope token (RFC 6749 §3.3): an element with a space is not a scope, and an array
    /// with a member that is not a string grants nothing.
    pub(crate) fn grants(&self, name: &str, needed: &[&str]) -> bool {
        let value = self.get(name);
        let listed = value.and_then(|value| texts(name, value).ok()).unwrap_or_default();
        let granted: Vec<&str> = match value {
            Some(Value::String(_)) => listed.iter().flat_map(|list| list.split(' ')).collect(),
            Some(Value::Array(_)) => listed.iter().map(|scope| &**scope).collect(),
            Some(Value::Null | Value::Bool | Value::Number(_) | Value::Object) | None => Vec::new(),
        };
        needed.iter().all(|scope| is_scope_token(scope) && granted.contains(scope))
    }

    /// Whether a scope claim grants any scope, by the rules of [`ClaimSet::grants`].
    pub(crate) fn grants_any(&self, name: &str) -> bool {
        let listed = self.get(name).and_then(|value| texts(name, value).ok()).unwrap_or_default();
        listed.iter().any(|scopes| scopes.bytes().any(|byte| byte.is_ascii_graphic()))
    }

    /// The JSON type of a claim, for messages.
    pub(crate) fn kind(&self, name: &str) -> &'static str {
        self.get(name).map_or("nothing", Value::kind)
    }

    /// Whether a claim is present, with any value.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn get(&self, name: &str) -> Option<Value<'j>> {
        self.0.iter().find(|member| member.name == name).map(|member| member.value)
    }
}

/// A claim in use is invalid. Contains the claim's registered or configured name, and no part of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClaimError<'n> {
    /// The claim has the wrong type or form (RFC 7519 §4.1), such as an `exp` that is a string.
    WrongType { claim: &'n str, expected: Expected },
    /// The claim is a name too long to be revoked.
    NameTooLong { claim: &'n str },
}

/// The allowed values of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Id(NumericIds),
    Strings,
    Date,
    Whole,
}

impl Expected {
    /// A description for messages.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Id(NumericIds::Refuse) => "a string (see numericIds)",
            Self::Id(NumericIds::Accept) => "a string or an integer up to 2^53 - 1",
            Self::Strings => "a string or an array of strings",
            Self::Date => "a number",
            Self::Whole => "an integer from 0 to 2^53 - 1",
        }
    }
}

/// The claims that a verdict depends on. Ids are opaque strings; an empty id counts as absent. Times are rounded down.
pub(crate) struct Claims<'j> {
    pub(crate) subject: Option<Cow<'j, str>>,
    pub(crate) token_id: Option<Cow<'j, str>>,
    pub(crate) session: Option<Cow<'j, str>>,
    pub(crate) authorized_party: Option<Cow<'j, str>>,
    pub(crate) client_id: Option<Cow<'j, str>>,
    /// The claim, chosen by the policy, that names the app of a grant.
    pub(crate) grant: Option<Cow<'j, str>>,
    pub(crate) audience: Vec<Cow<'j, str>>,
    pub(crate) expires_at: Option<UnixSeconds>,
    pub(crate) not_before: Option<UnixSeconds>,
    pub(crate) issued_at: Option<UnixSeconds>,
    pub(crate) authenticated_at: Option<UnixSeconds>,
    /// The user's last logout known to the issuer when it issued the token.
    pub(crate) logged_out_at: Option<UnixSeconds>,
    /// 0 when absent.
    pub(crate) token_version: u64,
    /// The issuer's position in the ledger (`rsq`). Only a hint, so a value that is not a whole number is ignored.
    pub(crate) ledger_sequence: Option<u64>,
    pub(crate) token_use: Stated<'j>,
    /// The claim `typ`, by which Keycloak distinguishes its kinds of token.
    pub(crate) kind: Stated<'j>,
    /// `cnf` (RFC 7800): the token is bound to a key, and its bearer must prove possession of that key.
    pub(crate) binding: Binding,
}

/// The value of a claim.
pub(crate) enum Stated<'j> {
    Nothing,
    Text(Cow<'j, str>),
    /// A value that is not a string.
    NotText,
}

/// Whether a token is bound to a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binding {
    Unbound,
    ToKey,
}

impl<'j> Claims<'j> {
    pub(crate) fn read<'n>(
        set: &ClaimSet<'j>,
        names: &'n ClaimNames,
        numeric_ids: NumericIds,
    ) -> Result<Self, ClaimError<'n>> {
        let mut claims = Self {
            subject: None,
            token_id: None,
            session: None,
            authorized_party: None,
            client_id: None,
            grant: None,
            audience: Vec::new(),
            expires_at: None,
            not_before: None,
            issued_at: None,
            authenticated_at: None,
            logged_out_at: None,
            token_version: 0,
            ledger_sequence: None,
            token_use: Stated::Nothing,
            kind: Stated::Nothing,
            binding: Binding::Unbound,
        };
        for Member { name, value } in &set.0 {
            claims.take_registered(name, *value, numeric_ids)?;
            claims.take_named(name, *value, names, numeric_ids)?;
        }
        Ok(claims)
    }

    /// Reads the claims with registered names.
    fn take_registered(
        &mut self,
        name: &str,
        value: Value<'j>,
        numeric_ids: NumericIds,
    ) -> Result<(), ClaimError<'static>> {
        match name {
            "azp" => self.authorized_party = id("azp", value, numeric_ids)?,
            "client_id" => self.client_id = id("client_id", value, numeric_ids)?,
            "aud" => self.audience = texts("aud", value)?,
            "exp" => self.expires_at = Some(date("exp", value)?),
            "nbf" => self.not_before = Some(date("nbf", value)?),
            "iat" => self.issued_at = Some(date("iat", value)?),
            "auth_time" => self.authenticated_at = Some(date("auth_time", value)?),
            "rsq" => self.ledger_sequence = value.number().and_then(Number::to_whole),
            "typ" => self.kind = stated(value),
            "cnf" => self.binding = Binding::ToKey,
            _ => (),
        }
        Ok(())
    }

    /// Reads a claim whose name the policy chooses. It may also be the name of a registered claim, and several settings
    /// may share one name.
    fn take_named<'n>(
        &mut self,
        name: &str,
        value: Value<'j>,
        names: &'n ClaimNames,
        numeric_ids: NumericIds,
    ) -> Result<(), ClaimError<'n>> {
        if name == names.subject {
            self.subject = id(&names.subject, value, numeric_ids)?;
        }
        if name == names.token_id {
            self.token_id = id(&names.token_id, value, numeric_ids)?;
        }
        if name == names.session {
            self.session = id(&names.session, value, numeric_ids)?;
        }
        if let Some(claim) = names.grant.as_deref().filter(|claim| *claim == name) {
            self.grant = id(claim, value, numeric_ids)?;
        }
        if name == names.token_use {
            self.token_use = stated(value);
        }
        if name == names.token_version {
            let claim = &names.token_version;
            let whole = value.number().and_then(Number::to_whole);
            self.token_version = whole.ok_or(ClaimError::WrongType { claim, expected: Expected::Whole })?;
        }
        if name == names.last_logout_time {
            self.logged_out_at = Some(date(&names.last_logout_time, value)?);
        }
        Ok(())
    }
}

/// Reads an id; an empty one counts as absent.
fn id<'j, 'n>(
    claim: &'n str,
    value: Value<'j>,
    numeric_ids: NumericIds,
) -> Result<Option<Cow<'j, str>>, ClaimError<'n>> {
    let name = match (value, numeric_ids) {
        (Value::String(text), _) => Some(text.decode()),
        (Value::Number(number), NumericIds::Accept) => number.as_integer().map(Cow::Borrowed),
        (Value::Number(_), NumericIds::Refuse) | (Value::Null | Value::Bool | Value::Array(_) | Value::Object, _) => {
            None
        }
    };
    let name = name.ok_or(ClaimError::WrongType { claim, expected: Expected::Id(numeric_ids) })?;
    match name.len() {
        0 => Ok(None),
        1..=MAX_NAME_BYTES => Ok(Some(name)),
        _ => Err(ClaimError::NameTooLong { claim }),
    }
}

/// Reads one string or an array of strings (RFC 7519 §4.1.3).
fn texts<'j, 'n>(claim: &'n str, value: Value<'j>) -> Result<Vec<Cow<'j, str>>, ClaimError<'n>> {
    let wrong_type = ClaimError::WrongType { claim, expected: Expected::Strings };
    if let Some(text) = value.text() {
        return Ok(vec![text.decode()]);
    }
    let items = read_items(value.array().ok_or(wrong_type)?, Duplicates::Refuse).map_err(|_| wrong_type)?;
    items.into_iter().map(|item| item.value.text().map(Text::decode).ok_or(wrong_type)).collect()
}

/// RFC 6749 §3.3.
fn is_scope_token(scope: &str) -> bool {
    !scope.is_empty() && scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// Reads a `NumericDate` (RFC 7519 §2). A number beyond a double's range (`1e400`) is invalid.
fn date<'n>(claim: &'n str, value: Value<'_>) -> Result<UnixSeconds, ClaimError<'n>> {
    let wrong_type = ClaimError::WrongType { claim, expected: Expected::Date };
    let number = value.number().ok_or(wrong_type)?;
    number.to_whole().or_else(|| number.floor()).map(UnixSeconds::new).ok_or(wrong_type)
}

fn stated(value: Value<'_>) -> Stated<'_> {
    match value.text() {
        Some(text) => Stated::Text(text.decode()),
        None => Stated::NotText,
    }
}
