//! Templates: what is refused when they are read, and what they render to.

mod expr_print;

use engine_playbook::expr::{
    Env, Language, Segment, Template, TemplateProblem, Type, check_template,
};
use expect_test::{Expect, expect};
use expr_print::folded;
use serde_json::{Map, Value, json};

/// What an attacker would like to be read as a part of the query.
const HOSTILE: &str = "x\" or 1==1 | take 10 // \\";

fn context() -> Map<String, Value> {
    let context = json!({
        "alert": {
            "id": "a1", "title": "it's \"bad\"", "hostile": HOSTILE, "null": null,
            "hashes": ["aa", "b\"b"], "none": [], "map": {"k": ["v\n"]},
            "created_at": "2026-10-24T12:00:00Z",
            "fake_time": "2026-10-24T12:00:00Z",
            "handle": {"deep": [{"$secret": "prod_key"}]},
            "markup": "<img src=x onerror=\"a\"> *bold* `code`\n# head",
            "url": "https://evil.example/a b",
        },
        "inputs": {"days": 7, "share": 0.5, "flag": true},
        "run": {"now": "2026-10-24T12:00:00.000Z"},
    });
    match context {
        Value::Object(context) => context,
        _ => Map::new(),
    }
}

fn problem_line(text: &str, problem: &TemplateProblem) -> String {
    let at = text
        .get(problem.span.start..problem.span.end)
        .unwrap_or_default();
    let help = problem
        .help
        .as_ref()
        .map(|help| format!("; {help}"))
        .unwrap_or_default();
    let fixed = problem.fix.as_ref().map(|fix| {
        let (start, end) = (fix.span.start, fix.span.end);
        format!(
            "\n      fixed: {}{}{}",
            &text[..start],
            fix.replacement,
            &text[end..]
        )
    });
    let fixed = fixed.unwrap_or_default();
    format!(
        "    {} `{at}`: {}{help}{fixed}\n",
        problem.code, problem.message
    )
}

fn outcome(text: &str, language: Option<Language>) -> String {
    let compiled = Template::compile(&json!(text), language);
    let mut out = format!("{text}\n");
    for problem in &compiled.problems {
        out += &problem_line(text, problem);
    }
    if !compiled
        .problems
        .iter()
        .any(|p| p.severity == engine_model::Severity::Error)
    {
        match compiled.template.render(&context()) {
            Ok(Value::String(text)) => out += &format!("  => {text}\n"),
            Ok(value) => out += &format!("  => value {value}\n"),
            Err(error) => out += &format!("  => error: {error}\n"),
        }
    }
    out
}

fn check(language: Option<Language>, texts: &[&str], expected: Expect) {
    let out: Vec<String> = texts.iter().map(|text| outcome(text, language)).collect();
    expected.assert_eq(&folded(&out.concat()));
}

#[test]
fn a_whole_expression_keeps_its_type_and_text_is_joined() {
    check(
        None,
        &[
            "plain",
            "${{ alert.hashes }}",
            "${{inputs.days}}",
            "last ${{ inputs.days }} days, ${{ inputs.share }}, ${{ inputs.flag }}",
            " ${{ inputs.days }}",
            "${{ alert.hashes }} in text",
            "x${{ alert.null }}",
            "${{ alert.null }}",
            "${{ {'a': {'b': '}}'}} }}",
            "${{ '${{' }}",
            "${{ alert.id",
            "${{ alert.id + }}",
            "a ${{ }} b",
            "${{ alert.handle }}",
            "${{ alert.nope }} b",
        ],
        expect![[r#"
            plain
              => plain
            ${{ alert.hashes }}
              => value ["aa","b\"b"]
            ${{inputs.days}}
              => value 7
            last ${{ inputs.days }} days, ${{ inputs.share }}, ${{ inputs.flag }}
              => last 7 days, 0.5, true
             ${{ inputs.days }}
              =>  7
            ${{ alert.hashes }} in text
              => error: list cannot stand inside text, use `| join(', ')` or `| json` (at
                    `alert.hashes`)
            x${{ alert.null }}
              => error: null cannot stand inside text, use `| default('…')` (at `alert.null`)
            ${{ alert.null }}
              => value null
            ${{ {'a': {'b': '}}'}} }}
              => value {"a":{"b":"}}"}}
            ${{ '${{' }}
              => ${{
            ${{ alert.id
                PB0404 `${{`: `${{` is not closed; write `}}` after the expression
            ${{ alert.id + }}
                PB0404 ``: expected a value, the expression ends
            a ${{ }} b
                PB0404 ``: the expression is empty
            ${{ alert.handle }}
              => error: a value with the key `$secret` is refused (at `alert.handle`)
            ${{ alert.nope }} b
              => error: field `nope` does not exist, a field with a similar name exists: `none`
                    (at `alert.nope`)
        "#]],
    );
}

#[test]
fn in_kql_every_value_is_one_literal() {
    check(
        Some(Language::Kql),
        &[
            "T | where A == ${{ alert.hostile }} | take 5",
            "T | where A in (${{ alert.hashes }})",
            "T | where A !in~ ( ${{ alert.hashes }}, 'x')",
            "T | where A has_any ('x', ${{ alert.hashes }})",
            "T | where A in (f(${{ alert.hashes }}))",
            "T | where A in (${{ alert.none }})",
            "let x = ${{ alert.hashes }};",
            "let x = ${{ alert.map }};",
            "T | where ago(${{ inputs.days }}d) < ${{ inputs.share }} and ${{ inputs.flag }}",
            "T | where At > ${{ run.now }} and B > ${{ alert.created_at | add('-1d') }}",
            "T | where At > ${{ alert.fake_time }}",
            "T | where At > ${{ alert.fake_time | parse_time }}",
            "T | where A == ${{ alert.null }}",
        ],
        expect![[r#"
            T | where A == ${{ alert.hostile }} | take 5
              => T | where A == "x\" or 1==1 | take 10 // \\" | take 5
            T | where A in (${{ alert.hashes }})
              => T | where A in ("aa", "b\"b")
            T | where A !in~ ( ${{ alert.hashes }}, 'x')
              => T | where A !in~ ( "aa", "b\"b", 'x')
            T | where A has_any ('x', ${{ alert.hashes }})
              => T | where A has_any ('x', "aa", "b\"b")
            T | where A in (f(${{ alert.hashes }}))
              => T | where A in (f(dynamic(["aa", "b\"b"])))
            T | where A in (${{ alert.none }})
              => T | where A in (dynamic([]))
            let x = ${{ alert.hashes }};
              => let x = dynamic(["aa", "b\"b"]);
            let x = ${{ alert.map }};
              => let x = dynamic({"k": ["v\n"]});
            T | where ago(${{ inputs.days }}d) < ${{ inputs.share }} and ${{ inputs.flag }}
              => T | where ago(7d) < 0.5 and true
            T | where At > ${{ run.now }} and B > ${{ alert.created_at | add('-1d') }}
              => T | where At > datetime(2026-10-24T12:00:00.000Z) and B >
                    datetime(2026-10-23T12:00:00.000Z)
            T | where At > ${{ alert.fake_time }}
              => T | where At > "2026-10-24T12:00:00Z"
            T | where At > ${{ alert.fake_time | parse_time }}
              => T | where At > datetime(2026-10-24T12:00:00.000Z)
            T | where A == ${{ alert.null }}
              => error: null cannot be written in KQL, use `| default(…)` (at `alert.null`)
        "#]],
    );
}

#[test]
fn in_kql_only_raw_leaves_a_value_as_it_is() {
    check(
        Some(Language::Kql),
        &[
            "${{ alert.hostile }}",
            "${{ alert.null }}",
            "${{ alert.hostile | raw }}",
            "T | where A == ${{ alert.title | kql }}",
            "T | where A == ${{ alert.title | html }}",
            "T // ${{ alert.map.k[0] }} it's\n| take 1",
            "@${{ alert.hostile }}",
            "@${{ alert.hostile | kql }}",
            "T | where A == @\"x\"${{ alert.hostile }}",
            "h${{ alert.id }}x${{ alert.id }}${{ alert.id }}",
        ],
        expect![[r#"
            ${{ alert.hostile }}
              => "x\" or 1==1 | take 10 // \\"
            ${{ alert.null }}
              => value null
            ${{ alert.hostile | raw }}
                PB0804 `${{ alert.hostile | raw }}`: the value becomes part of the kql text as
                      it is; remove `| raw` unless nobody else chooses the value
              => x" or 1==1 | take 10 // \
            T | where A == ${{ alert.title | kql }}
              => T | where A == "it's \"bad\""
            T | where A == ${{ alert.title | html }}
              => T | where A == "it&#39;s &quot;bad&quot;"
            T // ${{ alert.map.k[0] }} it's
            | take 1
              => T // "v\n" it's
            | take 1
            @${{ alert.hostile }}
              => @ "x\" or 1==1 | take 10 // \\"
            @${{ alert.hostile | kql }}
              => @ "x\" or 1==1 | take 10 // \\"
            T | where A == @"x"${{ alert.hostile }}
              => T | where A == @"x" "x\" or 1==1 | take 10 // \\"
            h${{ alert.id }}x${{ alert.id }}${{ alert.id }}
              => h "a1" x "a1" "a1"
        "#]],
    );
}

#[test]
fn quotes_around_an_expression_are_refused_with_a_fix() {
    check(
        Some(Language::Kql),
        &[
            "T | where A == \"${{ alert.id }}\" | take 5",
            "T | where A == '${{ alert.id }}'",
            "T | where A == @'${{ alert.id }}'",
            "T | where A == h@\"${{ alert.id }}\"",
            "T | where A == \"pre ${{ alert.id }}-${{ inputs.days }} post\"",
            "T | where A == 'it\\'s ${{ alert.id }}'",
            "T | where A == @\"c:\\\" and B == ${{ alert.id }}",
            "T | where A == \"c:\\\" and B == ${{ alert.id }}",
        ],
        expect![[r#"
            T | where A == "${{ alert.id }}" | take 5
                PB0412 `${{ alert.id }}`: an expression stands inside quotes of the kql text; it
                      brings its own quotes: write `${{ alert.id }}` in place of the quoted text
                  fixed: T | where A == ${{ alert.id }} | take 5
            T | where A == '${{ alert.id }}'
                PB0412 `${{ alert.id }}`: an expression stands inside quotes of the kql text; it
                      brings its own quotes: write `${{ alert.id }}` in place of the quoted text
                  fixed: T | where A == ${{ alert.id }}
            T | where A == @'${{ alert.id }}'
                PB0412 `${{ alert.id }}`: an expression stands inside quotes of the kql text; it
                      brings its own quotes: write `${{ alert.id }}` in place of the quoted text
                  fixed: T | where A == ${{ alert.id }}
            T | where A == h@"${{ alert.id }}"
                PB0412 `${{ alert.id }}`: an expression stands inside quotes of the kql text; it
                      brings its own quotes: write `${{ alert.id }}` in place of the quoted text
                  fixed: T | where A == ${{ alert.id }}
            T | where A == "pre ${{ alert.id }}-${{ inputs.days }} post"
                PB0412 `${{ alert.id }}`: an expression stands inside quotes of the kql text; it
                      brings its own quotes: write `strcat("pre ", ${{ alert.id }}, "-", ${{
                      inputs.days }}, " post")` in place of the quoted text
                  fixed: T | where A == strcat("pre ", ${{ alert.id }}, "-", ${{ inputs.days }},
                        " post")
                PB0412 `${{ inputs.days }}`: an expression stands inside quotes of the kql text;
                      it brings its own quotes: put none around it
            T | where A == 'it\'s ${{ alert.id }}'
                PB0412 `${{ alert.id }}`: an expression stands inside quotes of the kql text; it
                      brings its own quotes: write `strcat('it\'s ', ${{ alert.id }})` in place
                      of the quoted text
                  fixed: T | where A == strcat('it\'s ', ${{ alert.id }})
            T | where A == @"c:\" and B == ${{ alert.id }}
              => T | where A == @"c:\" and B == "a1"
            T | where A == "c:\" and B == ${{ alert.id }}
                PB0412 `${{ alert.id }}`: an expression stands inside quotes of the kql text; it
                      brings its own quotes: put none around it
        "#]],
    );
}

#[test]
fn quotes_are_read_as_kql_reads_them() {
    check(
        Some(Language::Kql),
        &[
            "let x = ```\n ${{ alert.id }} ```;",
            "let x = ~~~ ${{ alert.id }} ~~~;",
            "T | where A == \"${{ alert.id | raw }}\"",
            "// it's fine\nT | where A == ${{ alert.id }}",
            "\"open ${{ alert.id }}",
        ],
        expect![[r#"
            let x = ```
             ${{ alert.id }} ```;
                PB0412 `${{ alert.id }}`: an expression stands inside quotes of the kql text; it
                      brings its own quotes: put none around it
                  fixed: let x = strcat(```
             ```, ${{ alert.id }}, ``` ```);
            let x = ~~~ ${{ alert.id }} ~~~;
                PB0412 `${{ alert.id }}`: an expression stands inside quotes of the kql text; it
                      brings its own quotes: write `strcat(~~~ ~~~, ${{ alert.id }}, ~~~ ~~~)`
                      in place of the quoted text
                  fixed: let x = strcat(~~~ ~~~, ${{ alert.id }}, ~~~ ~~~);
            T | where A == "${{ alert.id | raw }}"
                PB0804 `${{ alert.id | raw }}`: the value becomes part of the kql text as it is;
                      remove `| raw` unless nobody else chooses the value
              => T | where A == "a1"
            // it's fine
            T | where A == ${{ alert.id }}
              => // it's fine
            T | where A == "a1"
            "open ${{ alert.id }}
                PB0412 `${{ alert.id }}`: an expression stands inside quotes of the kql text; it
                      brings its own quotes: put none around it
        "#]],
    );
}

#[test]
fn in_a_shell_every_value_is_one_word() {
    check(
        Some(Language::Sh),
        &[
            "grep ${{ alert.title }} /var/log/x",
            "rm ${{ alert.hashes }}",
            "head -n ${{ inputs.days }}",
            "pre${{ alert.id }}post",
            "echo $(cat ${{ alert.title }})",
            "echo a#${{ alert.title }}",
            "echo ${{ alert.null }}",
            "echo it\\'s ${{ alert.id }}",
            "echo \"$(date)\" ${{ alert.id }}",
        ],
        expect![[r#"
            grep ${{ alert.title }} /var/log/x
              => grep 'it'\''s "bad"' /var/log/x
            rm ${{ alert.hashes }}
              => rm 'aa' 'b"b'
            head -n ${{ inputs.days }}
              => head -n '7'
            pre${{ alert.id }}post
              => pre'a1'post
            echo $(cat ${{ alert.title }})
              => echo $(cat 'it'\''s "bad"')
            echo a#${{ alert.title }}
              => echo a#'it'\''s "bad"'
            echo ${{ alert.null }}
              => error: null cannot be written in a shell command, use `| join`, `| json` or `|
                    default` (at `alert.null`)
            echo it\'s ${{ alert.id }}
              => echo it\'s 'a1'
            echo "$(date)" ${{ alert.id }}
              => echo "$(date)" 'a1'
        "#]],
    );
}

#[test]
fn in_a_shell_no_place_is_guessed_to_be_safe() {
    check(
        Some(Language::Sh),
        &[
            "echo \"found ${{ alert.title }} here\"",
            "echo '${{ alert.title }}'",
            "echo `cat ${{ alert.title }}`",
            "echo # ${{ alert.title }}",
            "echo $${{ alert.title }}",
            "echo \\${{ alert.title }}",
            "cat <<EOF\n${{ alert.title }}\nEOF\necho ${{ alert.id }}",
            "echo \"$(cat \"${{ alert.id }}\")\"",
            "echo \"${x:-\"${{ alert.id }}\"}\"",
        ],
        expect![[r#"
            echo "found ${{ alert.title }} here"
                PB0412 `${{ alert.title }}`: an expression stands inside quotes of the sh text;
                      it brings its own quotes: write `"found "${{ alert.title }}" here"` in
                      place of the quoted text
                  fixed: echo "found "${{ alert.title }}" here"
            echo '${{ alert.title }}'
                PB0412 `${{ alert.title }}`: an expression stands inside quotes of the sh text;
                      it brings its own quotes: write `${{ alert.title }}` in place of the
                      quoted text
                  fixed: echo ${{ alert.title }}
            echo `cat ${{ alert.title }}`
                PB0412 `${{ alert.title }}`: an expression stands inside quotes of the sh text;
                      it brings its own quotes: put none around it
            echo # ${{ alert.title }}
                PB0412 `${{ alert.title }}`: an expression stands inside a comment, which a line
                      end in the value would end
            echo $${{ alert.title }}
                PB0412 `${{ alert.title }}`: an expression stands right after `\` or `$`, which
                      change what a quote means
            echo \${{ alert.title }}
                PB0412 `${{ alert.title }}`: an expression stands right after `\` or `$`, which
                      change what a quote means
            cat <<EOF
            ${{ alert.title }}
            EOF
            echo ${{ alert.id }}
                PB0412 `${{ alert.title }}`: an expression stands inside a here-document, where
                      quotes do not protect
            echo "$(cat "${{ alert.id }}")"
                PB0412 `${{ alert.id }}`: an expression stands after quotes inside `$(…)` or
                      `${…}` inside quotes, which is not followed here
            echo "${x:-"${{ alert.id }}"}"
                PB0412 `${{ alert.id }}`: an expression stands after quotes inside `$(…)` or
                      `${…}` inside quotes, which is not followed here
        "#]],
    );
}

#[test]
fn in_odata_every_value_is_one_literal() {
    check(
        Some(Language::OData),
        &[
            "name eq ${{ alert.title }} and n gt ${{ inputs.days }}",
            "id in ${{ alert.hashes }}",
            "id in (${{ alert.hashes }})",
            "id in (${{ alert.none }})",
            "at ge ${{ run.now }}",
            "name eq '${{ alert.title }}'",
            "name eq 'x'${{ alert.title }}",
            "name eq ${{ alert.map.k[0] }}",
        ],
        expect![[r#"
            name eq ${{ alert.title }} and n gt ${{ inputs.days }}
              => name eq 'it''s "bad"' and n gt 7
            id in ${{ alert.hashes }}
              => id in ('aa', 'b"b')
            id in (${{ alert.hashes }})
              => id in ('aa', 'b"b')
            id in (${{ alert.none }})
              => error: an empty list cannot be written in OData, test `| length` first (at
                    `alert.none`)
            at ge ${{ run.now }}
              => at ge 2026-10-24T12:00:00.000Z
            name eq '${{ alert.title }}'
                PB0412 `${{ alert.title }}`: an expression stands inside quotes of the odata
                      text; it brings its own quotes: write `${{ alert.title }}` in place of the
                      quoted text
                  fixed: name eq ${{ alert.title }}
            name eq 'x'${{ alert.title }}
              => name eq 'x' 'it''s "bad"'
            name eq ${{ alert.map.k[0] }}
              => error: text with control characters cannot be written in OData, remove them
                    first (at `alert.map.k[0]`)
        "#]],
    );
}

#[test]
fn in_html_every_value_is_text() {
    check(
        Some(Language::Html),
        &[
            "<p title=\"${{ alert.markup }}\">${{ alert.markup }}</p>",
            "<p title=${{ alert.markup }}>",
            "<script>var x = '${{ alert.markup }}'</script>",
            "<p>${{ alert.hashes }}</p>",
        ],
        expect![[r#"
            <p title="${{ alert.markup }}">${{ alert.markup }}</p>
              => <p title="&lt;img src=x onerror=&quot;a&quot;&gt; *bold* `code`
            # head">&lt;img src=x onerror=&quot;a&quot;&gt; *bold* `code`
            # head</p>
            <p title=${{ alert.markup }}>
                PB0412 `${{ alert.markup }}`: an expression stands inside a tag but not inside
                      quotes
            <script>var x = '${{ alert.markup }}'</script>
                PB0412 `${{ alert.markup }}`: an expression stands inside a script or style,
                      which HTML does not decode
            <p>${{ alert.hashes }}</p>
              => error: list cannot be written in HTML, use `| join`, `| json` or `| default`
                    (at `alert.hashes`)
        "#]],
    );
}

#[test]
fn in_markdown_every_value_is_plain_text() {
    check(
        Some(Language::Markdown),
        &[
            "**${{ alert.markup }}**",
            "`${{ alert.markup | markdown }}`",
            "`${{ alert.markup }}` and ${{ alert.url }}",
            "${{ [{'a': '|x'}] | to_markdown_table }}",
            "${{ alert.markup | raw }}",
        ],
        expect![[r#"
            **${{ alert.markup }}**
              => **\<img src=x onerror="a"\> \*bold\* \`code\` # head**
            `${{ alert.markup | markdown }}`
              => `\<img src=x onerror="a"\> \*bold\* \'code\' # head`
            `${{ alert.markup }}` and ${{ alert.url }}
              => `<img src=x onerror="a"> *bold* 'code' # head` and https\://evil.example/a b
            ${{ [{'a': '|x'}] | to_markdown_table }}
              => | a |
            |---|
            | \|x |

            ${{ alert.markup | raw }}
                PB0804 `${{ alert.markup | raw }}`: the value becomes part of the markdown text
                      as it is; remove `| raw` unless nobody else chooses the value
              => <img src=x onerror="a"> *bold* `code`
            # head
        "#]],
    );
}

#[test]
fn in_a_url_every_value_is_one_part() {
    check(
        Some(Language::Url),
        &[
            "https://api.example/${{ alert.title }}?q=${{ inputs.days }}",
            "https://api.example/${{ alert.id | path_segment }}/x",
            "${{ 'https://api.example/a?b=c' }}/x",
            "https://api.example/${{ '..' }}/x",
            "${{ alert.url }}",
            "${{ 'javascript:alert(1)' }}",
        ],
        expect![[r#"
            https://api.example/${{ alert.title }}?q=${{ inputs.days }}
              => https://api.example/it%27s%20%22bad%22?q=7
            https://api.example/${{ alert.id | path_segment }}/x
              => https://api.example/a1/x
            ${{ 'https://api.example/a?b=c' }}/x
              => https://api.example/a?b=c/x
            https://api.example/${{ '..' }}/x
              => error: `..` is no part of a URL (at `'..'`)
            ${{ alert.url }}
              => error: a URL begins with `https://` and a host, and has no white space (at
                    `alert.url`)
            ${{ 'javascript:alert(1)' }}
              => error: a URL begins with `https://` and a host, and has no white space (at
                    `'javascript:alert(1)'`)
        "#]],
    );
}

#[test]
fn a_secret_is_the_whole_value_or_refused() {
    let value = json!({
        "token": "${{ secrets.api_key }}",
        "also": "${{ secrets['other'] }}",
        "header": "Bearer ${{ secrets.api_key }}",
        "hidden": "${{ secrets.api_key | base64 }}",
        "nested": ["${{ {'a': secrets.api_key} }}"],
        "fake": {"$secret": "api_key"},
    });
    let compiled = Template::compile(&value, None);
    let lines: Vec<String> = compiled
        .problems
        .iter()
        .map(|p| format!("{:?} {}\n", p.path, p.code))
        .collect();
    expect![[r#"
        [Key("fake")] PB0413
        [Key("header")] PB0413
        [Key("hidden")] PB0413
        [Key("nested"), Index(0)] PB0413
    "#]]
    .assert_eq(&folded(&lines.concat()));
    assert_eq!(
        compiled.template.secrets(),
        [
            (vec![Segment::Key("also".to_owned())], "other"),
            (vec![Segment::Key("token".to_owned())], "api_key"),
        ]
    );
    let secret = Template::compile(&json!("${{ secrets.api_key }}"), Some(Language::Kql)).template;
    assert_eq!(secret.as_secret(), Some("api_key"));
    assert_eq!(
        secret.render(&context()).ok(),
        Some(json!({"$secret": "api_key"}))
    );
}

#[test]
fn expressions_know_their_place_in_the_text() {
    let value = json!({"a": ["x", "é ${{  alert.id }} ${{ inputs.days }}"]});
    let template = Template::compile(&value, None).template;
    let text = value["a"][1].as_str().expect("it is text");
    for (path, expr) in template.expressions() {
        assert_eq!(path, [Segment::Key("a".to_owned()), Segment::Index(1)]);
        assert!(text[expr.offset()..].starts_with(expr.source()), "{expr}");
    }
    assert_eq!(template.expressions().len(), 2);
}

#[test]
fn templates_are_checked_with_spans_in_their_text() {
    let env = Env {
        names: [(
            "alert".to_owned(),
            Type::closed([
                ("id", Type::Text),
                ("tags", Type::list_of(Type::Text)),
                ("note", Type::Text.or_null()),
            ]),
        )]
        .into(),
        ..Env::default()
    };
    let checked = |text: &str, language| {
        let template = Template::compile(&json!(text), language).template;
        let (ty, problems) = check_template(&template, &env);
        let problems: Vec<String> = problems.iter().map(|p| problem_line(text, p)).collect();
        format!("{text}  :  {ty}\n{}", problems.concat())
    };
    let kql = Some(Language::Kql);
    let lines = [
        checked("${{ alert.tags }}", None),
        checked("tags: ${{ alert.tags }}", None),
        checked("tags: ${{ alert.tags }}", kql),
        checked("note: ${{ alert.note }}", None),
        checked("${{ alert.note }}", kql),
        checked("é ${{ alert.idd }}", None),
        checked("x ${{ none }}", None),
    ];
    expect![[r#"
        ${{ alert.tags }}  :  list of text
        tags: ${{ alert.tags }}  :  text
            PB0411 `alert.tags`: list of text cannot stand inside text; use `| join(', ')`
                  or `| json`
        tags: ${{ alert.tags }}  :  text
        note: ${{ alert.note }}  :  text
        ${{ alert.note }}  :  text or null
        é ${{ alert.idd }}  :  text
            PB0401 `idd`: field `idd` does not exist; a field with a similar name exists:
                  `id`
        x ${{ none }}  :  text
            PB0411 `none`: null cannot stand inside text; use `| default('…')`
    "#]]
    .assert_eq(&folded(&lines.concat()));
}
