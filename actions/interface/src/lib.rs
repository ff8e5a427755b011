//! The WIT package that plugins are written against, and hostile guests that tests feed the host.
//!
//! Nothing here runs: the package is text, the guests are text. Whoever encodes them brings the
//! tools.

pub mod guests;
pub mod sdk;
pub mod templates;

/// The WIT package `quell:plugin`, as plugin authors get it.
pub const WIT: &str = include_str!("../wit/plugin.wit");

/// The version of the package.
pub const VERSION: &str = "0.1.0";

/// The interface every plugin exports.
pub const EXPORT: &str = "quell:plugin/actions@0.1.0";

/// The interfaces the engine offers; a component that imports anything else is refused.
pub const IMPORTS: [&str; 4] = [
    "quell:plugin/action@0.1.0",
    "quell:plugin/clock@0.1.0",
    "quell:plugin/http@0.1.0",
    "quell:plugin/log@0.1.0",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_say_what_the_package_says() {
        assert!(WIT.contains(&format!("package quell:plugin@{VERSION};")));
        for name in IMPORTS.iter().chain([&EXPORT]) {
            let interface = name
                .strip_prefix("quell:plugin/")
                .and_then(|rest| rest.strip_suffix(&format!("@{VERSION}")))
                .unwrap();
            assert!(
                WIT.contains(&format!("interface {interface} {{")),
                "{interface}"
            );
        }
    }
}
