//! Whatever an alert says, it stays one value of the query. Each language has a small reader here,
//! written from its documentation and sharing nothing with the writer.

use engine_playbook::expr::{Language, Template};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn render(text: &str, language: Language, value: Value) -> Option<String> {
    let compiled = Template::compile(&json!(text), Some(language));
    assert!(compiled.problems.is_empty(), "{:?}", compiled.problems);
    let scope = Map::from_iter([("v".to_owned(), value)]);
    compiled
        .template
        .render(&scope)
        .ok()?
        .as_str()
        .map(str::to_owned)
}

#[derive(Debug, PartialEq)]
enum Token {
    Text(String),
    Other(String),
}

/// Reads KQL: texts with their escapes, verbatim texts, comments, and everything else by word or
/// by character.
fn kql_tokens(query: &str) -> Vec<Token> {
    let chars: Vec<char> = query.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let verbatim = c == '@' && matches!(chars.get(at + 1), Some('"' | '\''));
        if verbatim || c == '"' || c == '\'' {
            at += usize::from(verbatim);
            let quote = chars[at];
            at += 1;
            let mut text = String::new();
            loop {
                match chars.get(at) {
                    None => panic!("a text does not end in {query}"),
                    Some('\n') if !verbatim => panic!("a text goes over lines in {query}"),
                    Some(&c) if c == quote && verbatim && chars.get(at + 1) == Some(&quote) => {
                        text.push(c);
                        at += 2;
                    }
                    Some(&c) if c == quote => break,
                    Some('\\') if !verbatim => at += escape(&chars[at..], &mut text),
                    Some(&c) => {
                        text.push(c);
                        at += 1;
                    }
                }
            }
            at += 1;
            out.push(Token::Text(text));
        } else if c == '/' && chars.get(at + 1) == Some(&'/') {
            while chars.get(at).is_some_and(|c| *c != '\n') {
                at += 1;
            }
        } else if c.is_whitespace() {
            at += 1;
        } else {
            let mut word = String::from(c);
            at += 1;
            while c.is_alphanumeric() && chars.get(at).is_some_and(|c| c.is_alphanumeric()) {
                word.push(chars[at]);
                at += 1;
            }
            out.push(Token::Other(word));
        }
    }
    out
}

fn escape(chars: &[char], text: &mut String) -> usize {
    let plain = match chars.get(1) {
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some(&quoted @ ('\\' | '"' | '\'')) => quoted,
        Some('u') => {
            let digits: String = chars[2..6].iter().collect();
            let code = u32::from_str_radix(&digits, 16).expect("four hex digits");
            text.push(char::from_u32(code).expect("a character"));
            return 6;
        }
        other => panic!("unknown escape {other:?}"),
    };
    text.push(plain);
    2
}

/// Texts with many of the characters that mean something somewhere.
fn hostile() -> impl Strategy<Value = String> {
    let marks = prop::sample::select(
        "\"'\\@`|/()[]{}$;&#<>\n\r\t\0\u{85}\u{2028}\u{202e}éa1 "
            .chars()
            .collect::<Vec<_>>(),
    );
    prop_oneof![
        prop::collection::vec(marks, 0..20).prop_map(String::from_iter),
        any::<String>(),
        Just("x\" or 1==1 | take 10 // \\".to_owned()),
    ]
}

/// Queries with the value somewhere, next to all sorts of things.
fn surroundings() -> impl Strategy<Value = String> {
    let before = prop::sample::select(vec![
        "T | where A == ",
        "T | where A == @\"c:\\\" or B == ",
        "// it's\nT | where A ==",
        "@",
        "h",
        "H@",
        "T | where A == 'x'",
        "T | where A == @'x'",
        "print f(",
        "T | where A in (",
        "T | where A has_any ('x', ",
        "let x = ```a\" 'b\n``` ;",
        "x",
        "\"\\\\\"",
        "'\\''",
    ]);
    let after = prop::sample::select(vec![
        "",
        " | take 5",
        "\"x\"",
        "'x'",
        ")",
        " // \"",
        "h",
        "@\"\"",
    ]);
    (before, after, prop::sample::select(vec!["v", "v | kql"]))
        .prop_map(|(before, after, v)| format!("{before}${{{{ {v} }}}}{after}"))
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None, cases: 1000, ..ProptestConfig::default()
    })]

    #[test]
    fn a_text_in_kql_reads_back_as_it_was(value in hostile()) {
        let query = render("T | where A == ${{ v }} | take 5", Language::Kql, json!(value));
        let tokens = kql_tokens(&query.expect("text has a literal"));
        let text = tokens.into_iter().find_map(|token| match token {
            Token::Text(text) => Some(text),
            Token::Other(_) => None,
        });
        prop_assert_eq!(text, Some(value));
    }

    #[test]
    fn a_text_changes_no_other_token_of_the_query(
        value in hostile(),
        query in surroundings(),
    ) {
        let same = |value: &str| {
            let rendered = render(&query, Language::Kql, json!(value)).expect("text has a literal");
            let marked = kql_tokens(&rendered.replace("```a\" 'b\n```", ""));
            marked.into_iter().map(|token| match token {
                Token::Text(text) if text == value => Token::Other("value".to_owned()),
                token => token,
            }).collect::<Vec<_>>()
        };
        prop_assume!(!["x", "c:\\", "\\", "'", ""].contains(&value.as_str()));
        prop_assert_eq!(same(&value), same("harmless"));
    }

    #[test]
    fn a_list_in_kql_keeps_its_elements(values in prop::collection::vec(hostile(), 0..5)) {
        for query in ["T | where A in (${{ v }})", "let x = ${{ v }};"] {
            let rendered = render(query, Language::Kql, json!(values)).expect("it has a literal");
            let texts: Vec<String> = kql_tokens(&rendered).into_iter().filter_map(|token| {
                match token {
                    Token::Text(text) => Some(text),
                    Token::Other(_) => None,
                }
            }).collect();
            prop_assert_eq!(&texts, &values);
        }
    }

    #[test]
    fn a_text_in_a_shell_is_one_word_or_refused(value in hostile()) {
        let rendered = render("echo ${{ v }} end", Language::Sh, json!(value));
        match rendered {
            None => prop_assert!(value.contains('\0')),
            Some(command) => prop_assert_eq!(sh_words(&command), ["echo", value.as_str(), "end"]),
        }
    }

    #[test]
    fn a_text_in_odata_reads_back_as_it_was_or_is_refused(value in hostile()) {
        match render("name eq ${{ v }} and x eq 1", Language::OData, json!(value)) {
            None => prop_assert!(value.contains(char::is_control)),
            Some(filter) => {
                let inner = filter.strip_prefix("name eq '");
                let inner = inner.and_then(|rest| rest.strip_suffix("' and x eq 1"));
                let inner = inner.expect("the value is quoted");
                prop_assert_eq!(inner.replace("''", "'"), value);
                prop_assert!(!inner.replace("''", "").contains('\''));
            }
        }
    }

    #[test]
    fn a_text_in_html_opens_no_tag_and_closes_no_quote(value in hostile()) {
        let html = render("<p t=\"${{ v }}\">${{ v }}</p>", Language::Html, json!(value));
        let html = html.expect("text fits HTML");
        prop_assert_eq!(html.matches('<').count(), 2);
        prop_assert_eq!(html.matches('"').count(), 2);
    }

    #[test]
    fn a_text_in_a_url_stays_in_its_segment(value in hostile()) {
        let url = render("https://api.example/a/${{ v }}/b", Language::Url, json!(value));
        let Some(url) = url else { return Ok(()) };
        prop_assert_eq!(url.matches('/').count(), 5);
        prop_assert!(!url.contains(['?', '#', ' ', '\n', '\\', '@']));
    }

    #[test]
    fn a_text_in_markdown_stays_on_its_line(value in hostile()) {
        let text = render("a ${{ v }} b", Language::Markdown, json!(value)).expect("it fits");
        prop_assert_eq!(text.lines().count(), 1);
        let bare = text.replace("\\\\", "");
        let bare = bare.replace("\\<", "").replace("\\`", "").replace("\\[", "");
        prop_assert!(!bare.contains(['<', '`', '[']));
    }
}

/// The words of a shell command, single quotes and backslashes understood.
fn sh_words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        let Some(word) = words.last_mut() else { break };
        match c {
            '\'' => word.extend(chars.by_ref().take_while(|c| *c != '\'')),
            '\\' => word.extend(chars.next()),
            ' ' => words.push(String::new()),
            c => word.push(c),
        }
    }
    words
}
