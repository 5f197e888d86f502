//! Bytes from JavaScript: it reserves room, writes them there, then calls an export that reads them.

use std::cell::RefCell;

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Makes room for `length` bytes and answers where.
#[no_mangle]
extern "C" fn reserve(length: usize) -> *mut u8 {
    INPUT.with_borrow_mut(|input| {
        input.resize(length, 0);
        input.as_mut_ptr()
    })
}

pub(crate) fn with<T>(read: impl FnOnce(&[u8]) -> T) -> T {
    INPUT.with_borrow(|input| read(input))
}
