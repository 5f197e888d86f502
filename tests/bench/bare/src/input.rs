//! Input from JavaScript: the caller reserves memory, writes bytes to it, then calls an export that reads them.

use std::cell::RefCell;

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Reserves `length` bytes and returns their address.
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
