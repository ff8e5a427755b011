//! One alert of about 4 KB against sets of playbooks, of which one fires.
//!
//! Run with `cargo bench -p engine-trigger`. What an alert costs is `view` plus `matches`; `parse`
//! is the floor it stands on. `matches` should not grow with the number of playbooks.

use std::collections::BTreeMap;
use std::sync::Arc;

use divan::{Bencher, black_box};
use engine_model::{Alert, AlertSource, Digest, Millis, Timestamp};
use engine_playbook::plan::{
    AlertEvents, AlertTrigger, Examples, FieldMatch, Missed, Plan, Schedule, Trigger, TriggerKind,
};
use engine_trigger::{AlertChange, AlertView, Index, Timetable};
use serde_json::{Value, json};

const ALERT: &str = include_str!("alert.json");
const SIZES: [usize; 4] = [1, 100, 1000, 10_000];

fn main() {
    divan::main();
}

/// The alert as it comes over the wire, without the white space of the file.
fn compact() -> String {
    let alert: Value = serde_json::from_str(ALERT).expect("the fixture is JSON");
    alert.to_string()
}

fn alert() -> Alert {
    serde_json::from_str(ALERT).expect("the fixture is an alert")
}

/// The match of playbook `number`: eight shapes in turn, each with a text of its own.
fn shape(number: usize) -> Vec<(&'static str, Value)> {
    let n = number;
    match n % 8 {
        0 => vec![
            ("severity", json!(["high", "critical"])),
            (
                "device.name",
                json!([format!("host-{n}.corp.example"), format!("srv-{n}")]),
            ),
        ],
        1 => vec![
            ("severity", json!("high")),
            (
                "title|contains",
                json!([format!("tool{n} "), format!("family-{n}")]),
            ),
        ],
        2 => vec![(
            "entities.command_line|contains|all",
            json!(["rundll32", format!("payload{n}.dll")]),
        )],
        3 => vec![
            ("category", json!("Execution")),
            ("raw.evidence.fileName|endswith", json!(format!("-{n}.dll"))),
        ],
        4 => vec![(
            "raw.evidence.filePath|startswith",
            json!(format!("C:\\Program Files\\App{n}")),
        )],
        5 => vec![(
            "raw.evidence.processCommandLine",
            json!(format!("*\\\\temp\\\\*{n}.exe *-x{n}*")),
        )],
        6 => vec![
            (
                "entities.ip.address|cidr",
                json!(format!("10.{}.{}.0/24", n / 256 % 256, n % 256)),
            ),
            ("device.tags|neq", json!("lab")),
        ],
        _ => vec![(
            "raw.evidence.processCommandLine|re|i",
            json!(format!("powershell(\\.exe)?\\s.*-enc.*marker{n}")),
        )],
    }
}

fn plan(number: usize, written: Vec<(&'static str, Value)>) -> Arc<Plan> {
    let fields = written.into_iter().map(|(key, value)| {
        let mut parts = key.split('|').map(str::to_owned);
        FieldMatch {
            field: parts.next().unwrap_or_default(),
            modifiers: parts.collect(),
            values: match value {
                Value::Array(values) => values,
                one => vec![one],
            },
            path: String::new(),
        }
    });
    let trigger = AlertTrigger {
        sources: vec![AlertSource::Mde],
        on: AlertEvents {
            created: true,
            updated: false,
        },
        fields: fields.collect(),
        detections: Vec::new(),
        condition: None,
        storm: Box::default(),
        examples: Examples::default(),
        path: String::new(),
    };
    Arc::new(Plan {
        name: format!("p{number}").parse().expect("a playbook name"),
        digest: Digest::of(&number.to_le_bytes()),
        title: None,
        enabled: true,
        inputs: Vec::new(),
        triggers: vec![Trigger {
            id: "alert".parse().expect("a trigger id"),
            with: Vec::new(),
            kind: TriggerKind::Alert(trigger),
        }],
        concurrency: None,
        timeout: Millis::from_secs(60),
        guard: Arc::default(),
        connections: BTreeMap::new(),
        vars: Vec::new(),
        steps: Vec::new(),
        on_error: Vec::new(),
        finally: Vec::new(),
        outputs: Vec::new(),
    })
}

/// `count` playbooks, the last of which fires.
fn plans(count: usize) -> Vec<Arc<Plan>> {
    let hit = vec![
        ("severity", json!(["high", "critical"])),
        ("title|contains", json!("suspicious powershell")),
        ("device.tags|neq", json!("lab")),
    ];
    let others = (1..count).map(|number| plan(number, shape(number)));
    others.chain([plan(0, hit)]).collect()
}

#[divan::bench(args = SIZES)]
fn matches(bencher: Bencher<'_, '_>, count: usize) {
    let index = Index::build(&plans(count)).expect("the playbooks are valid");
    assert_eq!(index.always().count(), 0);
    let alert = alert();
    let view = AlertView::new(&alert);
    assert_eq!(index.matches(&view, AlertChange::Created).len(), 1);
    bencher.bench(|| index.matches(black_box(&view), AlertChange::Created).len());
}

#[divan::bench(args = SIZES)]
fn view_and_matches(bencher: Bencher<'_, '_>, count: usize) {
    let index = Index::build(&plans(count)).expect("the playbooks are valid");
    let alert = alert();
    bencher.bench(|| {
        index
            .matches(&AlertView::new(black_box(&alert)), AlertChange::Created)
            .len()
    });
}

#[divan::bench(args = SIZES, sample_count = 20)]
fn build(bencher: Bencher<'_, '_>, count: usize) {
    let plans = plans(count);
    bencher.bench(|| Index::build(black_box(&plans)).expect("the playbooks are valid"));
}

#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let text = compact();
    bencher
        .counter(divan::counter::BytesCount::of_str(&text))
        .bench(|| {
            serde_json::from_str::<Alert>(black_box(&text)).expect("the fixture is an alert")
        });
}

#[divan::bench(args = ["30 2 * * 1-5", "*/5 * * * *", "0 0 13 * FRI", "0 0 31 2 *"])]
fn next_after(bencher: Bencher<'_, '_>, line: &str) {
    let schedule = Schedule {
        rhythm: engine_playbook::plan::Rhythm::Cron(line.to_owned()),
        timezone: "Europe/Paris".to_owned(),
        missed: Missed::Latest,
        start: None,
        end: None,
        overlap: engine_playbook::plan::Overlap::Skip,
        jitter: Millis::ZERO,
        path: String::new(),
    };
    let timetable = Timetable::new(&schedule).expect("the schedule is valid");
    let spring: Timestamp = "2026-03-28T22:17:00Z".parse().expect("a time");
    bencher.bench(|| timetable.next_after(black_box(spring)));
}
