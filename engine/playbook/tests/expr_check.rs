//! What the static check finds: one expression in, its type and problems out.

mod expr_print;

use engine_playbook::expr::{Availability, Env, Expr, StepView, Type, check, check_bool};
use expect_test::{Expect, expect};
use expr_print::folded;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn env() -> Env {
    let alert = Type::from_schema(&json!({
        "type": "object", "additionalProperties": false,
        "required": ["id", "severity", "title"],
        "properties": {
            "id": {"type": "string"},
            "severity": {"enum": ["low", "medium", "high", "critical"]},
            "title": {"type": "string"},
            "created_at": {"type": "string", "format": "date-time"},
            "score": {"type": ["number", "null"]},
            "device": {"anyOf": [{"type": "null"}, {
                "type": "object", "additionalProperties": false,
                "properties": {
                    "name": {"type": "string"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                },
            }]},
            "raw": {},
        },
    }));
    let rows = Type::list_of(Type::map_of(Type::Any));
    let hunt = Type::closed([("rows", rows), ("count", Type::Int)]);
    let machine = Type::closed([("role", Type::Text), ("tags", Type::list_of(Type::Text))]);
    let step = |availability, output: &Type| StepView::new(availability, output.clone());
    Env {
        names: [
            ("alert".to_owned(), alert),
            (
                "inputs".to_owned(),
                Type::closed([("hunt_days", Type::Int), ("name", Type::Text)]),
            ),
        ]
        .into(),
        steps: [
            ("machine".to_owned(), step(Availability::Finished, &machine)),
            ("hunt".to_owned(), step(Availability::MaySkip, &hunt)),
            ("ask".to_owned(), step(Availability::MaySkip, &hunt)),
            ("later".to_owned(), step(Availability::NotYet, &hunt)),
            ("inner".to_owned(), step(Availability::OutOfScope, &hunt)),
        ]
        .into(),
        ..Env::default()
    }
}

fn report(source: &str, env: &Env) -> String {
    let expr = Expr::parse(source).expect("the expression reads");
    let (ty, problems) = check(&expr, env);
    let mut out = format!("{source}  :  {ty}\n");
    for problem in problems {
        let span = &source[problem.span.start..problem.span.end];
        let help = problem
            .help
            .map(|help| format!("; {help}"))
            .unwrap_or_default();
        out += &format!("    {} `{span}`: {}{help}\n", problem.code, problem.message);
    }
    out
}

fn check_all(sources: &[&str], expected: Expect) {
    let env = env();
    let lines: Vec<String> = sources.iter().map(|source| report(source, &env)).collect();
    expected.assert_eq(&folded(&lines.concat()));
}

#[test]
fn names_and_fields_are_known_or_suggested() {
    check_all(
        &[
            "alert.title",
            "alret.title",
            "hunt.output",
            "hunt_days + 1",
            "webhook.body",
            "secrets.token",
            "alert.severty",
            "alert['titel']",
            "alert.raw.anything.at[0].all",
            "alert.device.nam",
            "alert.device.tags[0]",
            "alert.device.tags.first",
            "alert.title.length",
            "alert.title[0]",
            "inputs.days",
            "[x.DeviceId for x in alert.raw.rows]",
            "[y for x in [1]]",
        ],
        expect![[r#"
            alert.title  :  text
            alret.title  :  any value
                PB0305 `alret`: `alret` is not known here; a similar name exists: `alert`
            hunt.output  :  any value
                PB0305 `hunt`: `hunt` is not known here; a step has this id: write `steps.hunt`
            hunt_days + 1  :  number
                PB0305 `hunt_days`: `hunt_days` is not known here; write `inputs.hunt_days`
            webhook.body  :  any value
                PB0305 `webhook`: `webhook` is not available here
            secrets.token  :  any value
                PB0413 `secrets`: a secret cannot be used in an expression; write `${{
                      secrets.name }}` as the whole value of a parameter
            alert.severty  :  any value
                PB0401 `severty`: field `severty` does not exist; a field with a similar name
                      exists: `severity`
            alert['titel']  :  any value
                PB0401 `'titel'`: field `titel` does not exist; a field with a similar name
                      exists: `title`
            alert.raw.anything.at[0].all  :  any value
            alert.device.nam  :  any value
                PB0401 `nam`: field `nam` does not exist; a field with a similar name exists:
                      `name`
            alert.device.tags[0]  :  text
            alert.device.tags.first  :  any value
                PB0402 `first`: list of text has no field `first`; choose an element first:
                      `[0]` or `| first`
            alert.title.length  :  any value
                PB0402 `length`: text has no field `length`
            alert.title[0]  :  any value
                PB0402 `alert.title[0]`: a list is indexed by an integer and a map by text, this
                      is text and integer
            inputs.days  :  any value
                PB0401 `days`: field `days` does not exist; fields are hunt_days, name
            [x.DeviceId for x in alert.raw.rows]  :  list
            [y for x in [1]]  :  list
                PB0305 `y`: `y` is not known here; a text stands in quotes: `'y'`
        "#]],
    );
}

#[test]
fn steps_are_used_only_where_they_surely_ran() {
    check_all(
        &[
            "steps.machine.output.role",
            "steps.machine.output.roles",
            "steps.machin.output",
            "steps.later.output.count",
            "steps.later.status",
            "steps.inner.output.count",
            "steps.hunt.output.count",
            "steps['hunt'].output.count",
            "steps.hunt.status",
            "steps.hunt.output.rows | default([]) | length",
            "steps.hunt.output.count is defined",
            "steps.hunt.output.rwos | default([])",
            "steps.later.output.rows | default([])",
            "steps | length",
        ],
        expect![[r#"
            steps.machine.output.role  :  text
            steps.machine.output.roles  :  any value
                PB0401 `roles`: field `roles` does not exist; a field with a similar name
                      exists: `role`
            steps.machin.output  :  any value
                PB0301 `machin`: no step has the id `machin`; a step with a similar name exists:
                      `machine`
            steps.later.output.count  :  integer
                PB0302 `later`: step `later` has not run by then; steps run in the order
                      written: use it in a later step; in its own `on_error` write `error`
            steps.later.status  :  text
                PB0302 `later`: step `later` has not run by then; steps run in the order
                      written: use it in a later step; in its own `on_error` write `error`
            steps.inner.output.count  :  integer
                PB0304 `inner`: step `inner` cannot be seen from here; it runs inside another
                      step: use the output of that one
            steps.hunt.output.count  :  integer
                PB0303 `hunt`: step `hunt` may have been skipped; add `| default(…)` right after
                      the field, or test `steps.hunt.status == 'succeeded'` first
            steps['hunt'].output.count  :  integer
                PB0303 `'hunt'`: step `hunt` may have been skipped; add `| default(…)` right
                      after the field, or test `steps.hunt.status == 'succeeded'` first
            steps.hunt.status  :  text
            steps.hunt.output.rows | default([]) | length  :  integer
            steps.hunt.output.count is defined  :  boolean
            steps.hunt.output.rwos | default([])  :  any value
                PB0401 `rwos`: field `rwos` does not exist; a field with a similar name exists:
                      `rows`
            steps.later.output.rows | default([])  :  list
                PB0302 `later`: step `later` has not run by then; steps run in the order
                      written: use it in a later step; in its own `on_error` write `error`
            steps | length  :  integer
        "#]],
    );
}

#[test]
fn a_test_of_the_status_counts_where_it_holds() {
    check_all(
        &[
            "steps.hunt.status == 'succeeded' and steps.hunt.output.count > 0",
            "'succeeded' == steps.hunt.status and steps.hunt.output.count > 0",
            "steps.hunt.status != 'skipped' and steps.hunt.output.count > 0",
            "steps.hunt.status in ['succeeded', 'simulated'] and steps.hunt.output.count > 0",
            "steps.hunt.status not in ['skipped'] and steps.hunt.output.count > 0",
            "steps.hunt.output is defined and steps.hunt.output.count > 0",
            "steps.hunt.output.count if steps.hunt.status == 'succeeded' else 0",
            "0 if steps.hunt.status == 'skipped' else steps.hunt.output.count",
            "steps.hunt.status == 'skipped' or steps.hunt.output.count > 0",
            "not (steps.hunt.status == 'skipped') and steps.hunt.output.count > 0",
            "[r for r in [1] if steps.hunt.status == 'succeeded' and steps.hunt.output.count > r]",
        ],
        expect![[r#"
            steps.hunt.status == 'succeeded' and steps.hunt.output.count > 0  :  boolean
            'succeeded' == steps.hunt.status and steps.hunt.output.count > 0  :  boolean
            steps.hunt.status != 'skipped' and steps.hunt.output.count > 0  :  boolean
            steps.hunt.status in ['succeeded', 'simulated'] and steps.hunt.output.count > 0  : 
                  boolean
            steps.hunt.status not in ['skipped'] and steps.hunt.output.count > 0  :  boolean
            steps.hunt.output is defined and steps.hunt.output.count > 0  :  boolean
            steps.hunt.output.count if steps.hunt.status == 'succeeded' else 0  :  integer
            0 if steps.hunt.status == 'skipped' else steps.hunt.output.count  :  integer
            steps.hunt.status == 'skipped' or steps.hunt.output.count > 0  :  boolean
            not (steps.hunt.status == 'skipped') and steps.hunt.output.count > 0  :  boolean
            [r for r in [1] if steps.hunt.status == 'succeeded' and steps.hunt.output.count > r]
                   :  list of integer
        "#]],
    );
}

#[test]
fn a_test_of_the_status_does_not_count_where_it_may_not_hold() {
    check_all(
        &[
            "steps.hunt.output.count > 0 and steps.hunt.status == 'succeeded'",
            "steps.hunt.status == 'succeeded' or steps.hunt.output.count > 0",
            "steps.hunt.status == 'skipped' and steps.hunt.output.count > 0",
            "steps.hunt.status in ['succeeded', 'skipped'] and steps.hunt.output.count > 0",
            "steps.ask.status == 'succeeded' and steps.hunt.output.count > 0",
            "(steps.ask.status == 'succeeded' or steps.hunt.status == 'succeeded') \
             and steps.hunt.output.count > 0",
            "steps.hunt.status is defined and steps.hunt.output.count > 0",
            "steps.hunt is defined and steps.hunt.output.count > 0",
            "0 if steps.hunt.status == 'succeeded' else steps.hunt.output.count",
        ],
        expect![[r#"
            steps.hunt.output.count > 0 and steps.hunt.status == 'succeeded'  :  boolean
                PB0303 `hunt`: step `hunt` may have been skipped; add `| default(…)` right after
                      the field, or test `steps.hunt.status == 'succeeded'` first
            steps.hunt.status == 'succeeded' or steps.hunt.output.count > 0  :  boolean
                PB0303 `hunt`: step `hunt` may have been skipped; add `| default(…)` right after
                      the field, or test `steps.hunt.status == 'succeeded'` first
            steps.hunt.status == 'skipped' and steps.hunt.output.count > 0  :  boolean
                PB0303 `hunt`: step `hunt` may have been skipped; add `| default(…)` right after
                      the field, or test `steps.hunt.status == 'succeeded'` first
            steps.hunt.status in ['succeeded', 'skipped'] and steps.hunt.output.count > 0  : 
                  boolean
                PB0303 `hunt`: step `hunt` may have been skipped; add `| default(…)` right after
                      the field, or test `steps.hunt.status == 'succeeded'` first
            steps.ask.status == 'succeeded' and steps.hunt.output.count > 0  :  boolean
                PB0303 `hunt`: step `hunt` may have been skipped; add `| default(…)` right after
                      the field, or test `steps.hunt.status == 'succeeded'` first
            (steps.ask.status == 'succeeded' or steps.hunt.status == 'succeeded') and
                  steps.hunt.output.count > 0  :  boolean
                PB0303 `hunt`: step `hunt` may have been skipped; add `| default(…)` right after
                      the field, or test `steps.hunt.status == 'succeeded'` first
            steps.hunt.status is defined and steps.hunt.output.count > 0  :  boolean
                PB0303 `hunt`: step `hunt` may have been skipped; add `| default(…)` right after
                      the field, or test `steps.hunt.status == 'succeeded'` first
            steps.hunt is defined and steps.hunt.output.count > 0  :  boolean
                PB0303 `hunt`: step `hunt` may have been skipped; add `| default(…)` right after
                      the field, or test `steps.hunt.status == 'succeeded'` first
            0 if steps.hunt.status == 'succeeded' else steps.hunt.output.count  :  integer
                PB0303 `hunt`: step `hunt` may have been skipped; add `| default(…)` right after
                      the field, or test `steps.hunt.status == 'succeeded'` first
        "#]],
    );
}

#[test]
fn what_a_condition_proves_can_be_handed_on() {
    let proves = |source: &str| Expr::parse(source).expect("it reads").proves_ran();
    let steps = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    assert_eq!(
        proves("steps.hunt.status == 'succeeded' and steps.ask.status != 'skipped'"),
        steps(&["ask", "hunt"])
    );
    assert_eq!(
        proves("steps.hunt.status == 'succeeded' or steps.ask.status == 'succeeded'"),
        steps(&[])
    );
    let env = Env {
        known_ran: proves("steps.hunt.status == 'succeeded'"),
        ..env()
    };
    expect![[r#"
        steps.hunt.output.count  :  integer
    "#]]
    .assert_eq(&report("steps.hunt.output.count", &env));
}

#[test]
fn operators_take_what_suits_them() {
    check_all(
        &[
            "inputs.hunt_days + 1",
            "inputs.hunt_days / 2",
            "inputs.name + inputs.hunt_days",
            "inputs.name * 2",
            "alert.severity > 3",
            "alert.score > 70",
            "alert.score + 1.5",
            "-inputs.name",
            "alert.raw.a + 1",
            "alert.raw.a + alert.raw.b",
        ],
        expect![[r#"
            inputs.hunt_days + 1  :  integer
            inputs.hunt_days / 2  :  number
            inputs.name + inputs.hunt_days  :  any value
                PB0402 `inputs.name + inputs.hunt_days`: `+` takes two numbers, two texts or two
                      lists, these are text and integer; turn the other into text with `|
                      string`
            inputs.name * 2  :  any value
                PB0402 `inputs.name * 2`: `*` takes two numbers, these are text and integer;
                      turn the text into a number with `| int`
            alert.severity > 3  :  boolean
                PB0402 `alert.severity > 3`: `>` compares two numbers or two texts, these are
                      text and integer; types are not converted: use `| string`, `| int` or `|
                      bool`
            alert.score > 70  :  boolean
            alert.score + 1.5  :  number
            -inputs.name  :  number
                PB0402 `inputs.name`: `-` takes a number, this is text
            alert.raw.a + 1  :  number
            alert.raw.a + alert.raw.b  :  any value
        "#]],
    );
}

#[test]
fn loops_and_conditions_take_what_suits_them() {
    check_all(
        &[
            "1 in 2",
            "1 in 'text'",
            "'x' in alert.device.tags",
            "[x for x in alert.title]",
            "[x for x in alert]",
            "alert.title and true",
            "not alert.device.tags",
            "1 if inputs.hunt_days else 2",
            "any(x for x in alert.device.tags)",
            "{inputs.hunt_days: 1}",
        ],
        expect![[r#"
            1 in 2  :  boolean
                PB0402 `1 in 2`: `in` looks for anything in a list, for text in text or in a
                      map, these are integer and integer
            1 in 'text'  :  boolean
                PB0402 `1 in 'text'`: `in` looks for anything in a list, for text in text or in
                      a map, these are integer and text
            'x' in alert.device.tags  :  boolean
            [x for x in alert.title]  :  list
                PB0402 `alert.title`: a loop goes over a list, this is text
            [x for x in alert]  :  list
                PB0402 `alert`: a loop goes over a list, this is map; go over `… | items`, then
                      use `.key` and `.value`
            alert.title and true  :  boolean
                PB0403 `alert.title`: a condition must be a boolean, this is text; compare it:
                      `… == 'text'`, or test `… is defined`
            not alert.device.tags  :  boolean
                PB0403 `alert.device.tags`: a condition must be a boolean, this is list of text;
                      write `(… | length) > 0`
            1 if inputs.hunt_days else 2  :  integer
                PB0403 `inputs.hunt_days`: a condition must be a boolean, this is integer
            any(x for x in alert.device.tags)  :  boolean
                PB0403 `x`: a condition must be a boolean, this is text; compare it: `… ==
                      'text'`, or test `… is defined`
            {inputs.hunt_days: 1}  :  map
                PB0402 `inputs.hunt_days`: the key of a map is text, this is integer
        "#]],
    );
}

#[test]
fn a_comparison_that_never_holds_is_a_warning() {
    check_all(
        &[
            "'5' == 5",
            "inputs.hunt_days == '7'",
            "inputs.hunt_days != '7'",
            "alert.severity == 'High'",
            "alert.severity == 'hihg'",
            "alert.severity in ['high', 'critcal']",
            "alert.severity not in ['severe']",
            "alert.severity == 'high'",
            "alert.score == none",
            "alert.id == none",
            "steps.hunt.status == 'success'",
            "inputs.hunt_days in alert.device.tags",
            "alert.raw.x == 5",
            "[1] == 'x'",
        ],
        expect![[r#"
            '5' == 5  :  boolean
                PB0806 `'5' == 5`: `==` is never true: one side is '5', the other integer; types
                      are not converted: use `| string`, `| int` or `| bool`
            inputs.hunt_days == '7'  :  boolean
                PB0806 `inputs.hunt_days == '7'`: `==` is never true: one side is integer, the
                      other '7'; types are not converted: use `| string`, `| int` or `| bool`
            inputs.hunt_days != '7'  :  boolean
                PB0806 `inputs.hunt_days != '7'`: `!=` is always true: one side is integer, the
                      other '7'; types are not converted: use `| string`, `| int` or `| bool`
            alert.severity == 'High'  :  boolean
                PB0806 `alert.severity == 'High'`: `==` is never true: one side is one of low,
                      medium, high, critical, the other 'High'; a similar value exists: `'high'`
            alert.severity == 'hihg'  :  boolean
                PB0806 `alert.severity == 'hihg'`: `==` is never true: one side is one of low,
                      medium, high, critical, the other 'hihg'; a similar value exists: `'high'`
            alert.severity in ['high', 'critcal']  :  boolean
                PB0806 `alert.severity in ['high', 'critcal']`: `in` never finds it: one side is
                      one of low, medium, high, critical, the other 'critcal'; a similar value
                      exists: `'critical'`
            alert.severity not in ['severe']  :  boolean
                PB0806 `alert.severity not in ['severe']`: `not in` always holds: one side is
                      one of low, medium, high, critical, the other 'severe'; values are low,
                      medium, high, critical
            alert.severity == 'high'  :  boolean
            alert.score == none  :  boolean
            alert.id == none  :  boolean
                PB0806 `alert.id == none`: `==` is never true: one side is text, the other null
            steps.hunt.status == 'success'  :  boolean
                PB0806 `steps.hunt.status == 'success'`: `==` is never true: one side is one of
                      succeeded, failed, skipped, denied, refused, timed_out, cancelled,
                      simulated, the other 'success'; a similar value exists: `'succeeded'`
            inputs.hunt_days in alert.device.tags  :  boolean
                PB0806 `inputs.hunt_days in alert.device.tags`: `in` never finds it: one side is
                      integer, the other text; types are not converted: use `| string`, `| int`
                      or `| bool`
            alert.raw.x == 5  :  boolean
            [1] == 'x'  :  boolean
                PB0806 `[1] == 'x'`: `==` is never true: one side is list of integer, the other
                      'x'
        "#]],
    );
}

#[test]
fn filters_take_and_yield_what_the_table_says() {
    check_all(
        &[
            "alert.title | lower | length",
            "inputs.hunt_days | lower",
            "alert.device.tags | lower",
            "alert.device.tags | first",
            "alert.device.tags | join(1)",
            "steps.machine.output.tags | sort | unique | slice(0, 2)",
            "[1, 2] | sum",
            "[[1], [2]] | flatten",
            "{'a': 1} | items | first",
            "({'a': 1} | items | first).value",
            "([{'os': 'w'}] | group_by('os') | first).items[0].os",
            "alert.score | default(0)",
            "alert.title | split(',') | batch(2)",
            "alert.created_at | add('1d')",
            "alert.title | truncate('5')",
            "none | lower",
            "alert.raw | json",
            "1 if true",
        ],
        expect![[r#"
            alert.title | lower | length  :  integer
            inputs.hunt_days | lower  :  text
                PB0402 `inputs.hunt_days`: `lower` takes text, this is integer; turn it into
                      text with `| string`
            alert.device.tags | lower  :  text
                PB0402 `alert.device.tags`: `lower` takes text, this is list of text; turn it
                      into text with `| join(', ')`, or loop: `[x | … for x in …]`
            alert.device.tags | first  :  text
            alert.device.tags | join(1)  :  text
                PB0402 `1`: `separator` of `join` is text, this is integer; turn it into text
                      with `| string`
            steps.machine.output.tags | sort | unique | slice(0, 2)  :  list of text
            [1, 2] | sum  :  integer
            [[1], [2]] | flatten  :  list of integer
            {'a': 1} | items | first  :  map
            ({'a': 1} | items | first).value  :  integer
            ([{'os': 'w'}] | group_by('os') | first).items[0].os  :  text
            alert.score | default(0)  :  number
            alert.title | split(',') | batch(2)  :  list of list of text
            alert.created_at | add('1d')  :  time
            alert.title | truncate('5')  :  text
                PB0402 `'5'`: `length` of `truncate` is integer, this is text; turn it into a
                      number with `| int`
            none | lower  :  text
                PB0402 `none`: `lower` takes text, this is null
            alert.raw | json  :  text
            1 if true  :  integer or null
        "#]],
    );
}

#[test]
fn a_condition_must_be_a_boolean() {
    let problems = |source: &str| {
        let problems = check_bool(&Expr::parse(source).expect("it reads"), &env());
        problems
            .into_iter()
            .map(|p| format!("{}: {}\n", p.code, p.message))
            .collect::<String>()
    };
    expect![[r#"
        PB0403: a condition must be a boolean, this is list of text
    "#]]
    .assert_eq(&problems("alert.device.tags"));
    assert_eq!(problems("alert.raw.flag"), "");
    assert_eq!(problems("alert.severity in ['high', 'critical']"), "");
}

#[test]
fn schemas_become_types() {
    let ty = |schema| Type::from_schema(&schema).to_string();
    assert_eq!(ty(json!({"type": ["string", "null"]})), "text or null");
    assert_eq!(
        ty(json!({"type": "array", "items": {"type": "integer"}})),
        "list of integer"
    );
    assert_eq!(
        ty(json!({"oneOf": [{"type": "integer"}, {"type": "number"}]})),
        "number"
    );
    assert_eq!(ty(json!({"enum": ["a", null]})), "text or null");
    assert_eq!(ty(json!(true)), "any value");
    assert_eq!(ty(json!({"$ref": "#/x"})), "any value");
    let wide = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let narrow = json!({"type": "object", "additionalProperties": false, "required": ["b"],
        "properties": {"b": {"type": "integer"}}});
    assert!(!Type::from_schema(&wide).fits(&Type::Text));
    assert!(Type::of(&json!({"b": 1})).fits(&Type::from_schema(&narrow)));
    assert!(!Type::of(&json!({"b": "x"})).fits(&Type::from_schema(&narrow)));
    assert!(!Type::of(&json!({"a": "x"})).fits(&Type::from_schema(&narrow)));
    assert!(!Type::of(&json!({"b": 1, "c": 1})).fits(&Type::from_schema(&narrow)));
}

/// Conditions on the status and output of two steps.
fn condition() -> impl Strategy<Value = String> {
    let step = || prop::sample::select(vec!["hunt", "ask"]);
    let status = || prop::sample::select(vec!["succeeded", "skipped", "failed"]);
    let leaf = prop_oneof![
        (step(), prop::sample::select(vec!["==", "!="]), status())
            .prop_map(|(step, op, status)| format!("steps.{step}.status {op} '{status}'")),
        (status(), step()).prop_map(|(status, step)| format!("'{status}' == steps.{step}.status")),
        (
            step(),
            prop::sample::select(vec!["in", "not in"]),
            status(),
            status()
        )
            .prop_map(|(step, op, a, b)| format!("steps.{step}.status {op} ['{a}', '{b}']")),
        (
            step(),
            prop::sample::select(vec!["output", "output.count", "status"])
        )
            .prop_map(|(step, field)| format!("steps.{step}.{field} is defined")),
        step().prop_map(|step| format!("steps.{step}.output is not defined")),
        Just("true".to_owned()),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} and {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            inner.clone().prop_map(|of| format!("not ({of})")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("({a} if {b} else {c})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None, cases: 500, ..ProptestConfig::default()
    })]

    #[test]
    fn what_a_condition_proves_holds_whenever_it_is_true(source in condition()) {
        let expr = Expr::parse(&source).expect("it reads");
        let proved = expr.proves_ran();
        let step = |status: &str| match status {
            "succeeded" => json!({"status": status, "output": {"count": 1}}),
            _ => json!({"status": status}),
        };
        let statuses = ["succeeded", "skipped", "failed"];
        for (hunt, ask) in statuses.iter().flat_map(|a| statuses.iter().map(move |b| (*a, *b))) {
            let steps = json!({"hunt": step(hunt), "ask": step(ask)});
            let scope = Map::from_iter([("steps".to_owned(), steps)]);
            if expr.eval(&scope) == Ok(Value::Bool(true)) {
                prop_assert!(hunt != "skipped" || !proved.contains("hunt"), "{}", source);
                prop_assert!(ask != "skipped" || !proved.contains("ask"), "{}", source);
            }
        }
    }
}
