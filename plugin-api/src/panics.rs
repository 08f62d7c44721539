//! Catches panics and keeps their text. The payload alone does not say where; the hook does, and a library has its
//! own `std` and so its own hook, which the host's does not replace.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static TEXT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Installs the hook, once. A panic outside a call, on a thread of the plugin's own, still goes to standard error,
/// which the host logs.
pub(crate) fn keep_texts() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if CATCHING.get() {
                TEXT.set(Some(describe(info)));
            } else {
                previous(info);
            }
        }));
    });
}

/// `Err` holds the text of the panic.
pub(crate) fn catch<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    let outer = CATCHING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(call));
    CATCHING.set(outer);
    result.map_err(|payload| {
        // Dropping a foreign payload may panic again, with nobody left to catch it.
        std::mem::forget(payload);
        TEXT.take().unwrap_or_else(|| "the plugin panicked".to_owned())
    })
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied().or_else(|| Some(payload.downcast_ref::<String>()?));
    let text = text.unwrap_or("a panic without text");
    match info.location() {
        Some(place) => format!("{text}, at {}:{}", place.file(), place.line()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_and_the_place_of_a_panic_are_kept() {
        keep_texts();
        assert_eq!(catch(|| 7), Ok(7));
        let text = catch(|| panic!("no {}", "luck")).unwrap_err();
        assert!(text.starts_with("no luck, at ") && text.contains("panics.rs:"), "{text}");
    }
}
