//! The names under which a realm's issuer signs, and whether subjects are shared between them.

use crate::name::digest;

/// The accepted names of one issuer, and the string that determines the realm's id. Without a name, no token belongs to
/// the realm.
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
    /// The name's digest, so that a thousand other names are skipped without comparing strings.
    digest: u64,
    name: String,
    /// The required value of the tenant claim.
    tenant: Option<String>,
}

/// Whether equal `sub`, `sid` and `jti` values under several names mean the same subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subjects {
    /// Each name has its own subjects.
    #[default]
    ByName,
    /// The names are aliases of one server and share its subjects.
    Same,
}

impl IssuerNames {
    /// Creates an issuer without names. `id` determines the realm's id: the first name, or with a `tenant_claim` the
    /// common pattern.
    #[must_use]
    pub const fn new(id: String, tenant_claim: Option<String>, subjects: Subjects) -> Self {
        Self { id, names: Vec::new(), tenant_claim, subjects }
    }

    /// Adds a name and, with a tenant claim, the required value of that claim.
    pub fn add(&mut self, name: String, tenant: Option<String>) {
        self.names.push(IssuerName { digest: digest(name.as_bytes()), name, tenant });
    }

    /// Creates an issuer with several names.
    #[must_use]
    pub fn several(names: &[&str], subjects: Subjects) -> Self {
        let mut several = Self::new(names.first().copied().unwrap_or_default().into(), None, subjects);
        names.iter().for_each(|name| several.add((*name).into(), None));
        several
    }

    /// The string that determines the realm's id: the first name, or the pattern.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The accepted names, in the order of their numbers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| name.name.as_str())
    }

    /// Whether subjects are shared between the names.
    #[must_use]
    pub const fn subjects(&self) -> Subjects {
        self.subjects
    }

    /// The claim that must name the tenant.
    #[must_use]
    pub fn tenant_claim(&self) -> Option<&str> {
        self.tenant_claim.as_deref()
    }

    /// The number of exactly this name, given its digest.
    pub(crate) fn find(&self, issuer: &str, digest: u64) -> Option<usize> {
        self.names.iter().position(|name| name.digest == digest && name.name == issuer)
    }

    /// The tenant of the name with that number.
    pub(crate) fn tenant(&self, number: usize) -> Option<&str> {
        self.names.get(number)?.tenant.as_deref()
    }

    /// The issuer name that qualifies users, sessions and tokens. `None` for the first name, whose subjects are
    /// unqualified as if it were the only one.
    pub(crate) fn qualifier(&self, number: usize) -> Option<&str> {
        match (self.subjects, number, &self.tenant_claim) {
            (Subjects::Same, _, _) | (Subjects::ByName, 0, None) => None,
            (Subjects::ByName, _, _) => self.names.get(number).map(|name| name.name.as_str()),
        }
    }
}

impl<T: Into<String>> From<T> for IssuerNames {
    /// Creates an issuer with one name.
    fn from(name: T) -> Self {
        let id: String = name.into();
        let mut one = Self::new(id.clone(), None, Subjects::default());
        one.add(id, None);
        one
    }
}
