//! What can go wrong with an operation: one enum each, whose variants carry values. A refused token is no error but a
//! [`Verdict`](crate::verdict::Verdict).
