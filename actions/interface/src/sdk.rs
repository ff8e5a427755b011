//! What a plugin's language needs to speak the interface; written beside the author's source.

/// C: `quell.h`.
pub const C: &str = include_str!("../sdk/c/quell.h");
/// JavaScript and TypeScript: `quell.js`.
pub const JS: &str = include_str!("../sdk/js/quell.js");
/// The types of `quell.js`.
pub const JS_TYPES: &str = include_str!("../sdk/js/quell.d.ts");
/// JavaScript and TypeScript: `http.js`, apart because plugins that only compute cannot import it.
pub const JS_HTTP: &str = include_str!("../sdk/js/http.js");
/// The types of `http.js`.
pub const JS_HTTP_TYPES: &str = include_str!("../sdk/js/http.d.ts");
/// Python: `quell.py`.
pub const PYTHON: &str = include_str!("../sdk/python/quell.py");
/// Rust: `quell.rs`.
pub const RUST: &str = include_str!("../sdk/rust/quell.rs");
