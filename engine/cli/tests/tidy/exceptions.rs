//! What the rules let pass; the only place where a rule is bent.

/// One breach that is granted.
pub(crate) struct Exception {
    /// The rule, as `main.rs` calls it.
    pub(crate) rule: &'static str,
    /// The file, relative to the root.
    pub(crate) file: &'static str,
    /// The subject of the finding; empty when it is the file itself.
    pub(crate) subject: &'static str,
    /// Why the rule does more harm than good here.
    #[expect(dead_code, reason = "written for the reader, who asks why")]
    pub(crate) reason: &'static str,
}

/// Every exception. An entry that grants nothing fails its rule.
pub(crate) const EXCEPTIONS: &[Exception] = &[
    Exception {
        rule: "actions",
        file: "docs/errors/PB0501.md",
        subject: "defender.isolate_machine",
        reason: "the page shows what an unknown action looks like",
    },
    Exception {
        rule: "rooms",
        file: "engine/cli/Cargo.toml",
        subject: "rusqlite",
        reason: "dev only: tests of the whole product look into the database of a killed engine",
    },
    Exception {
        rule: "words",
        file: "actions/contract/src/info.rs",
        subject: "info",
        reason: "holds `ActionInfo`, the facts of an action, under the name of its type",
    },
    Exception {
        rule: "words",
        file: "actions/contract/src/info.rs",
        subject: "ActionInfo",
        reason: "the facts of an action beside `Action`, which performs it; no shorter word fits",
    },
];
