//! "Did you mean": the nearest known name.

/// The name most like `wanted`, if one is like it at all.
pub(super) fn similar<'a>(
    wanted: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted_lower = wanted.to_ascii_lowercase();
    names
        .into_iter()
        .map(|name| {
            (
                strsim::jaro_winkler(&wanted_lower, &name.to_ascii_lowercase()),
                name,
            )
        })
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// The same as a sentence: ``a field with a similar name exists: `x` ``; `what` may be empty.
pub(super) fn similar_help<'a>(
    what: &str,
    wanted: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    similar(wanted, names).map(|name| match what {
        "" => format!("a similar name exists: `{name}`"),
        _ => format!("a {what} with a similar name exists: `{name}`"),
    })
}
