use std::sync::Arc;

use engine_model::{Alert, AlertSource};
use engine_playbook::plan::{AlertEvents, AlertTrigger, FieldMatch, Plan, TriggerKind};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Index;
use crate::fixture::{alert, alert_plan, lines, plan, trigger};
use crate::{AlertChange, AlertView};

/// The playbooks that fire, in order.
fn hits(plans: &[Arc<Plan>], alert: &Alert, change: AlertChange) -> Vec<String> {
    let index = Index::build(plans).unwrap();
    let hits = index.matches(&AlertView::new(alert), change);
    hits.iter()
        .map(|hit| format!("{}/{}", hit.plan.name, hit.trigger))
        .collect()
}

#[test]
fn hits_come_in_the_order_of_plans_and_triggers() {
    let both = |name: &str| {
        let kinds = [json!({"title|contains": "b"}), json!({"severity": "high"})];
        let kinds = kinds
            .iter()
            .map(|written| TriggerKind::Alert(trigger(written)));
        Arc::new(plan(name, kinds.collect()))
    };
    let alert = alert(json!({"title": "abc", "severity": "high"}));
    assert_eq!(
        hits(&[both("zulu"), both("alpha")], &alert, AlertChange::Created),
        ["zulu/first", "zulu/second", "alpha/first", "alpha/second"]
    );
}

#[test]
fn a_changed_alert_fires_only_triggers_that_ask_for_changes() {
    let on = |name: &str, created: bool, updated: bool| {
        let written = trigger(&json!({"severity": "high"}));
        alert_plan(
            name,
            AlertTrigger {
                on: AlertEvents { created, updated },
                ..written
            },
        )
    };
    let plans = [
        on("new", true, false),
        on("both", true, true),
        on("changed", false, true),
    ];
    let alert = alert(json!({"severity": "high"}));
    assert_eq!(
        hits(&plans, &alert, AlertChange::Created),
        ["new/first", "both/first"]
    );
    assert_eq!(
        hits(&plans, &alert, AlertChange::Updated),
        ["both/first", "changed/first"]
    );
}

#[test]
fn a_disabled_playbook_never_fires_and_says_so() {
    let mut off = plan(
        "off",
        vec![TriggerKind::Alert(trigger(&json!({"severity": "high"})))],
    );
    off.enabled = false;
    let alert = alert(json!({"severity": "high"}));
    let index = Index::build(&[Arc::new(off)]).unwrap();
    let view = AlertView::new(&alert);
    assert!(index.matches(&view, AlertChange::Created).is_empty());
    let account = &index.explain(&view, AlertChange::Created)[0];
    assert_eq!(
        account.missed.as_ref().unwrap().to_string(),
        "`enabled` is `false`, wanted `true`"
    );
}

#[test]
fn problems_of_all_playbooks_come_together_with_their_names() {
    let plans = [
        alert_plan("one", trigger(&json!({"title|contain": "a"}))),
        alert_plan("two", trigger(&json!({"title|re": "("}))),
    ];
    let problems = Index::build(&plans).unwrap_err();
    let names: Vec<_> = problems
        .iter()
        .map(|p| p.playbook.as_ref().unwrap().as_str())
        .collect();
    assert_eq!(names, ["one", "two"]);
}

#[test]
fn a_match_without_required_text_is_on_the_always_list() {
    let plans = [
        alert_plan("files", trigger(&json!({"title|contains": "kiwi"}))),
        alert_plan("risk", trigger(&json!({"raw.score|gt": 5}))),
        alert_plan("not", trigger(&json!({"title|neq": "kiwi"}))),
        alert_plan("maybe", trigger(&json!({"title|re": "kiwi|.*"}))),
        alert_plan("nothing", trigger(&json!({}))),
        alert_plan("half", trigger(&json!({"status": [null, "new"]}))),
    ];
    let index = Index::build(&plans).unwrap();
    let always: Vec<&str> = index
        .always()
        .map(|(playbook, _)| playbook.as_str())
        .collect();
    assert_eq!(always, ["risk", "not", "maybe", "nothing", "half"]);
}

/// How many triggers are evaluated in full for an alert.
fn candidates(plans: &[Arc<Plan>], alert: &Alert) -> usize {
    let index = Index::build(plans).unwrap();
    let view = AlertView::new(alert);
    let mut candidates = Vec::new();
    index.postings.collect(
        &crate::path::Seen::new(&view, &index.fields),
        &mut candidates,
    );
    candidates.sort_unstable();
    candidates.dedup();
    candidates.len()
}

#[test]
fn a_trigger_is_filed_under_what_is_rarest_in_the_set() {
    let plans: Vec<Arc<Plan>> = (0..200)
        .map(|number| {
            let written = json!({
                "severity": ["high", "critical"],
                "title|re": format!("(?i)powershell.*host{number:03}"),
                "category": "Malware",
            });
            alert_plan(&format!("p{number}"), trigger(&written))
        })
        .collect();
    let alert = alert(json!({
        "severity": "high",
        "category": "Malware",
        "title": "PowerShell started on HOST017",
    }));
    assert_eq!(hits(&plans, &alert, AlertChange::Created), ["p17/first"]);
    assert_eq!(candidates(&plans, &alert), 1);
}

/// What a match means, written down as plainly as possible and without any code of the crate.
mod plain {
    use super::*;

    pub(super) fn fires(trigger: &AlertTrigger, alert: &Alert, change: AlertChange) -> bool {
        let whole = serde_json::to_value(alert).unwrap();
        let asked = match change {
            AlertChange::Created => trigger.on.created,
            AlertChange::Updated => trigger.on.updated,
        };
        asked
            && trigger.sources.contains(&alert.source)
            && trigger.fields.iter().all(|line| holds(line, &whole))
    }

    fn holds(line: &FieldMatch, alert: &Value) -> bool {
        let (field, every) = match line.field.strip_suffix("[all]") {
            Some(field) => (field, true),
            None => (line.field.as_str(), false),
        };
        let mut values = Vec::new();
        reach(alert, &field.split('.').collect::<Vec<_>>(), &mut values);
        let has = |modifier: &str| line.modifiers.iter().any(|known| known == modifier);
        if every && (has("exists") || has("neq")) {
            let no_member = values.is_empty() || (values.len() == 1 && values[0].is_null());
            let fits = |value: &Value| {
                if has("exists") {
                    return value.is_null() != (line.values[0] == true);
                }
                let equal = |wanted: &Value| {
                    (wanted.is_null() && value.is_null()) || one(value, wanted, &has)
                };
                !line.values.iter().any(equal)
            };
            return !no_member && values.iter().all(fits);
        }
        if has("exists") {
            return values.iter().any(|value| !value.is_null()) == (line.values[0] == true);
        }
        let member = |wanted: &Value| {
            if wanted.is_null() {
                return values.is_empty() || values.iter().any(Value::is_null);
            }
            !values.is_empty()
                && if every {
                    values.iter().all(|value| one(value, wanted, &has))
                } else {
                    values.iter().any(|value| one(value, wanted, &has))
                }
        };
        let result = if has("all") {
            line.values.iter().all(member)
        } else if every {
            !values.is_empty()
                && values
                    .iter()
                    .all(|v| line.values.iter().any(|w| one(v, w, &has)))
        } else {
            line.values.iter().any(member)
        };
        result != has("neq")
    }

    fn reach(value: &Value, path: &[&str], found: &mut Vec<Value>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| reach(item, path, found)),
            _ if path.is_empty() => found.push(value.clone()),
            Value::Object(fields) => {
                if let Some(value) = fields.get(path[0]) {
                    reach(value, &path[1..], found);
                }
            }
            _ => {}
        }
    }

    fn text(value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }

    fn one(value: &Value, wanted: &Value, has: &dyn Fn(&str) -> bool) -> bool {
        let (Some(found), Some(sought)) = (text(value), text(wanted)) else {
            return false;
        };
        if has("re") {
            return regex::RegexBuilder::new(&sought)
                .case_insensitive(has("i"))
                .build()
                .unwrap()
                .is_match(&found);
        }
        if has("cidr") {
            let (net, length) = sought.split_once('/').unwrap();
            let bits = |text: &str| text.parse::<std::net::Ipv4Addr>().map(u32::from);
            let shift = 32 - length.parse::<u32>().unwrap();
            return bits(&found).is_ok_and(|bits_found| {
                u64::from(bits_found) >> shift == u64::from(bits(net).unwrap()) >> shift
            });
        }
        let number = found.parse::<f64>().ok();
        if has("gt") {
            return number.is_some_and(|number| number > wanted.as_f64().unwrap());
        }
        if wanted.is_number() && !has("contains") && !has("startswith") && !has("endswith") {
            return number == wanted.as_f64();
        }
        let (found, sought) = if has("cased") {
            (found, sought)
        } else {
            (found.to_lowercase(), sought.to_lowercase())
        };
        let pattern = match (has("contains"), has("startswith"), has("endswith")) {
            (true, ..) => format!("*{sought}*"),
            (_, true, _) => format!("{sought}*"),
            (.., true) => format!("*{sought}"),
            _ => sought,
        };
        glob(
            &pattern.chars().collect::<Vec<_>>(),
            &found.chars().collect::<Vec<_>>(),
        )
    }

    fn glob(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => {
                glob(rest, text) || text.split_first().is_some_and(|(_, t)| glob(pattern, t))
            }
            (Some(('?', rest)), Some((_, text))) => glob(rest, text),
            (Some((p, rest)), Some((t, text))) => p == t && glob(rest, text),
            _ => false,
        }
    }
}

/// Words of which some are parts of others, so that generated matches come close to alerts.
fn word() -> impl Strategy<Value = String> {
    let words = [
        "kiwi",
        "Mimi",
        "mimiKIWI",
        "KIWI mimi",
        "Ümlaut",
        "ümlaut kiwi",
        "lab",
        "5",
        "443",
        "5.0",
        "0443",
        "ſs",
    ];
    prop::sample::select(words.to_vec()).prop_map(str::to_owned)
}

fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => word(),
        1 => Just("*kiwi".to_owned()),
        1 => Just("m?mi*".to_owned()),
        1 => Just("*".to_owned()),
        1 => Just("*m*k*".to_owned()),
    ]
}

fn text_field() -> impl Strategy<Value = String> {
    let fields = [
        "title",
        "severity",
        "device.tags",
        "device.tags[all]",
        "entities.command_line",
        "raw.x",
        "raw.deep.x",
        "raw.deep.x[all]",
    ];
    prop::sample::select(fields.to_vec()).prop_map(str::to_owned)
}

fn line() -> impl Strategy<Value = (String, Value)> {
    let text = |modifiers: &'static [&'static str], values: std::ops::Range<usize>| {
        let values = prop::collection::vec(pattern(), values);
        (
            text_field(),
            prop::sample::select(modifiers.to_vec()),
            values,
        )
            .prop_map(|(field, modifiers, values)| (format!("{field}{modifiers}"), json!(values)))
    };
    let network = prop::sample::select(vec!["10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24"]);
    let expression = prop::sample::select(vec![
        "kiwi",
        "mimi.*kiwi",
        "(kiwi|lab)$",
        "^.",
        "[Kk]iwi",
        "(?:mimi)?kiwi+",
        "s",
    ]);
    prop_oneof![
        6 => text(&["", "|contains", "|startswith", "|endswith", "|cased", "|neq"], 1..4),
        2 => text(&["|contains|all", "|all"], 2..4),
        1 => text(&["|contains|neq", "|endswith|cased"], 1..3),
        2 => (text_field(), expression, any::<bool>()).prop_map(|(field, re, flag)| {
            (format!("{field}|re{}", if flag { "|i" } else { "" }), json!(re))
        }),
        1 => network.prop_map(|net| ("entities.ip.address|cidr".to_owned(), json!(net))),
        1 => (text_field(), any::<bool>())
            .prop_map(|(field, there)| {
                let field = field.trim_end_matches("[all]").to_owned();
                (format!("{field}|exists"), json!(there))
            }),
        1 => Just(("raw.x".to_owned(), json!([null, "kiwi"]))),
        1 => (0_i64..500).prop_map(|number| ("raw.x|gt".to_owned(), json!(number))),
        1 => prop::sample::select(vec![5_i64, 443])
            .prop_map(|number| ("raw.x".to_owned(), json!(number))),
    ]
}

fn any_trigger() -> impl Strategy<Value = AlertTrigger> {
    let sources = prop::sample::subsequence(vec![AlertSource::Mde, AlertSource::Xdr], 1..=2);
    let on = (any::<bool>(), any::<bool>());
    (prop::collection::vec(line(), 0..4), sources, on).prop_map(|(written, sources, on)| {
        let (created, updated) = on;
        AlertTrigger {
            fields: written
                .into_iter()
                .flat_map(|(k, v)| lines(&json!({ k: v })))
                .collect(),
            sources,
            on: AlertEvents { created, updated },
            ..trigger(&json!({}))
        }
    })
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => word().prop_map(Value::String),
        1 => (0_i64..500).prop_map(Value::from),
        1 => Just(json!(443)),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => prop::collection::vec(word(), 0..3).prop_map(Value::from),
    ]
}

fn any_alert() -> impl Strategy<Value = Alert> {
    let address = prop::sample::select(vec!["10.1.2.3", "10.9.9.9", "192.0.2.77", "kiwi"]);
    let entity = (word(), address).prop_map(|(line, address)| {
        json!({"kind": "process", "command_line": line, "ip": {"address": address}})
    });
    (
        (word(), word(), prop::collection::vec(word(), 0..3)),
        prop::collection::vec(entity, 0..3),
        (any_value(), prop::collection::vec(any_value(), 0..3)),
        prop::sample::select(vec!["mde", "xdr"]),
    )
        .prop_map(|((title, severity, tags), entities, (x, deep), source)| {
            let deep: Vec<Value> = deep.into_iter().map(|x| json!({ "x": x })).collect();
            alert(json!({
                "source": source,
                "title": title,
                "severity": severity,
                "device": {"tags": tags},
                "entities": entities,
                "raw": {"x": x, "deep": deep},
            }))
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_index_finds_what_trying_every_trigger_finds(
        triggers in prop::collection::vec(any_trigger(), 1..40),
        alerts in prop::collection::vec(any_alert(), 1..4),
        updated in any::<bool>(),
    ) {
        let change = if updated { AlertChange::Updated } else { AlertChange::Created };
        let plans: Vec<Arc<Plan>> = triggers
            .iter()
            .enumerate()
            .map(|(number, trigger)| alert_plan(&format!("p{number}"), trigger.clone()))
            .collect();
        let index = Index::build(&plans).unwrap();
        for alert in &alerts {
            let view = AlertView::new(alert);
            let expected: Vec<&str> = plans
                .iter()
                .zip(&triggers)
                .filter(|(_, trigger)| plain::fires(trigger, alert, change))
                .map(|(plan, _)| plan.name.as_str())
                .collect();
            let hits = index.matches(&view, change);
            let found: Vec<&str> = hits.iter().map(|hit| hit.plan.name.as_str()).collect();
            prop_assert_eq!(&found, &expected);
            let accounts = index.explain(&view, change);
            let explained = accounts.iter().filter(|account| account.missed.is_none());
            let explained: Vec<&str> =
                explained.map(|account| account.playbook.as_str()).collect();
            prop_assert_eq!(&explained, &expected);
        }
    }
}
