//! Operations that the vendor has deprecated: they are no actions, and `lint` says what to use.

/// Each with the operation that takes its place.
pub const RETIRED: [(&str, &str); 12] = [
    ("graph.create-ti-indicator", "defender.submit-indicator"),
    ("graph.delete-ti-indicator", "defender.delete-indicator"),
    (
        "graph.delete-ti-indicators",
        "defender.batch-delete-indicators",
    ),
    (
        "graph.delete-ti-indicators-by-external-id",
        "defender.batch-delete-indicators",
    ),
    ("graph.get-legacy-alert", "graph.get-security-alert"),
    ("graph.get-ti-indicator", "defender.list-indicators"),
    ("graph.list-legacy-alerts", "graph.list-security-alerts"),
    ("graph.list-ti-indicators", "defender.list-indicators"),
    ("graph.submit-ti-indicators", "defender.import-indicators"),
    ("graph.update-legacy-alert", "graph.update-security-alert"),
    ("graph.update-ti-indicator", "defender.submit-indicator"),
    ("graph.update-ti-indicators", "defender.import-indicators"),
];

/// What takes the place of an operation that the vendor has deprecated.
#[must_use]
pub fn successor(id: &str) -> Option<&'static str> {
    let found = RETIRED.iter().find(|(retired, _)| *retired == id);
    found.map(|(_, successor)| *successor)
}
