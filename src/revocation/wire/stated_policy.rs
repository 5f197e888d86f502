//! An origin's statement of its policy: a digest of the whole, and a short digest of each field.

use super::reader::Reader;
use crate::error::FeedError;

/// Maximum number of fields of a stated policy.
pub(crate) const MAX_POLICY_FIELDS: usize = 64;

/// The digests of an origin's policy, as stated in its manifests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedPolicy {
    /// Version of the canonical form that was hashed.
    pub version: u8,
    /// Digest of the whole.
    pub digest: [u8; 16],
    /// A short digest of each field, in the order in which the fields were introduced.
    pub fields: Vec<[u8; 4]>,
}

impl StatedPolicy {
    // POLICY: u8 version, [u8; 16] digest, { [u8; 4] field digest }, at most 64 of them
    #[cold]
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, FeedError> {
        let mut reader = Reader::new(bytes);
        let (version, digest) = (reader.u8()?, reader.array()?);
        if reader.remaining() > 4 * MAX_POLICY_FIELDS {
            return Err(FeedError::Malformed { part: "size of policy block" });
        }
        let mut fields = Vec::with_capacity(reader.remaining() / 4);
        while !reader.is_empty() {
            fields.push(reader.array()?);
        }
        Ok(Self { version, digest, fields })
    }
}
