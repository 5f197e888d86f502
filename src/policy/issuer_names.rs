//! The names under which a realm's issuer signs, and whether a subject is the same under all of them.

use crate::name::digest;

/// The accepted names of one issuer, and the text that makes the realm's id. Without a name no token is the realm's.
#[derive(Clone, Debug)]
pub struct IssuerNames {
    id: String,
    names: Vec<IssuerName>,
    tenant_claim: Option<String>,
    subjects: Subjects,
}

/// One accepted name.
#[derive(Clone, Debug)]
struct IssuerName {
    /// Of the name, so that a thousand others are passed over without a look at their text.
    digest: u64,
    name: String,
    /// The value that the tenant claim must have.
    tenant: Option<String>,
}

/// Whether equal `sub`, `sid` and `jti` are the same under several names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subjects {
    /// Each name has its own.
    #[default]
    ByName,
    /// The names are aliases of one server.
    Same,
}

impl IssuerNames {
    /// Several names of one issuer. The first makes the realm's id.
    #[must_use]
    pub fn several(names: Vec<String>, subjects: Subjects) -> Self {
        let id = names.first().cloned().unwrap_or_default();
        let names = names.into_iter().map(|name| IssuerName { digest: digest(name.as_bytes()), name, tenant: None });
        Self { id, names: names.collect(), tenant_claim: None, subjects }
    }

    /// The tenants of a pattern, each with its name. The pattern makes the realm's id, and a token's claim of that name must be the
    /// tenant of its issuer.
    #[must_use]
    pub fn tenants(pattern: String, claim: String, tenants: Vec<(String, String)>, subjects: Subjects) -> Self {
        let names = tenants.into_iter().map(|(name, tenant)| IssuerName {
            digest: digest(name.as_bytes()),
            name,
            tenant: Some(tenant),
        });
        Self { id: pattern, names: names.collect(), tenant_claim: Some(claim), subjects }
    }

    /// The text that makes the realm's id: the first name, or the pattern.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The accepted names, in the order of their numbers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| name.name.as_str())
    }

    /// Whether equal subjects are the same under all names.
    #[must_use]
    pub const fn subjects(&self) -> Subjects {
        self.subjects
    }

    /// The claim that must be the tenant.
    #[must_use]
    pub fn tenant_claim(&self) -> Option<&str> {
        self.tenant_claim.as_deref()
    }

    /// The number of exactly this name, given the digest of its text.
    pub(crate) fn find(&self, issuer: &str, digest: u64) -> Option<usize> {
        self.names.iter().position(|name| name.digest == digest && name.name == issuer)
    }

    /// The tenant of the name with that number.
    pub(crate) fn tenant(&self, number: usize) -> Option<&str> {
        self.names.get(number)?.tenant.as_deref()
    }

    /// The issuer that is a part of the names of users, sessions and tokens. `None`: they are those of the first name, which
    /// stand alone as if it were the only one.
    pub(crate) fn qualifier(&self, number: usize) -> Option<&str> {
        match (self.subjects, number, &self.tenant_claim) {
            (Subjects::Same, _, _) | (Subjects::ByName, 0, None) => None,
            (Subjects::ByName, _, _) => self.names.get(number).map(|name| name.name.as_str()),
        }
    }
}

impl<T: Into<String>> From<T> for IssuerNames {
    /// The one name of an issuer.
    fn from(name: T) -> Self {
        Self::several(vec![name.into()], Subjects::default())
    }
}
