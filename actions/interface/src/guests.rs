//! Guests in WebAssembly text, most of them hostile; for tests of the host.
//!
//! Each is a core module with the exports of the canonical ABI. The line `;; prelude` stands for
//! what all of them share.

/// What every guest shares; put in place of its line `;; prelude`.
const PRELUDE: &str = include_str!("../guests/prelude.wat");

/// The whole text of a guest.
///
/// A test that wants a variant replaces texts in the guest first.
#[must_use]
pub fn whole(guest: &str) -> String {
    guest.replacen("  ;; prelude\n", PRELUDE, 1)
}

/// The guest whose actions use the service `box`, as a whole.
#[must_use]
pub fn with_service(guest: &str) -> String {
    changed(
        &whole(guest),
        "(data (i32.const 1216) \"graph\\00\")",
        "(data (i32.const 1216) \"box\\00\")",
    )
}

/// The guest with `from`, which occurs exactly once, replaced.
///
/// # Panics
///
/// When `from` does not occur exactly once: the test would test something else.
#[must_use]
pub fn changed(guest: &str, from: &str, to: &str) -> String {
    assert_eq!(
        guest.matches(from).count(),
        1,
        "`{from}` stands once in the guest"
    );
    guest.replacen(from, to, 1)
}

/// Declares each guest as a constant, its text beside it.
macro_rules! guests {
    ($($(#[$doc:meta])* $name:ident: $file:literal,)*) => {
        $(
            $(#[$doc])*
            pub const $name: &str = include_str!(concat!("../guests/", $file, ".wat"));
        )*

        /// Every guest with its name, sorted.
        pub const ALL: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}

guests! {
    /// Sends one request and tells how it went.
    ASK: "ask",
    /// Contains as it should, and waits where it is told to.
    BLOCK: "block",
    /// Fails with a code of its own and asks for a pause.
    BUSY: "busy",
    /// Writes a thousand log lines.
    CHATTER: "chatter",
    /// Shows when an instance is used twice.
    COUNT: "count",
    /// Answers with four megabytes.
    FLOOD: "flood",
    /// Takes all the memory it gets.
    GROW: "grow",
    /// Looks for a secret in all it can see.
    HUNT: "hunt",
    /// Answers `pending`, and `done` when resumed.
    LATER: "later",
    /// Answers against its output schema.
    LIE: "lie",
    /// Sleeps for a minute.
    NAP: "nap",
    /// Calls an import while it describes itself.
    PEEK: "peek",
    /// Sends a containing request, then breaks.
    POST_AND_TRAP: "post-and-trap",
    /// Reads Graph through the configured connection.
    READ_GRAPH: "read-graph",
    /// Never returns.
    SPIN: "spin",
    /// Imports what no engine offers.
    STRANGER: "stranger",
    /// Breaks at once.
    TRAP: "trap",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guest_takes_the_prelude() {
        for (name, guest) in ALL {
            assert!(whole(guest).contains("cabi_realloc"), "{name}");
        }
        assert!(ALL.is_sorted_by_key(|(name, _)| *name));
    }
}
