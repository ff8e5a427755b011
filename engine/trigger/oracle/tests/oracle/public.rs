//! Rules in the manner of public collections, asked of alerts made from the texts in the rules.

use engine_trigger_oracle::Pair;
use serde_json::{Map, Value, json};

use crate::dice::Dice;

/// One rule to a document; the fields are those of the vendor's JSON.
const RULES: &str = include_str!("../../rules/public.yml");
const ALERTS: usize = 400;

/// The detections of [`RULES`], by title.
fn rules() -> Vec<(String, Value)> {
    let rules = RULES.split("\n---\n").map(|text| {
        let read: Value = serde_yaml::from_str(text).expect("a rule is YAML");
        let title = read["title"]
            .as_str()
            .expect("a rule has a title")
            .to_owned();
        (title, read["detection"].clone())
    });
    rules.collect()
}

/// A field that a rule looks at, and a value it looks for.
type Literal = (String, Value);

/// Every field and value of a detection, wherever they stand.
fn literals(value: &Value, list: &str, found: &mut Vec<Literal>) {
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields {
                if key == "condition" {
                    continue;
                }
                let name = key.split('|').next().unwrap_or_default();
                let is_field = name.starts_with("raw.") || !list.is_empty();
                let path = if list.is_empty() {
                    name.to_owned()
                } else {
                    format!("{list}.{name}")
                };
                match (is_field, name.split_once('[')) {
                    (true, Some((outer, _))) if inner.is_object() => literals(inner, outer, found),
                    (true, _) => values(path.split('[').next().unwrap_or(&path), inner, found),
                    (false, _) => literals(inner, list, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| match item {
            Value::Object(_) => literals(item, list, found),
            word => found.push(("raw.Message".to_owned(), word.clone())),
        }),
        _ => {}
    }
}

fn values(path: &str, value: &Value, found: &mut Vec<Literal>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| values(path, item, found)),
        one => found.push((path.to_owned(), one.clone())),
    }
}

/// A value that is like one that a rule looks for.
fn like(value: &Value, dice: &mut Dice) -> Value {
    let Some(text) = value.as_str() else {
        return match (dice.below(4), value.as_f64()) {
            (0, _) => json!(value.to_string()),
            (1, Some(number)) => json!(number - 0.125),
            _ => value.clone(),
        };
    };
    if text.starts_with("(?i)") && !dice.once_in(3) {
        return json!("wscript C:\\Users\\Public\\a1.VBS");
    }
    let plain = text
        .replace("\\*", "\u{1}")
        .replace('*', "xy")
        .replace('?', "q");
    let plain = plain.replace('\u{1}', "*").replace("\\\\", "\\");
    let plain = match text.split_once('/') {
        Some((address, bits)) if bits.parse::<u8>().is_ok() => format!("{address}7"),
        _ => plain,
    };
    json!(match dice.below(8) {
        0 => format!("C:\\Windows{plain}"),
        1 => format!("{plain} more"),
        2 => format!("before {plain} after"),
        3 => plain.to_uppercase(),
        4 => plain.chars().skip(1).collect(),
        5 => plain.replace('-', "/"),
        6 => "aWV4IChOZXctT2JqZWN0IE5ldC5XZWJDbGllbnQp and more".to_owned(),
        _ => plain,
    })
}

/// The other field, where a rule compares two.
fn literal_field<'l>(literals: &'l [Literal], path: &str) -> Option<&'l str> {
    let mut named = literals
        .iter()
        .filter(|(name, _)| name.trim_start_matches("raw.") == path);
    named.find_map(|(_, value)| value.as_str()?.strip_prefix("raw."))
}

/// An alert with some of the fields that a rule looks at.
fn alert(literals: &[Literal], dice: &mut Dice) -> Value {
    let mut raw = json!({});
    for (path, value) in literals {
        if dice.once_in(3) {
            continue;
        }
        let path = path.trim_start_matches("raw.");
        let value = like(value, dice);
        match path.split_once('.') {
            Some((list, name)) => {
                let members = &mut raw[list];
                if !members.is_array() {
                    *members = json!([{}]);
                }
                let items = members.as_array_mut().expect("just made");
                if dice.once_in(3) {
                    items.push(json!({}));
                }
                let last = items.len() - 1;
                items[dice.below(last + 1)][name] = value;
            }
            // Several values of one field stand one after another, sometimes.
            None => match (raw.get(path).and_then(Value::as_str), value.as_str()) {
                (Some(before), Some(text)) if !dice.once_in(3) => {
                    raw[path] = json!(format!("{before} {text}"));
                }
                _ => raw[path] = value,
            },
        }
        if let Some(other) = literal_field(literals, path) {
            raw[path] = json!("C:\\Windows\\x.exe");
            raw[other] = json!(*dice.pick(&["c:\\windows\\X.exe", "C:\\Windows\\y.exe"]));
        }
    }
    let extra = Map::from_iter([("Computer".to_owned(), json!("ws1"))]);
    raw.as_object_mut().expect("it is a map").extend(extra);
    raw
}

#[test]
fn rules_in_the_manner_of_public_ones_decide_as_the_other_engine_has_it() {
    let mut failures = Vec::new();
    let rules = rules();
    assert!(rules.len() >= 15, "{} rules", rules.len());
    for (number, (title, detection)) in rules.iter().enumerate() {
        let pair = Pair::new(detection).unwrap_or_else(|refused| panic!("{title}: {refused}"));
        let mut found = Vec::new();
        literals(detection, "", &mut found);
        let mut dice = Dice::new(1000 + number as u64);
        let mut matching = 0;
        for _ in 0..ALERTS {
            let raw = alert(&found, &mut dice);
            let said = pair.ask(&raw);
            matching += usize::from(said.ours);
            // As `explained.rs` says: the other engine wants to see what follows the text, and a
            // field without a value is not even unlike another.
            let text = detection.to_string();
            let meant = text.contains("base64offset")
                || (text.contains("Country|neq") && raw.get("Country").is_none());
            if said.ours != said.theirs && !(said.ours && meant) {
                failures.push(format!("{title}: {said:?}\n  {raw}"));
            }
        }
        println!("{matching:4} of {ALERTS} match  {title}");
        if matching == 0 || matching == ALERTS {
            failures.push(format!("{title}: {matching} of {ALERTS} match"));
        }
    }
    let count = failures.len();
    failures.truncate(6);
    assert!(
        failures.is_empty(),
        "{count} failures\n{}",
        failures.join("\n")
    );
}
