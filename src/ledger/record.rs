//! The recorded form of an event. Every decision is made, so restoring it needs no clock and no settings.

use crate::error::FeedError;
use crate::revocation::lookup::bucket::{bucket_of, CATCH_ALL_SECONDS};
use crate::revocation::wire::reader::Reader;
use crate::revocation::wire::section::{SectionKind, UNKNOWN_ISSUE_TIME};
use crate::revocation::Bounds;
use crate::time::{Seconds, UnixSeconds, MAX_SECONDS};

use super::writer::Writer;

/// Version of the row format.
const FORM: u8 = 1;
/// Version of rows that apply to one of the issuer's names only.
const FORM_OF_NAME: u8 = 2;

// struct Row {
//     u8  form           1; 2: the row counts for one of the issuer's names
//     u8  kind           1 token id, 2 not-before, 3 version, 4 ban, 5 keys, 6 bounds
//                        0x80 set: correction, value 0 removes it
//     u64 recorded_at
//     form 2: u32 length of the issuer's name, the name; kinds 1 and 3, and 2 of a user, a session, a client session or
//     a grant
//     kind 1: u8 filter (1 bucket, 2 catch-all), u64 latest_expiry, u64 issued_at (2^64 - 1 unknown), id to the end
//     kind 2: u64 not_before, u8 subject (1 user, 2 session, 3 client session, 4 client, 5 realm, 6 grant, 7 key),
//             client session and grant: u32 length of sid or sub, sid or sub, client to the end; realm: nothing;
//             key: [u8; 32] thumbprint; else the name to the end
//     kind 3: u64 minimum, sub to the end
//     kind 4: [u8; 32] thumbprint; correction: the ban is lifted
//     kind 5: JWKS to the end; correction: nothing, the keys are withdrawn
//     kind 6: u64 refused_up_to, two bounds: retention and published; each u64 leeway, u64 skew, u64 max_lifetime,
//             u64 max_session + 1 or 0
// }
// A row of a later form or kind cannot be read, and then the ledger does not open: the row might refuse something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) recorded_at: UnixSeconds,
    pub(crate) merge: Merge,
    pub(crate) fact: Fact<'a>,
}

/// Whether a value is merged by maximum or replaces the earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Merge {
    Maximum,
    Replace,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fact<'a> {
    TokenId { issuer: IssuerName<'a>, filter: FilterKind, latest_expiry: UnixSeconds, issued_at: u64, id: &'a str },
    NotBefore { subject: SubjectName<'a>, not_before: u64 },
    Version { issuer: IssuerName<'a>, user: &'a str, minimum: u64 },
    Ban { thumbprint: &'a [u8; 32] },
    Keys { jwks: &'a [u8] },
    Bounds { retention: Bounds, published: Bounds, refused_up_to: UnixSeconds },
}

/// The kind of filter for a token id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FilterKind {
    /// The bucket of the token's expiry.
    Bucket,
    /// Expiry unknown: one of the filters that every lookup probes.
    CatchAll,
}

/// One filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// [`SectionKind::Bucket`] or [`SectionKind::CatchAll`].
    pub(crate) kind: SectionKind,
    pub(crate) bucket: u32,
}

impl Place {
    pub(crate) fn of(filter: FilterKind, latest_expiry: UnixSeconds) -> Self {
        match filter {
            FilterKind::Bucket => Self { kind: SectionKind::Bucket, bucket: bucket_of(latest_expiry) },
            FilterKind::CatchAll => {
                let bucket = u32::try_from(latest_expiry.get() / CATCH_ALL_SECONDS).unwrap_or(u32::MAX);
                Self { kind: SectionKind::CatchAll, bucket }
            }
        }
    }
}

/// The issuer name of a subject. `None`: the first name, or all names if they share subjects.
pub(crate) type IssuerName<'a> = Option<&'a str>;

/// The subject of a not-before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SubjectName<'a> {
    User(IssuerName<'a>, &'a str),
    Session(IssuerName<'a>, &'a str),
    ClientSession(IssuerName<'a>, &'a str, &'a str),
    Client(&'a str),
    Realm,
    /// One client's tokens of one user: `sub` and client.
    Grant(IssuerName<'a>, &'a str, &'a str),
    /// Tokens signed with the key that has this thumbprint.
    Key(&'a [u8; 32]),
}

impl<'a> SubjectName<'a> {
    /// The subject's issuer name; `None` if the subject does not depend on it.
    pub(crate) const fn issuer(self) -> IssuerName<'a> {
        match self {
            Self::User(issuer, _) | Self::Session(issuer, _) => issuer,
            Self::ClientSession(issuer, ..) | Self::Grant(issuer, ..) => issuer,
            Self::Client(_) | Self::Realm | Self::Key(_) => None,
        }
    }

    /// The same subject under another issuer name.
    pub(crate) const fn under(self, issuer: IssuerName<'a>) -> Self {
        match self {
            Self::User(_, user) => Self::User(issuer, user),
            Self::Session(_, sid) => Self::Session(issuer, sid),
            Self::ClientSession(_, sid, azp) => Self::ClientSession(issuer, sid, azp),
            Self::Grant(_, user, client) => Self::Grant(issuer, user, client),
            Self::Client(_) | Self::Realm | Self::Key(_) => self,
        }
    }
}

impl<'a> Fact<'a> {
    /// The issuer name that it is limited to.
    pub(crate) const fn issuer(self) -> IssuerName<'a> {
        match self {
            Self::TokenId { issuer, .. } | Self::Version { issuer, .. } => issuer,
            Self::NotBefore { subject, .. } => subject.issuer(),
            Self::Ban { .. } | Self::Keys { .. } | Self::Bounds { .. } => None,
        }
    }
}

const CORRECTION: u8 = 0x80;

impl<'a> Record<'a> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        let correction = match self.merge {
            Merge::Maximum => 0,
            Merge::Replace => CORRECTION,
        };
        let kind = self.kind() | correction;
        match self.fact.issuer() {
            None => writer.u8(FORM).u8(kind).u64(self.recorded_at.get()),
            Some(issuer) => write_name(writer.u8(FORM_OF_NAME).u8(kind).u64(self.recorded_at.get()), issuer),
        };
        match self.fact {
            Fact::TokenId { issuer: _, filter, latest_expiry, issued_at, id } => {
                let filter = match filter {
                    FilterKind::Bucket => 1,
                    FilterKind::CatchAll => 2,
                };
                writer.u8(filter).u64(latest_expiry.get()).u64(issued_at).bytes(id.as_bytes());
            }
            Fact::NotBefore { subject, not_before } => {
                writer.u64(not_before);
                match subject {
                    SubjectName::User(_, name) => writer.u8(1).bytes(name.as_bytes()),
                    SubjectName::Session(_, name) => writer.u8(2).bytes(name.as_bytes()),
                    SubjectName::ClientSession(_, sid, azp) => write_name(writer.u8(3), sid).bytes(azp.as_bytes()),
                    SubjectName::Client(name) => writer.u8(4).bytes(name.as_bytes()),
                    SubjectName::Realm => writer.u8(5),
                    SubjectName::Grant(_, user, client) => write_name(writer.u8(6), user).bytes(client.as_bytes()),
                    SubjectName::Key(thumbprint) => writer.u8(7).bytes(thumbprint),
                };
            }
            Fact::Version { issuer: _, user, minimum } => {
                writer.u64(minimum).bytes(user.as_bytes());
            }
            Fact::Ban { thumbprint } => {
                writer.bytes(thumbprint);
            }
            Fact::Keys { jwks } => {
                writer.bytes(jwks);
            }
            Fact::Bounds { retention, published, refused_up_to } => {
                writer.u64(refused_up_to.get());
                for Bounds { leeway, skew, max_lifetime, max_session } in [retention, published] {
                    writer.u64(leeway.get()).u64(skew.get()).u64(max_lifetime.get());
                    writer.u64(max_session.map_or(0, |session| session.get().saturating_add(1)));
                }
            }
        }
        writer.0
    }

    pub(crate) fn decode(payload: &'a [u8]) -> Result<Self, FeedError> {
        const MALFORMED: FeedError = FeedError::Malformed { part: "row" };
        let mut reader = Reader::new(payload);
        let (form, kind) = (reader.u8()?, reader.u8()?);
        let merge = if kind & CORRECTION == 0 { Merge::Maximum } else { Merge::Replace };
        let recorded_at = time(reader.u64()?)?;
        let issuer = match form {
            FORM => None,
            FORM_OF_NAME => Some(first_name(&mut reader)?).filter(|issuer| !issuer.is_empty()),
            _ => return Err(MALFORMED),
        };
        let fact = match kind & !CORRECTION {
            1 => {
                let filter = match reader.u8()? {
                    1 => FilterKind::Bucket,
                    2 => FilterKind::CatchAll,
                    _ => return Err(MALFORMED),
                };
                let latest_expiry = time(reader.u64()?)?;
                let issued_at = reader.u64()?;
                if issued_at != UNKNOWN_ISSUE_TIME && issued_at > MAX_SECONDS {
                    return Err(MALFORMED);
                }
                Fact::TokenId { issuer, filter, latest_expiry, issued_at, id: name(&mut reader)? }
            }
            2 => {
                let not_before = time(reader.u64()?)?.get();
                let subject = match reader.u8()? {
                    1 => SubjectName::User(issuer, name(&mut reader)?),
                    2 => SubjectName::Session(issuer, name(&mut reader)?),
                    3 => SubjectName::ClientSession(issuer, first_name(&mut reader)?, name(&mut reader)?),
                    4 => SubjectName::Client(name(&mut reader)?),
                    5 => SubjectName::Realm,
                    6 => SubjectName::Grant(issuer, first_name(&mut reader)?, name(&mut reader)?),
                    7 => SubjectName::Key(thumbprint(&mut reader)?),
                    _ => return Err(MALFORMED),
                };
                Fact::NotBefore { subject, not_before }
            }
            3 => {
                let minimum = reader.u64()?;
                Fact::Version { issuer, user: name(&mut reader)?, minimum }
            }
            4 => Fact::Ban { thumbprint: thumbprint(&mut reader)? },
            5 => Fact::Keys { jwks: reader.take(reader.remaining())? },
            6 => {
                let refused_up_to = time(reader.u64()?)?;
                Fact::Bounds { refused_up_to, retention: bounds(&mut reader)?, published: bounds(&mut reader)? }
            }
            _ => return Err(MALFORMED),
        };
        reader.end("row")?;
        // A fact common to all names has no row for one name.
        if (form == FORM_OF_NAME) != fact.issuer().is_some() {
            return Err(MALFORMED);
        }
        Ok(Self { recorded_at, merge, fact })
    }

    const fn kind(&self) -> u8 {
        match self.fact {
            Fact::TokenId { .. } => 1,
            Fact::NotBefore { .. } => 2,
            Fact::Version { .. } => 3,
            Fact::Ban { .. } => 4,
            Fact::Keys { .. } => 5,
            Fact::Bounds { .. } => 6,
        }
    }
}

fn time(seconds: u64) -> Result<UnixSeconds, FeedError> {
    if seconds > MAX_SECONDS {
        return Err(FeedError::Malformed { part: "row" });
    }
    Ok(UnixSeconds::new(seconds))
}

fn bounds(reader: &mut Reader<'_>) -> Result<Bounds, FeedError> {
    let mut seconds = || Ok(Seconds::new(time(reader.u64()?)?.get()));
    let (leeway, skew, max_lifetime) = (seconds()?, seconds()?, seconds()?);
    let max_session = seconds()?.get().checked_sub(1).map(Seconds::new);
    Ok(Bounds { leeway, skew, max_lifetime, max_session })
}

fn thumbprint<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8; 32], FeedError> {
    reader.take(32)?.first_chunk().ok_or(FeedError::Malformed { part: "row" })
}

/// Writes a name that others follow.
fn write_name<'w>(writer: &'w mut Writer, name: &str) -> &'w mut Writer {
    writer.u32(u32::try_from(name.len()).unwrap_or(u32::MAX)).bytes(name.as_bytes())
}

/// Reads a name that others follow.
fn first_name<'a>(reader: &mut Reader<'a>) -> Result<&'a str, FeedError> {
    let length = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
    name(&mut Reader::new(reader.take(length)?))
}

/// Reads a name that extends to the end of the bytes.
fn name<'a>(reader: &mut Reader<'a>) -> Result<&'a str, FeedError> {
    let bytes = reader.take(reader.remaining())?;
    core::str::from_utf8(bytes).map_err(|_| FeedError::Malformed { part: "row" })
}
