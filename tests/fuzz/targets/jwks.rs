#![no_main]

use portcullis_fuzz::{jwks, seeds};

libfuzzer_sys::fuzz_target!(init: seeds::write_if_asked("jwks"), |input: &[u8]| jwks::check(input));
