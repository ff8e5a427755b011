//! Filters that write a value as a literal of a language, and `raw`, which says not to.

use super::super::encode;
use super::*;

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "kql",
        summary: "A literal of the Kusto Query Language: quoted text, number, `dynamic([…])`.",
        input: Kinds::ANY,
        params: &[],
        result: |_, _| Type::Text,
        writes: Some(Language::Kql),
        example: (r#"'say "hi"' | kql"#, r#""\"say \\\"hi\\\"\"""#),
        run: |call, budget| encode::literal(Language::Kql, &call.input, budget),
    },
    Filter {
        name: "sh",
        summary: "One word of a shell command, in single quotes; a list becomes several.",
        input: Kinds::SCALAR.or(Kinds::LIST),
        params: &[],
        result: |_, _| Type::Text,
        writes: Some(Language::Sh),
        example: (r#""it's" | sh"#, r#""'it'\\''s'""#),
        run: |call, budget| encode::literal(Language::Sh, &call.input, budget),
    },
    Filter {
        name: "odata",
        summary: "A literal of an OData filter: quoted text, number, a list in parentheses.",
        input: Kinds::ANY,
        params: &[],
        result: |_, _| Type::Text,
        writes: Some(Language::OData),
        example: (r#""it's" | odata"#, r#""'it''s'""#),
        run: |call, budget| encode::literal(Language::OData, &call.input, budget),
    },
    Filter {
        name: "html",
        summary: "Text for HTML, with `&`, `<`, `>` and quotes written as entities.",
        input: Kinds::SCALAR,
        params: &[],
        result: |_, _| Type::Text,
        writes: Some(Language::Html),
        example: ("'<b>' | html", r#""&lt;b&gt;""#),
        run: |call, budget| encode::literal(Language::Html, &call.input, budget),
    },
    Filter {
        name: "markdown",
        summary: "Text for Markdown, on one line, with its marks escaped.",
        input: Kinds::SCALAR,
        params: &[],
        result: |_, _| Type::Text,
        writes: Some(Language::Markdown),
        example: ("'*hi*' | markdown", r#""\\*hi\\*""#),
        run: |call, budget| encode::literal(Language::Markdown, &call.input, budget),
    },
    Filter {
        name: "path_segment",
        summary: "Text as one segment of a path; `.`, `..` and empty text are refused.",
        input: Kinds::TEXT.or(Kinds::INT),
        params: &[],
        result: |_, _| Type::Text,
        writes: Some(Language::Url),
        example: ("'a/../b' | path_segment", r#""a%2F..%2Fb""#),
        run: |call, budget| {
            let text = call.input.scalar_text();
            let text = text
                .as_ref()
                .map(super::super::value::Text::as_str)
                .unwrap_or_default();
            if matches!(text, "" | "." | "..") {
                return Err(Fault::new(format!("`{text}` is no segment of a path")));
            }
            budget.make(text.len() * 3)?;
            Ok(encode::percent(text).into())
        },
    },
    Filter {
        name: "raw",
        summary: "Switches context encoding off; stands last, is listed in every review.",
        input: Kinds::ANY,
        params: &[],
        result: |input, _| input.clone(),
        writes: None,
        example: ("'x' | raw", r#""x""#),
        run: |call, _| Ok(call.input),
    },
];
