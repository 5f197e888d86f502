//! One generation of `sha2`, `hmac` and `digest` in a wasm module. `jwt-compact` depends on an older one, which none of
//! our code may call: a second SHA-256 adds kilobytes and is slower.

/// Parts of function names that only the older generation has (`digest` 0.10, `generic-array` 0.14).
const OLDER: [&str; 2] = ["generic_array", "digest..core_api"];

/// The first of [`OLDER`] that occurs in a module with its function names.
pub(crate) fn older_generation(module: &[u8]) -> Option<&'static str> {
    OLDER.into_iter().find(|name| module.windows(name.len()).any(|window| window == name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_either_generation() {
        let older = b"\0asm _ZN129_$LT$digest..core_api..ct_variable..CtVariableCoreWrapper$LT$T$GT$".as_slice();
        assert_eq!(older_generation(older), Some("digest..core_api"));
        assert_eq!(older_generation(b"_ZN13generic_array25GenericArray$LT$T$C$N$GT$"), Some("generic_array"));
        let ours =
            b"\0asm _ZN72_$LT$sha2..block_api..Sha256VarCore$u20$as$u20$core..ops..drop..Drop$GT$4drop".as_slice();
        assert_eq!(older_generation(ours), None);
    }
}
