//! Our matcher beside two other engines: one alert of 3.9 KB, as many rules as there are playbooks,
//! of which one fires. Prints every figure with its limit, and fails where a limit is exceeded by
//! more than a machine under load explains.

#![expect(
    clippy::disallowed_methods,
    reason = "a measurement looks at the clock"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use engine_model::{Alert, AlertSource};
use engine_trigger::{AlertChange, AlertView, Index};
use rsigma_eval::JsonEvent;
use serde_json::{Value, json};

const ALERT: &str = include_str!("../../benches/alert.json");
/// Where a figure exceeds its limit by this factor, it is not the machine.
const SLACK: f64 = 3.0;

/// The detection of playbook `n`: eight shapes in turn, each with texts of its own.
fn detection(n: usize) -> Value {
    let selection = match n % 8 {
        0 => json!({
            "severity": ["high", "critical"],
            "device.name": [format!("host-{n}.corp.example"), format!("srv-{n}")],
        }),
        1 => json!({
            "severity": "high",
            "title|contains": [format!("tool{n} "), format!("family-{n}")],
        }),
        2 => json!({"entities.command_line|contains|all": ["rundll32", format!("payload{n}.dll")]}),
        3 => json!({
            "category": "Execution",
            "raw.evidence.fileName|endswith": format!("-{n}.dll"),
        }),
        4 => json!({"raw.evidence.filePath|startswith": format!("C:\\Program Files\\App{n}")}),
        5 => json!({
            "raw.evidence.processCommandLine": format!("*\\\\temp\\\\*{n}.exe *-x{n}*"),
        }),
        6 => json!({
            "entities.ip.address|cidr": format!("10.{}.{}.0/24", n / 256 % 256, n % 256),
            "device.tags": "lab",
        }),
        _ => json!({
            "raw.evidence.processCommandLine|re": format!("powershell(\\.exe)?\\s.*-enc.*mark{n}"),
        }),
    };
    json!({"selection": selection, "condition": "selection"})
}

fn detections(count: usize) -> Vec<Value> {
    let hit = json!({
        "selection": {
            "severity": ["high", "critical"],
            "title|contains": "suspicious powershell",
        },
        "filter": {"device.tags": "lab"},
        "condition": "selection and not filter",
    });
    (1..count).map(detection).chain([hit]).collect()
}

/// The shortest of several batches, for one call.
fn measured(calls: u32, mut call: impl FnMut()) -> Duration {
    let batch = |call: &mut dyn FnMut()| {
        let began = Instant::now();
        (0..calls).for_each(|_| call());
        began.elapsed() / calls
    };
    (0..9).map(|_| batch(&mut call)).min().unwrap_or_default()
}

fn micros(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}

/// Prints a figure and its limit; false where it is far over.
fn fits(what: &str, figure: f64, limit: f64) -> bool {
    let verdict = if figure <= limit { "holds" } else { "OVER" };
    println!("{what:52} {figure:12.2}  limit {limit:10.2}  {verdict}");
    figure <= limit * SLACK
}

struct Engines {
    ours: Index,
    theirs: rsigma_eval::Engine,
    others: Vec<sigma_rust::Rule>,
    load: Duration,
}

fn engines(count: usize) -> Engines {
    let detections = detections(count);
    let plans = detections.iter().enumerate();
    let plans: Vec<_> = plans
        .map(|(number, one)| {
            engine_trigger_oracle::plan(&format!("p{number}"), one).expect("valid")
        })
        .collect();
    let began = Instant::now();
    let ours = Index::build(&plans).expect("the playbooks are valid");
    let load = began.elapsed();
    let others = detections.iter().map(|one| {
        sigma_rust::rule_from_yaml(&engine_trigger_oracle::rule(one)).expect("it reads the rule")
    });
    Engines {
        ours,
        theirs: engine_trigger_oracle::oracle(&detections).expect("it takes the rules"),
        others: others.collect(),
        load,
    }
}

fn main() {
    let mut alert: Alert = serde_json::from_str(ALERT).expect("the fixture is an alert");
    // The playbooks of this package listen to that source.
    alert.source = AlertSource::Api;
    let value: Value = serde_json::to_value(&alert).expect("an alert is JSON");
    let text = value.to_string();
    let mut ok = true;
    let mut ours = Vec::new();
    println!("one alert of {} bytes, one core", text.len());
    println!(
        "{:>8}  {:>12}  {:>16}  {:>14}",
        "rules", "ours, µs", "rsigma-eval, µs", "sigma-rust, µs"
    );
    for count in [1, 100, 1000, 10_000] {
        let engines = engines(count);
        let view = AlertView::new(&alert);
        assert_eq!(engines.ours.matches(&view, AlertChange::Created).len(), 1);
        let mine = measured(2000, || {
            black_box(engines.ours.matches(black_box(&view), AlertChange::Created));
        });
        let event = JsonEvent::borrow(&value);
        assert_eq!(engines.theirs.evaluate(&event).len(), 1);
        let calls = u32::try_from(200_000 / (count + 100)).expect("it is small");
        let theirs = measured(calls, || {
            black_box(engines.theirs.evaluate(black_box(&event)));
        });
        let event = sigma_rust::event_from_json(&text).expect("it reads the alert");
        let others = measured(calls.div_ceil(20), || {
            let hits = engines.others.iter().filter(|rule| rule.is_match(&event));
            black_box(hits.count());
        });
        let (mine, theirs, others) = (micros(mine), micros(theirs), micros(others));
        println!(
            "{count:8}  {mine:12.2}  {theirs:16.2}  {others:14.2}   ratios 1 : {:.1} : {:.1}",
            theirs / mine,
            others / mine
        );
        ours.push((count, mine, engines.load));
        if count == 10_000 {
            let whole = measured(1000, || {
                let alert: Alert = serde_json::from_str(black_box(&text)).expect("an alert");
                black_box(
                    engines
                        .ours
                        .matches(&AlertView::new(&alert), AlertChange::Created),
                );
            });
            let rate = whole.as_secs_f64();
            ok &= fits(
                "parse and match at 10,000, µs (40,000 alerts/s)",
                rate * 1e6,
                25.0,
            );
            println!(
                "{:52} {:12.0}",
                "parse and match at 10,000, alerts/s",
                1.0 / rate
            );
        }
    }
    let at = |count: usize| {
        ours.iter()
            .find(|(one, ..)| *one == count)
            .expect("it was measured")
    };
    ok &= fits("match at 10,000 playbooks, µs", at(10_000).1, 5.0);
    ok &= fits(
        "match at 10,000 beside 100 playbooks, ratio",
        at(10_000).1 / at(100).1,
        3.0,
    );
    ok &= fits("load of 10,000 rules, s", at(10_000).2.as_secs_f64(), 1.0);
    assert!(ok, "a limit is exceeded by far");
}
