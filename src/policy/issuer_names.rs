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
    /// An issuer without a name yet. `id` makes the realm's id: the first name, or with a `tenant_claim` the pattern of
    /// all.
    #[must_use]
    pub const fn new(id: String, tenant_claim: Option<String>, subjects: Subjects) -> Self {
        Self { id, names: Vec::new(), tenant_claim, subjects }
    }

    /// Adds a name; with a tenant claim, also the value that the claim must have.
    pub fn add(&mut self, name: String, tenant: Option<String>) {
        self.names.push(IssuerName { digest: digest(name.as_bytes()), name, tenant });
    }

    /// Several names of one issuer.
    #[must_use]
    pub fn several(names: &[&str], subjects: Subjects) -> Self {
        let mut several = Self::new(names.first().copied().unwrap_or_default().into(), None, subjects);
        names.iter().for_each(|name| several.add((*name).into(), None));
        several
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

    /// The issuer that is a part of the names of users, sessions and tokens. `None`: they are those of the first name,
    /// which stand alone as if it were the only one.
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
        let id: String = name.into();
        let mut one = Self::new(id.clone(), None, Subjects::default());
        one.add(id, None);
        one
    }
}
