//! What expressions yield: one line in, one line out.

mod expr_print;

use engine_playbook::expr::{Expr, filter_reference};
use expect_test::{Expect, expect};
use expr_print::folded;
use serde_json::{Map, Value, json};

fn context() -> Map<String, Value> {
    let context = json!({
        "alert": {
            "id": "a1", "severity": "high", "title": "Mimikatz on \"WS-1\"", "score": 71.5,
            "device": {"name": "ws-1.corp.example", "tags": ["finance", "vip"]},
            "user": null, "count": 3, "flag": true,
            "rows": [
                {"DeviceId": "d2", "Hits": 2, "os": "w"},
                {"DeviceId": "d3", "Hits": 1, "os": "l"},
                {"DeviceId": "d4", "Hits": 2, "os": "w"},
            ],
            "huge": 18_446_744_073_709_551_615_u64,
        },
        "steps": {
            "machine": {"status": "succeeded", "output": {"role": "server", "tags": []}},
            "hunt": {"status": "skipped"},
        },
        "inputs": {"days": 7},
    });
    match context {
        Value::Object(context) => context,
        _ => Map::new(),
    }
}

fn outcome(source: &str) -> String {
    match Expr::parse(source) {
        Ok(expr) => match expr.eval(&context()) {
            Ok(value) => value.to_string(),
            Err(error) => format!("error: {error}"),
        },
        Err(error) => {
            let help = error
                .help
                .map(|help| format!("; {help}"))
                .unwrap_or_default();
            format!(
                "{} {}..{}: {}{help}",
                error.code, error.span.start, error.span.end, error.message
            )
        }
    }
}

/// Evaluates every line.
fn check(sources: &[&str], expected: Expect) {
    let lines: Vec<String> = sources
        .iter()
        .map(|source| format!("{source}  =>  {}\n", outcome(source)))
        .collect();
    expected.assert_eq(&folded(&lines.concat()));
}

#[test]
fn paths_read_fields_and_elements() {
    check(
        &[
            "alert.device.name",
            "alert['severity']",
            "alert.device.tags[0]",
            "alert.device.tags[-1]",
            "alert.rows[1].DeviceId",
            "alert.rows | first",
            "(alert.rows | last).Hits",
            "alert.huge",
            "${{ inputs.days }}",
        ],
        expect![[r#"
            alert.device.name  =>  "ws-1.corp.example"
            alert['severity']  =>  "high"
            alert.device.tags[0]  =>  "finance"
            alert.device.tags[-1]  =>  "vip"
            alert.rows[1].DeviceId  =>  "d3"
            alert.rows | first  =>  {"DeviceId":"d2","Hits":2,"os":"w"}
            (alert.rows | last).Hits  =>  2
            alert.huge  =>  18446744073709551615
            ${{ inputs.days }}  =>  7
        "#]],
    );
}

#[test]
fn what_is_missing_is_an_error_with_a_suggestion() {
    check(
        &[
            "alert.severty",
            "alret.id",
            "alert.device.tags[2]",
            "alert.user.name",
            "alert.title.length",
            "alert.title[0]",
            "steps.hunt.output.rows",
            "nothing",
        ],
        expect![[r#"
            alert.severty  =>  error: field `severty` does not exist, a field with a similar
                  name exists: `severity` (at `alert.severty`)
            alret.id  =>  error: `alret` is not known here, a similar name exists: `alert` (at
                  `alret`)
            alert.device.tags[2]  =>  error: the list has 2 element(s), none at index 2 (at
                  `alert.device.tags[2]`)
            alert.user.name  =>  error: null has no field `name`, accept it with `| default(…)`
                  or test `is defined` (at `alert.user.name`)
            alert.title.length  =>  error: text has no field `length` (at `alert.title.length`)
            alert.title[0]  =>  error: a text has no elements, use `| slice(start, end)` (at
                  `alert.title[0]`)
            steps.hunt.output.rows  =>  error: field `output` does not exist (at
                  `steps.hunt.output`)
            nothing  =>  error: `nothing` is not known here (at `nothing`)
        "#]],
    );
}

#[test]
fn only_default_and_is_defined_accept_what_is_missing() {
    check(
        &[
            "alert.nothing | default('none')",
            "alert.user | default('nobody')",
            "alert.user.name | default('nobody')",
            "steps.hunt.output.rows | default([])",
            "webhook.body.id | default(1)",
            "alert.count | default(0)",
            "alert.flag | default(false)",
            "[] | first | default('empty')",
            "'abc' | extract('(x)') | default('no x')",
            "alert.raw['a'].b[0].c | default(0)",
            "(alert.user if alert.flag else alert.id) | default('x')",
            "alert.user is defined",
            "alert.user is not defined",
            "alert.id is defined",
            "steps.hunt.output is defined",
            "alert.nothing.more is none",
            "alert.nothing | lower | default('x')",
            "alert.title.field | default('x')",
            "alert.id | default(alert.nothing)",
        ],
        expect![[r#"
            alert.nothing | default('none')  =>  "none"
            alert.user | default('nobody')  =>  "nobody"
            alert.user.name | default('nobody')  =>  "nobody"
            steps.hunt.output.rows | default([])  =>  []
            webhook.body.id | default(1)  =>  1
            alert.count | default(0)  =>  3
            alert.flag | default(false)  =>  true
            [] | first | default('empty')  =>  "empty"
            'abc' | extract('(x)') | default('no x')  =>  "no x"
            alert.raw['a'].b[0].c | default(0)  =>  0
            (alert.user if alert.flag else alert.id) | default('x')  =>  "x"
            alert.user is defined  =>  false
            alert.user is not defined  =>  true
            alert.id is defined  =>  true
            steps.hunt.output is defined  =>  false
            alert.nothing.more is none  =>  error: field `nothing` does not exist (at
                  `alert.nothing`)
            alert.nothing | lower | default('x')  =>  error: field `nothing` does not exist (at
                  `alert.nothing`)
            alert.title.field | default('x')  =>  error: text has no field `field` (at
                  `alert.title.field`)
            alert.id | default(alert.nothing)  =>  "a1"
        "#]],
    );
}

#[test]
fn conditions_are_booleans_and_stop_early() {
    check(
        &[
            "true and not false",
            "false and alert.nothing",
            "true or alert.nothing",
            "alert.count and true",
            "not 'x'",
            "1 if alert.title else 2",
            "1 if alert.flag else alert.nothing",
            "'x' if false",
            "1 if false else 2 if false else 3",
            "not alert.id in ['a1']",
            "not not true",
        ],
        expect![[r#"
            true and not false  =>  true
            false and alert.nothing  =>  false
            true or alert.nothing  =>  true
            alert.count and true  =>  error: a condition must be a boolean, found integer (at
                  `alert.count`)
            not 'x'  =>  error: a condition must be a boolean, found text (at `'x'`)
            1 if alert.title else 2  =>  error: a condition must be a boolean, found text (at
                  `alert.title`)
            1 if alert.flag else alert.nothing  =>  1
            'x' if false  =>  null
            1 if false else 2 if false else 3  =>  3
            not alert.id in ['a1']  =>  false
            not not true  =>  true
        "#]],
    );
}

#[test]
fn comparison_converts_nothing() {
    check(
        &[
            "'5' == 5",
            "5 == 5.0",
            "true == 1",
            "none == false",
            "'a' < 'b'",
            "'a' < 1",
            "1 < 1.5",
            "none < 1",
            "[1, 2.0] == [1.0, 2]",
            "[1] < [2]",
            "{'a': [1]} == {'a': [1.0]}",
            "{'a': 1} == {'a': 1, 'b': 2}",
            "18446744073709551615 == 1",
            "alert.huge > 9223372036854775807",
            "9007199254740993 == 9007199254740992.0",
            "alert.severity > 3",
            "1 < 2 < 3",
            "1 == 1 == true",
        ],
        expect![[r#"
            '5' == 5  =>  false
            5 == 5.0  =>  true
            true == 1  =>  false
            none == false  =>  false
            'a' < 'b'  =>  true
            'a' < 1  =>  error: `<` compares two numbers or two texts, found text and integer
                  (at `'a' < 1`)
            1 < 1.5  =>  true
            none < 1  =>  error: `<` compares two numbers or two texts, found null and integer
                  (at `none < 1`)
            [1, 2.0] == [1.0, 2]  =>  true
            [1] < [2]  =>  error: `<` compares two numbers or two texts, found list and list (at
                  `[1] < [2]`)
            {'a': [1]} == {'a': [1.0]}  =>  true
            {'a': 1} == {'a': 1, 'b': 2}  =>  false
            18446744073709551615 == 1  =>  PB0404 0..20: `18446744073709551615` is too large
            alert.huge > 9223372036854775807  =>  true
            9007199254740993 == 9007199254740992.0  =>  false
            alert.severity > 3  =>  error: `>` compares two numbers or two texts, found text and
                  integer (at `alert.severity > 3`)
            1 < 2 < 3  =>  PB0404 6..7: comparisons cannot be chained; write `a < b and b < c`,
                  or put parentheses around one of them
            1 == 1 == true  =>  PB0404 7..9: comparisons cannot be chained; write `a < b and b <
                  c`, or put parentheses around one of them
        "#]],
    );
}

#[test]
fn membership_looks_into_lists_texts_and_maps() {
    check(
        &[
            "'vip' in alert.device.tags",
            "'lab' not in alert.device.tags",
            "'5' in [5]",
            "'Mimi' in alert.title",
            "'id' in alert",
            "5 in 'x5'",
            "1 in 2",
            "none in [none]",
        ],
        expect![[r#"
            'vip' in alert.device.tags  =>  true
            'lab' not in alert.device.tags  =>  true
            '5' in [5]  =>  false
            'Mimi' in alert.title  =>  true
            'id' in alert  =>  true
            5 in 'x5'  =>  error: `in` looks for anything in a list, for text in text or in a
                  map, found integer in text (at `5 in 'x5'`)
            1 in 2  =>  error: `in` looks for anything in a list, for text in text or in a map,
                  found integer in integer (at `1 in 2`)
            none in [none]  =>  true
        "#]],
    );
}

#[test]
fn arithmetic_is_checked() {
    check(
        &[
            "1 + 2 * 3",
            "(1 + 2) * 3",
            "7 / 2",
            "8 / 2",
            "7 // 2",
            "-7 // 2",
            "-7 % 3",
            "7 % -3",
            "7.5 // 2",
            "-7.5 % 2",
            "1 / 0",
            "1 % 0",
            "1.0 // 0.0",
        ],
        expect![[r#"
            1 + 2 * 3  =>  7
            (1 + 2) * 3  =>  9
            7 / 2  =>  3.5
            8 / 2  =>  4.0
            7 // 2  =>  3
            -7 // 2  =>  -4
            -7 % 3  =>  2
            7 % -3  =>  -2
            7.5 // 2  =>  3.0
            -7.5 % 2  =>  0.5
            1 / 0  =>  error: division by zero (at `1 / 0`)
            1 % 0  =>  error: division by zero (at `1 % 0`)
            1.0 // 0.0  =>  error: division by zero (at `1.0 // 0.0`)
        "#]],
    );
}

#[test]
fn arithmetic_beyond_the_range_is_an_error() {
    check(
        &[
            "9223372036854775807 + 1",
            "-9223372036854775807 - 2",
            "9223372036854775807 * 9223372036854775807",
            "1e308 * 10",
            "alert.huge - 1",
            "'a' + 'b'",
            "'a' + 1",
            "[1] + [2]",
            "'x' * 3",
            "-alert.count",
            "-'x'",
            "--1",
            "1 - -1",
            "inputs.days-1",
        ],
        expect![[r#"
            9223372036854775807 + 1  =>  error: the result does not fit a 64-bit integer (at
                  `9223372036854775807 + 1`)
            -9223372036854775807 - 2  =>  error: the result does not fit a 64-bit integer (at
                  `-9223372036854775807 - 2`)
            9223372036854775807 * 9223372036854775807  =>  error: the result does not fit a
                  64-bit integer (at `9223372036854775807 * 9223372036854775807`)
            1e308 * 10  =>  error: the result is no finite number (at `1e308 * 10`)
            alert.huge - 1  =>  error: the result does not fit a 64-bit integer (at `alert.huge
                  - 1`)
            'a' + 'b'  =>  "ab"
            'a' + 1  =>  error: `+` takes two numbers, two texts or two lists, found text and
                  integer; turn the number to text with `| string` (at `'a' + 1`)
            [1] + [2]  =>  [1,2]
            'x' * 3  =>  error: `*` takes two numbers, found text and integer (at `'x' * 3`)
            -alert.count  =>  -3
            -'x'  =>  error: `-` takes a number, found text (at `-'x'`)
            --1  =>  1
            1 - -1  =>  2
            inputs.days-1  =>  6
        "#]],
    );
}

#[test]
fn tests_name_kinds() {
    check(
        &[
            "'x' is string",
            "1 is number",
            "1.5 is number",
            "[] is list",
            "{} is map",
            "none is none",
            "alert.user is none",
            "1 is not string",
            "1 is sting",
        ],
        expect![[r#"
            'x' is string  =>  true
            1 is number  =>  true
            1.5 is number  =>  true
            [] is list  =>  true
            {} is map  =>  true
            none is none  =>  true
            alert.user is none  =>  true
            1 is not string  =>  true
            1 is sting  =>  PB0404 5..10: `sting` is no test; a similar test exists: `string`
        "#]],
    );
}

#[test]
fn loops_go_over_lists_that_are_there() {
    check(
        &[
            "[r.DeviceId for r in alert.rows]",
            "[r.DeviceId for r in alert.rows if r.Hits > 1]",
            "[{'id': r.DeviceId, 'n': r.Hits * 2} for r in alert.rows if r.os == 'l']",
            "any(r.Hits > 1 for r in alert.rows)",
            "all(r.Hits > 1 for r in alert.rows)",
            "count(r.Hits > 1 for r in alert.rows)",
            "any(r for r in [])",
            "all(r for r in [])",
            "[[x * y for y in [1, 2]] for x in [1, 2]]",
            "[x for x in alert.rows if x.Hits > 1][0].DeviceId",
            "[x for x in alert.device]",
            "any(r.Hits for r in alert.rows)",
            "[steps for steps in [1]]",
            "[x for if in [1]]",
            "sum(x for x in [1])",
        ],
        expect![[r#"
            [r.DeviceId for r in alert.rows]  =>  ["d2","d3","d4"]
            [r.DeviceId for r in alert.rows if r.Hits > 1]  =>  ["d2","d4"]
            [{'id': r.DeviceId, 'n': r.Hits * 2} for r in alert.rows if r.os == 'l']  => 
                  [{"id":"d3","n":2}]
            any(r.Hits > 1 for r in alert.rows)  =>  true
            all(r.Hits > 1 for r in alert.rows)  =>  false
            count(r.Hits > 1 for r in alert.rows)  =>  2
            any(r for r in [])  =>  false
            all(r for r in [])  =>  true
            [[x * y for y in [1, 2]] for x in [1, 2]]  =>  [[1,2],[2,4]]
            [x for x in alert.rows if x.Hits > 1][0].DeviceId  =>  "d2"
            [x for x in alert.device]  =>  error: a loop goes over a list, found map (at
                  `alert.device`)
            any(r.Hits for r in alert.rows)  =>  error: a condition must be a boolean, found
                  integer (at `r.Hits`)
            [steps for steps in [1]]  =>  PB0404 11..16: the loop name hides `steps`; choose
                  another name
            [x for if in [1]]  =>  PB0404 7..9: expected a name after `for`, found `if`
            sum(x for x in [1])  =>  PB0404 0..3: `sum` is no function; filters follow their
                  value: `x | sum`
        "#]],
    );
}

#[test]
fn filters_refuse_what_they_do_not_take() {
    check(
        &[
            "5 | lower",
            "alert.user | lower",
            "'x' | loewr",
            "'x' | join(', ')",
            "['a', none] | join",
            "'a' | replace('', 'x')",
            "'a' | replace('x')",
            "[1, 'a'] | sort",
            "[{'a': 1}] | sort",
            "[{'a': 1}] | sort('b')",
            "[1, none] | sum",
            "[] | max",
        ],
        expect![[r#"
            5 | lower  =>  error: `lower` takes text, found integer (at `5 | lower`)
            alert.user | lower  =>  error: `lower` takes text, found null (at `alert.user |
                  lower`)
            'x' | loewr  =>  PB0404 6..11: `loewr` is no filter; a filter with a similar name
                  exists: `lower`
            'x' | join(', ')  =>  error: `join` takes list, found text (at `'x' | join(', ')`)
            ['a', none] | join  =>  error: `join` joins texts and numbers, found null (at `['a',
                  none] | join`)
            'a' | replace('', 'x')  =>  error: `replace` needs a text to replace, found an empty
                  one (at `'a' | replace('', 'x')`)
            'a' | replace('x')  =>  PB0404 6..13: `replace` does not take 1 argument(s); write
                  `x | replace(old, new)`
            [1, 'a'] | sort  =>  error: `sort` orders numbers or texts, found integer and text
                  (at `[1, 'a'] | sort`)
            [{'a': 1}] | sort  =>  error: `sort` cannot order map (at `[{'a': 1}] | sort`)
            [{'a': 1}] | sort('b')  =>  error: an element has no field `b` (at `[{'a': 1}] |
                  sort('b')`)
            [1, none] | sum  =>  error: `sum` adds numbers, found null (at `[1, none] | sum`)
            [] | max  =>  error: the list is empty, it has no `max` (at `[] | max`)
        "#]],
    );
}

#[test]
fn filters_refuse_what_they_cannot_read() {
    check(
        &[
            "'x' | int",
            "'nan' | float",
            "'yes' | bool",
            "'{' | parse_json",
            "'%%%' | base64_decode",
            "'999.1.1.1' | in_cidr('10.0.0.0/8')",
            "'10.0.0.1' | in_cidr('10.0.0.0/64')",
            "'..' | path_segment",
            "'2026-10-24' | add('1d')",
            "'2026-10-24T12:00:00Z' | add('1y')",
            "'2026-10-24T12:00:00Z' | format_time('%Q')",
            "'x' | matches('(')",
            "'x' | matches('(' + '')",
            "[1] | batch(0)",
            "'x' | raw | lower",
            "secrets.token",
        ],
        expect![[r#"
            'x' | int  =>  error: `int` cannot read the text as an integer (at `'x' | int`)
            'nan' | float  =>  error: `float` cannot read the text as a number (at `'nan' |
                  float`)
            'yes' | bool  =>  error: `bool` reads only `true` and `false` (at `'yes' | bool`)
            '{' | parse_json  =>  error: `parse_json` cannot read the text: EOF while parsing an
                  object at line 1 column 1 (at `'{' | parse_json`)
            '%%%' | base64_decode  =>  error: `base64_decode` found no Base64 (at `'%%%' |
                  base64_decode`)
            '999.1.1.1' | in_cidr('10.0.0.0/8')  =>  error: the text is no IP address (at
                  `'999.1.1.1' | in_cidr('10.0.0.0/8')`)
            '10.0.0.1' | in_cidr('10.0.0.0/64')  =>  error: `10.0.0.0/64` is no network such as
                  `10.0.0.0/8` (at `'10.0.0.1' | in_cidr('10.0.0.0/64')`)
            '..' | path_segment  =>  error: `..` is no segment of a path (at `'..' |
                  path_segment`)
            '2026-10-24' | add('1d')  =>  error: the text is no RFC 3339 time such as
                  `2026-10-24T12:00:00Z` (at `'2026-10-24' | add('1d')`)
            '2026-10-24T12:00:00Z' | add('1y')  =>  error: expected a duration such as `30s`,
                  `5m` or `1h30m`, found `1y` (at `'2026-10-24T12:00:00Z' | add('1y')`)
            '2026-10-24T12:00:00Z' | format_time('%Q')  =>  error: `%Q` is no `strftime` pattern
                  (at `'2026-10-24T12:00:00Z' | format_time('%Q')`)
            'x' | matches('(')  =>  PB0404 14..17: the pattern cannot be used: unclosed group
            'x' | matches('(' + '')  =>  error: the pattern cannot be used: unclosed group (at
                  `'x' | matches('(' + '')`)
            [1] | batch(0)  =>  error: `batch` needs a size of at least 1 (at `[1] | batch(0)`)
            'x' | raw | lower  =>  PB0404 6..9: `raw` stands only at the end of an expression;
                  move `| raw` to the end, around the whole: `(…) | raw`
            secrets.token  =>  error: `secrets` is not known here (at `secrets`)
        "#]],
    );
}

#[test]
fn filters_do_what_their_names_say() {
    check(
        &[
            "'ÄÖ' | lower",
            "'aXbX' | replace('X', '')",
            "' a  b ' | split",
            "'äöü' | length",
            "'äöü' | slice(1)",
            "'äöü' | slice(-2, -1)",
            "[1, 2, 3] | slice(1)",
            "'äöü' | truncate(2)",
            "'ab' | truncate(2)",
            "[1, 1.0, '1', true] | unique",
            "[2, 1.5, 3] | sort",
            "['b', 'a'] | sort | reverse",
            "alert.rows | group_by('os') | length",
            "alert.rows | sort('Hits') | first",
            "[r.Hits for r in alert.rows] | sum",
            "[0.5, 1] | sum",
            "[[1], 2, []] | flatten",
        ],
        expect![[r#"
            'ÄÖ' | lower  =>  "äö"
            'aXbX' | replace('X', '')  =>  "ab"
            ' a  b ' | split  =>  ["a","b"]
            'äöü' | length  =>  3
            'äöü' | slice(1)  =>  "öü"
            'äöü' | slice(-2, -1)  =>  "ö"
            [1, 2, 3] | slice(1)  =>  [2,3]
            'äöü' | truncate(2)  =>  "ä…"
            'ab' | truncate(2)  =>  "ab"
            [1, 1.0, '1', true] | unique  =>  [1,"1",true]
            [2, 1.5, 3] | sort  =>  [1.5,2,3]
            ['b', 'a'] | sort | reverse  =>  ["b","a"]
            alert.rows | group_by('os') | length  =>  2
            alert.rows | sort('Hits') | first  =>  {"DeviceId":"d3","Hits":1,"os":"l"}
            [r.Hits for r in alert.rows] | sum  =>  5
            [0.5, 1] | sum  =>  1.5
            [[1], 2, []] | flatten  =>  [1,2]
        "#]],
    );
}

#[test]
fn filters_convert_and_encode() {
    check(
        &[
            "3.9 | int",
            "-3.9 | int",
            "true | int",
            "alert.score | string",
            "1e3 | string",
            "alert | get('device.tags.1')",
            "alert | get('device.nope') | default('x')",
            "'a+/b ~' | url_encode",
            "'YQ' | base64_decode",
            "'2026-10-24T14:00:00+02:00' | parse_time",
            "'2026-10-24T12:00:00Z' | add('1h30m')",
            "'::ffff:10.0.0.1' | in_cidr(['192.168.0.0/16', '10.0.0.0/8'])",
            "'8.8.8.8' | is_private_ip",
            "'user@Corp.Example' | domain_of",
            "'https://good.example\\\\@evil.example/' | domain_of",
            "'https://[2001:db8::1]:443/' | domain_of",
            "alert.rows | to_markdown_table(['DeviceId', 'Hits'])",
            r#"'a|b' | markdown"#,
            "'see https://evil.example' | markdown",
        ],
        expect![[r#"
            3.9 | int  =>  3
            -3.9 | int  =>  -3
            true | int  =>  1
            alert.score | string  =>  "71.5"
            1e3 | string  =>  "1000.0"
            alert | get('device.tags.1')  =>  "vip"
            alert | get('device.nope') | default('x')  =>  "x"
            'a+/b ~' | url_encode  =>  "a%2B%2Fb%20~"
            'YQ' | base64_decode  =>  "a"
            '2026-10-24T14:00:00+02:00' | parse_time  =>  "2026-10-24T12:00:00.000Z"
            '2026-10-24T12:00:00Z' | add('1h30m')  =>  "2026-10-24T13:30:00.000Z"
            '::ffff:10.0.0.1' | in_cidr(['192.168.0.0/16', '10.0.0.0/8'])  =>  true
            '8.8.8.8' | is_private_ip  =>  false
            'user@Corp.Example' | domain_of  =>  "corp.example"
            'https://good.example\\@evil.example/' | domain_of  =>  "good.example"
            'https://[2001:db8::1]:443/' | domain_of  =>  "2001:db8::1"
            alert.rows | to_markdown_table(['DeviceId', 'Hits'])  =>  "| DeviceId | Hits
                  |\n|---|---|\n| d2 | 2 |\n| d3 | 1 |\n| d4 | 2 |\n"
            'a|b' | markdown  =>  "a\\|b"
            'see https://evil.example' | markdown  =>  "see https\\://evil.example"
        "#]],
    );
}

#[test]
fn a_text_that_is_no_expression_says_where_and_why() {
    check(
        &[
            "",
            "a ==",
            "a = 1",
            "a && b",
            "!a",
            "a AND b",
            "'abc",
            "[1, 2",
            "{a: 1}",
            "{'a': 1, 'a': 2}",
            "a.0",
            "a.",
            "x | ",
        ],
        expect![[r#"
              =>  PB0404 0..0: the expression is empty
            a ==  =>  PB0404 4..4: expected a value, the expression ends
            a = 1  =>  PB0404 2..3: unexpected `=`; write `==` to compare
            a && b  =>  PB0404 2..3: unexpected `&`; write `and`
            !a  =>  PB0404 0..1: unexpected `!`; write `not`
            a AND b  =>  PB0404 2..5: expected the end of the expression, found `AND`; write
                  operators in lower case
            'abc  =>  PB0404 0..4: the text does not end; close the quote
            [1, 2  =>  PB0404 5..5: expected `,` or `]`, the expression ends; the list begins at
                  character 1
            {a: 1}  =>  PB0404 1..2: the key is a bare name; keys are expressions: write `'a':
                  …`
            {'a': 1, 'a': 2}  =>  PB0404 9..12: the key is written twice
            a.0  =>  PB0404 2..3: expected a field name after `.`, found `0`; write `['a-name']`
                  or `[0]` for other keys
            a.  =>  PB0404 2..2: expected a field name after `.`, the expression ends; write
                  `['a-name']` or `[0]` for other keys
            x |   =>  PB0404 3..3: expected a filter name after `|`, the expression ends
        "#]],
    );
}

#[test]
fn a_habit_from_another_language_is_explained() {
    check(
        &[
            "30d",
            "True",
            "null",
            "lower(x)",
            "any(x)",
            "99999999999999999999",
            "'\\u00zz'",
            "a b",
            "a if",
            "${{ ${{ a }} }}",
            "‘a’",
        ],
        expect![[r#"
            30d  =>  PB0404 0..3: `30d` is no number; a duration such as `30d` is a text: write
                  `'30d'`
            True  =>  PB0404 0..4: `True` is not a value here; write `true`
            null  =>  PB0404 0..4: `null` is not a value here; write `none`
            lower(x)  =>  PB0404 0..5: `lower` is no function; filters follow their value: `x |
                  lower`
            any(x)  =>  PB0404 5..6: expected `for`, found `)`; write `any(x.field == 1 for x in
                  list)`
            99999999999999999999  =>  PB0404 0..20: `99999999999999999999` is too large
            '\u00zz'  =>  PB0404 1..3: `\u` needs the four hex digits of a character
            a b  =>  PB0404 2..3: expected the end of the expression, found `b`
            a if  =>  PB0404 4..4: expected a value, the expression ends
            ${{ ${{ a }} }}  =>  PB0404 4..5: unexpected `$`; `${{ }}` stands around the whole
                  expression, not inside it
            ‘a’  =>  PB0404 0..3: unexpected `‘`; write straight quotes: `'` or `"`
        "#]],
    );
}

#[test]
fn escapes_in_texts_suit_patterns() {
    check(
        &[
            r"'\d+\.\b'",
            r"'a\n\t\\\''",
            r#""it's""#,
            r"'\u00e4\u0041'",
            r"'A12' | matches('^[A-Z]\d+$')",
        ],
        expect![[r#"
            '\d+\.\b'  =>  "\\d+\\.\\b"
            'a\n\t\\\''  =>  "a\n\t\\'"
            "it's"  =>  "it's"
            '\u00e4\u0041'  =>  "äA"
            'A12' | matches('^[A-Z]\d+$')  =>  true
        "#]],
    );
}

#[test]
fn the_reference_names_every_filter_once() {
    let reference = filter_reference();
    for name in [
        "lower",
        "group_by",
        "parse_json",
        "in_cidr",
        "to_markdown_table",
        "raw",
    ] {
        assert_eq!(
            reference.matches(&format!("| `x \\| {name}")).count(),
            1,
            "{name}"
        );
    }
}
