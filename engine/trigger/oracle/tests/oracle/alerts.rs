//! Alerts whose fields have every kind of value, and small changes of one field.

use serde_json::{Map, Value, json};

use crate::dice::Dice;

pub(crate) const TEXTS: [&str; 12] = [
    "powershell.exe -NoProfile -enc SQBFAFgA",
    "C:\\Windows\\System32\\cmd.exe",
    "rundll32.exe C:\\Temp\\suspicious.dll,Start",
    "/bin/bash -c 'curl http://203.0.113.5/a?b=c*'",
    "Mona.Berg@Corp.example",
    "M\u{fc}ller \u{c4}\u{d6}\u{dc} \u{2013}x",
    "reg add HKLM\\SOFTWARE\\Run /v a-b",
    "200%",
    "first line\nsecond line",
    "HOST-0417",
    "",
    "schtasks /create /tn x \u{2014}force",
];

const ADDRESSES: [&str; 8] = [
    "10.1.2.3",
    "10.1.250.7",
    "192.168.0.17",
    "203.0.113.57",
    "2001:db8::17",
    "2001:db8:1::1",
    "fe80::1",
    "172.16.31.4",
];

const INSTANTS: [&str; 6] = [
    "2026-11-21T18:05:59Z",
    "2024-02-29T23:59:00+02:00",
    "2025-12-31T00:30:00",
    "2020-01-01 07:08:09",
    "2026-06-15T12:00:00.123Z",
    "2021-03-28T01:59:59Z",
];

/// The JSON of a vendor.
pub(crate) fn raw(dice: &mut Dice) -> Value {
    let text = |dice: &mut Dice| Value::from(*dice.pick(&TEXTS));
    let address = |dice: &mut Dice| Value::from(*dice.pick(&ADDRESSES));
    let mut fields = Map::new();
    fields.insert("cmd".to_owned(), text(dice));
    fields.insert("path".to_owned(), text(dice));
    fields.insert(
        "user".to_owned(),
        json!({"name": text(dice), "domain": "CORP"}),
    );
    fields.insert("ip".to_owned(), address(dice));
    fields.insert("n".to_owned(), json!(dice.below(2000)));
    fields.insert(
        "f".to_owned(),
        json!(f64::from(u32::try_from(dice.below(800)).unwrap()) / 8.0),
    );
    fields.insert("port".to_owned(), json!(dice.below(65536).to_string()));
    fields.insert("flag".to_owned(), json!(dice.once_in(2)));
    fields.insert("when".to_owned(), json!(dice.pick(&INSTANTS)));
    fields.insert(
        "since".to_owned(),
        json!(1_600_000_000 + dice.below(200_000_000)),
    );
    fields.insert("nothing".to_owned(), Value::Null);
    let tags = (0..1 + dice.below(3)).map(|_| text(dice)).collect();
    fields.insert("tags".to_owned(), Value::Array(tags));
    let items = (0..1 + dice.below(3))
        .map(|_| json!({"name": text(dice), "size": dice.below(2000), "ip": address(dice)}));
    let items = items.collect();
    fields.insert("items".to_owned(), Value::Array(items));
    Value::Object(fields)
}

/// The value at a path, where it passes through no list.
pub(crate) fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.')
        .try_fold(value, |value, part| value.get(part))
}

/// Every value that the path reaches; those of each member where it passes through a list.
pub(crate) fn reached<'v>(value: &'v Value, path: &str) -> Vec<&'v Value> {
    let mut found = vec![value];
    for part in path.split('.') {
        let members = found.into_iter().flat_map(|value| match value {
            Value::Array(items) => items.iter().collect(),
            one => vec![one],
        });
        found = members.filter_map(|value| value.get(part)).collect();
    }
    found
}

/// Sets the value at a path; through a list, that of one member.
pub(crate) fn set(value: &mut Value, path: &str, new: Value, dice: &mut Dice) {
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(a, b)| (a, Some(b)));
    match value {
        Value::Array(items) if !items.is_empty() => {
            let number = dice.below(items.len());
            set(&mut items[number], path, new, dice);
        }
        Value::Object(fields) => match rest {
            None => drop(fields.insert(first.to_owned(), new)),
            Some(rest) => {
                let inner = fields.entry(first.to_owned()).or_insert_with(|| json!({}));
                set(inner, rest, new, dice);
            }
        },
        _ => {}
    }
}

/// Takes the field at a path away; through a list, that of one member.
fn remove(value: &mut Value, path: &str, dice: &mut Dice) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            let number = dice.below(items.len());
            remove(&mut items[number], path, dice);
        }
        Value::Object(fields) => match path.split_once('.') {
            None => drop(fields.remove(path)),
            Some((first, rest)) => {
                if let Some(inner) = fields.get_mut(first) {
                    remove(inner, rest, dice);
                }
            }
        },
        _ => {}
    }
}

/// The same alert but for one field.
pub(crate) fn mutated(raw: &Value, path: &str, dice: &mut Dice) -> Value {
    let mut changed = raw.clone();
    let found = reached(raw, path);
    let before = found.first().map_or(Value::Null, |value| (*value).clone());
    let new = match dice.below(14) {
        0 => {
            remove(&mut changed, path, dice);
            return changed;
        }
        1 => Value::Null,
        2 => json!([]),
        3 => json!(["other", before]),
        4 => json!({"inner": before}),
        5 => json!(*dice.pick(&TEXTS)),
        6 => json!(dice.below(2000)),
        7 => match &before {
            Value::String(text) => text
                .parse::<i64>()
                .map_or(json!(true), |number| json!(number)),
            other => json!(other.to_string()),
        },
        _ => nudged(&before, dice),
    };
    set(&mut changed, path, new, dice);
    changed
}

/// A value that is nearly the same.
fn nudged(value: &Value, dice: &mut Dice) -> Value {
    match value {
        Value::String(text) => json!(nudged_text(text, dice)),
        Value::Number(number) if number.is_i64() => {
            let steps = [-86_400, -3600, -60, -1, 1, 60, 3600, 86_400];
            json!(number.as_i64().unwrap_or_default() + *dice.pick(&steps))
        }
        Value::Number(number) => json!(number.as_f64().unwrap_or_default() + 0.125),
        Value::Bool(truth) => json!(!truth),
        Value::Array(items) => {
            let mut items = items.clone();
            if let Some(last) = items.pop() {
                items.push(nudged(&last, dice));
            }
            json!(items)
        }
        other => other.clone(),
    }
}

fn nudged_text(text: &str, dice: &mut Dice) -> String {
    let characters: Vec<char> = text.chars().collect();
    let place = dice.below(characters.len() + 1);
    let (head, tail) = characters.split_at(place);
    let (head, tail): (String, String) = (head.iter().collect(), tail.iter().collect());
    match dice.below(8) {
        0 => format!("x{text}"),
        1 => format!("{text}x"),
        2 => format!("{head}_{tail}"),
        3 => head,
        4 => tail,
        5 => text.to_uppercase(),
        6 => text.chars().rev().collect(),
        _ => {
            let mut tail = tail.chars();
            let next = tail.next().map_or('z', |next| {
                char::from_u32(u32::from(next) ^ 1).unwrap_or('z')
            });
            format!("{head}{next}{}", tail.as_str())
        }
    }
}
