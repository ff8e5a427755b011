//! Match lines of every modifier, made from an alert so that they match it or nearly do.

use serde_json::{Value, json};

use crate::alerts::{TEXTS, at, reached, set};
use crate::dice::Dice;

/// Every modifier, by the name it is written; `""` is a line without any.
pub(crate) const MODIFIERS: [&str; 33] = [
    "",
    "all",
    "base64",
    "base64offset",
    "cased",
    "cidr",
    "contains",
    "day",
    "endswith",
    "exists",
    "expand",
    "fieldref",
    "gt",
    "gte",
    "hour",
    "i",
    "lt",
    "lte",
    "m",
    "minute",
    "month",
    "neq",
    "re",
    "s",
    "startswith",
    "utf16",
    "utf16be",
    "utf16le",
    "week",
    "wide",
    "windash",
    "year",
    "keyword",
];

/// A line: `field|modifiers`, its values, and the alert it was made for.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) path: &'static str,
    pub(crate) key: String,
    pub(crate) value: Value,
}

impl Line {
    /// A value that a line with `neq` or `exists` does not match.
    pub(crate) fn unwanted(&self) -> Option<Value> {
        if self.key.ends_with("|exists") {
            return Some(if self.value == json!(true) {
                Value::Null
            } else {
                json!("here")
            });
        }
        if !self.key.ends_with("|neq") {
            return None;
        }
        let value = match &self.value {
            Value::Array(values) => values.first()?,
            one => one,
        };
        Some(match value.as_str() {
            Some(text) => json!(
                text.replace("\\*", "*")
                    .replace("\\?", "?")
                    .replace("\\\\", "\\")
            ),
            None => value.clone(),
        })
    }
}

const TEXT_PATHS: [&str; 5] = ["cmd", "path", "user.name", "tags", "items.name"];

/// A part of `text`, on the borders of characters.
fn part(text: &str, dice: &mut Dice) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.is_empty() {
        return String::new();
    }
    let from = dice.below(characters.len());
    let to = from + 1 + dice.below(characters.len() - from);
    characters[from..to].iter().collect()
}

fn head(text: &str, dice: &mut Dice) -> String {
    let count = text.chars().count();
    text.chars().take(1 + dice.below(count.max(1))).collect()
}

fn tail(text: &str, dice: &mut Dice) -> String {
    let count = text.chars().count();
    text.chars().skip(dice.below(count.max(1))).collect()
}

/// As it is written in a value, where wildcards and backslashes stand for themselves.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('*', "\\*")
        .replace('?', "\\?")
}

/// Sometimes in another case.
fn recased(text: String, dice: &mut Dice) -> String {
    match dice.below(4) {
        0 => text.to_uppercase(),
        1 => text.to_lowercase(),
        _ => text,
    }
}

/// The first text at a path.
fn text_at(raw: &Value, path: &str) -> String {
    let found = reached(raw, path);
    let first = match found.first() {
        Some(Value::Array(items)) => items.first(),
        other => other.copied(),
    };
    first
        .and_then(Value::as_str)
        .unwrap_or("nothing")
        .to_owned()
}

/// A value with wildcards that `text` fits.
fn wild(text: &str, dice: &mut Dice) -> String {
    let characters: Vec<char> = text.chars().collect();
    let from = dice.below(characters.len() + 1);
    let to = from + dice.below(characters.len() - from + 1);
    let (head, tail): (String, String) = (
        characters[..from].iter().collect(),
        characters[to..].iter().collect(),
    );
    let middle = match dice.below(3) {
        0 => "?".repeat(to - from),
        1 => "*".to_owned(),
        _ => format!(
            "*{}*",
            escaped(&part(
                &characters[from..to].iter().collect::<String>(),
                dice
            ))
        ),
    };
    format!("{}{middle}{}", escaped(&head), escaped(&tail))
}

/// One value or a list that holds it among others.
fn listed(value: Value, dice: &mut Dice) -> Value {
    match dice.below(4) {
        0 => json!([value, "something else"]),
        1 => json!(["another", value]),
        _ => value,
    }
}

/// A line with `modifier` that probably matches `raw`, which may be changed for it.
pub(crate) fn line(modifier: &str, raw: &mut Value, dice: &mut Dice) -> Line {
    match modifier {
        "" => plain(raw, dice),
        "all" => all(raw, dice),
        "base64" | "base64offset" | "utf16" | "utf16be" | "utf16le" | "wide" => {
            encoded(modifier, raw, dice)
        }
        "cidr" => cidr(raw, dice),
        "day" | "hour" | "minute" | "month" | "week" | "year" => time(modifier, raw, dice),
        "exists" => exists(raw, dice),
        "expand" => expand(raw, dice),
        "fieldref" => fieldref(raw, dice),
        "gt" | "gte" | "lt" | "lte" => number(modifier, raw, dice),
        "i" | "m" | "re" | "s" => regex(modifier, raw, dice),
        "neq" => neq(raw, dice),
        "windash" => windash(raw, dice),
        "keyword" => keyword(raw, dice),
        _ => text(modifier, raw, dice),
    }
}

fn made(path: &'static str, modifiers: &str, value: Value) -> Line {
    let key = match (path, modifiers) {
        ("", _) => String::new(),
        (_, "") => format!("raw.{path}"),
        _ => format!("raw.{path}|{modifiers}"),
    };
    Line { path, key, value }
}

fn plain(raw: &Value, dice: &mut Dice) -> Line {
    match dice.below(6) {
        0 => {
            let path = *dice.pick(&["n", "f", "items.size", "since"]);
            let value = reached(raw, path)
                .first()
                .map_or(json!(1), |value| (*value).clone());
            made(path, "", listed(value, dice))
        }
        1 => made("flag", "", at(raw, "flag").cloned().unwrap_or_default()),
        2 => made("nothing", "", Value::Null),
        3 => {
            let path = *dice.pick(&TEXT_PATHS);
            made(path, "", json!(wild(&text_at(raw, path), dice)))
        }
        _ => {
            let path = *dice.pick(&TEXT_PATHS);
            let value = escaped(&text_at(raw, path));
            let value = json!(recased(value, dice));
            made(path, "", listed(value, dice))
        }
    }
}

fn text(modifier: &str, raw: &Value, dice: &mut Dice) -> Line {
    let path = *dice.pick(&TEXT_PATHS);
    let whole = text_at(raw, path);
    let (modifiers, value) = match modifier {
        "cased" => match dice.below(4) {
            0 => ("contains|cased", part(&whole, dice)),
            1 => ("startswith|cased", head(&whole, dice)),
            2 => ("endswith|cased", tail(&whole, dice)),
            _ => ("cased", whole),
        },
        "contains" => ("contains", part(&whole, dice)),
        "startswith" => ("startswith", head(&whole, dice)),
        _ => ("endswith", tail(&whole, dice)),
    };
    let value = escaped(&value);
    let cased = modifiers.contains("cased");
    let value = if cased && !dice.once_in(4) {
        value
    } else {
        recased(value, dice)
    };
    made(path, modifiers, listed(json!(value), dice))
}

fn all(raw: &Value, dice: &mut Dice) -> Line {
    let path = *dice.pick(&TEXT_PATHS);
    let whole = text_at(raw, path);
    let parts: Vec<Value> = (0..2 + dice.below(2))
        .map(|_| json!(recased(escaped(&part(&whole, dice)), dice)))
        .collect();
    made(path, "contains|all", json!(parts))
}

/// The alert gets a text that holds the encoded value.
fn encoded(modifier: &str, raw: &mut Value, dice: &mut Dice) -> Line {
    let path = *dice.pick(&["cmd", "path", "user.name"]);
    let secret = *dice.pick(&["IEX (New-Object", "http://evil", "mimikatz", "whoami /all"]);
    let secret = if dice.once_in(3) {
        head(secret, dice)
    } else {
        secret.to_owned()
    };
    let wide = match modifier {
        "base64" | "base64offset" => *dice.pick(&["", "", "wide|", "utf16le|", "utf16be|"]),
        other => other,
    };
    let wide = wide.trim_end_matches('|');
    let offset = modifier == "base64offset" || (modifier != "base64" && dice.once_in(2));
    let before = if offset {
        &"abcdef"[..dice.below(6)]
    } else {
        ""
    };
    let after = if offset {
        &"ghijkl"[..dice.below(6)]
    } else {
        ""
    };
    let bytes = |text: &str| -> Vec<u8> {
        match wide {
            "" => text.as_bytes().to_vec(),
            "utf16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            _ => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        }
    };
    let mut inner = if wide == "utf16" {
        vec![0xff, 0xfe]
    } else {
        Vec::new()
    };
    inner.extend(bytes(&secret));
    let whole = [bytes(before), inner, bytes(after)].concat();
    let held = if offset || dice.once_in(2) {
        format!("run {} now", base64(&whole))
    } else {
        base64(&whole)
    };
    let exact = held == base64(&whole) && !offset;
    set(raw, path, json!(held), dice);
    let strategy = if offset { "base64offset" } else { "base64" };
    let place = if exact && dice.once_in(2) {
        ""
    } else {
        "|contains"
    };
    let wide = if wide.is_empty() {
        String::new()
    } else {
        format!("{wide}|")
    };
    made(path, &format!("{wide}{strategy}{place}"), json!(secret))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks(3).map(|group| {
        let number = group
            .iter()
            .fold(0u32, |sum, byte| sum << 8 | u32::from(*byte));
        let number = number << (8 * (3 - group.len()));
        (0..4)
            .map(|place| match place <= group.len() {
                true => char::from(DIGITS[(number >> (18 - 6 * place) & 63) as usize]),
                false => '=',
            })
            .collect::<String>()
    });
    groups.collect()
}

fn cidr(raw: &Value, dice: &mut Dice) -> Line {
    let path = *dice.pick(&["ip", "items.ip"]);
    let address = text_at(raw, path);
    let network = match address.split_once('.') {
        Some((first, _)) => {
            let parts: Vec<&str> = address.split('.').collect();
            match dice.below(5) {
                0 => format!("{first}.0.0.0/8"),
                1 => format!("{first}.{}.0.0/16", parts[1]),
                2 => format!("{first}.{}.{}.0/24", parts[1], parts[2]),
                3 => format!("{address}/32"),
                _ => "192.168.0.0/16".to_owned(),
            }
        }
        None => (*dice.pick(&["2001:db8::/32", "2001:db8::/48", "fe80::/10", "::/0"])).to_owned(),
    };
    let value = match dice.below(3) {
        0 => json!([network, "198.51.100.0/24"]),
        _ => json!(network),
    };
    made(path, "cidr", value)
}

fn exists(raw: &mut Value, dice: &mut Dice) -> Line {
    let path = *dice.pick(&[
        "cmd",
        "user.name",
        "items.name",
        "nothing",
        "missing",
        "n",
        "user",
    ]);
    if dice.once_in(4) {
        set(raw, "missing", json!("here"), dice);
    }
    made(path, "exists", json!(!dice.once_in(3)))
}

fn expand(raw: &mut Value, dice: &mut Dice) -> Line {
    let whole = text_at(raw, "user.name");
    let (before, after) = (
        *dice.pick(&["C:\\Users\\", "", "by "]),
        *dice.pick(&["\\a", "", " x"]),
    );
    let held = format!("{before}{whole}{after}");
    let held = recased(held, dice);
    set(raw, "cmd", json!(held), dice);
    made(
        "cmd",
        "expand",
        json!(format!("{before}%raw.user.name%{after}")),
    )
}

fn fieldref(raw: &mut Value, dice: &mut Dice) -> Line {
    let whole = text_at(raw, "user.name");
    let (modifiers, held) = match dice.below(5) {
        0 => ("fieldref|contains", format!("a {whole} b")),
        1 => ("fieldref|startswith", format!("{whole} b")),
        2 => ("fieldref|endswith", format!("a {whole}")),
        3 => ("fieldref|cased", whole),
        _ => ("fieldref", whole),
    };
    let held = recased(held, dice);
    set(raw, "cmd", json!(held), dice);
    made("cmd", modifiers, json!("raw.user.name"))
}

fn number(modifier: &str, raw: &Value, dice: &mut Dice) -> Line {
    let path = *dice.pick(&["n", "f", "port", "items.size", "since"]);
    let found = reached(raw, path);
    let found = found.first().map_or(json!(0), |value| (*value).clone());
    let text = found
        .as_str()
        .map(str::to_owned)
        .unwrap_or(found.to_string());
    let number: f64 = text.parse().unwrap_or_default();
    let away = f64::from(u32::try_from(dice.below(3)).unwrap());
    let toward = if modifier.starts_with('g') {
        -away
    } else {
        away
    };
    let limit = number + toward;
    let value = if limit.fract() == 0.0 && !dice.once_in(4) {
        #[expect(clippy::cast_possible_truncation, reason = "small and whole")]
        let whole = limit as i64;
        json!(whole)
    } else {
        json!(limit)
    };
    made(path, modifier, value)
}

fn time(modifier: &str, raw: &Value, dice: &mut Dice) -> Line {
    let path = *dice.pick(&["when", "when", "since"]);
    let text = text_at(raw, path);
    let number = |from: usize, to: usize| {
        text.get(from..to)
            .and_then(|digits| digits.parse::<i64>().ok())
            .unwrap_or(1)
    };
    let value = match modifier {
        "year" => number(0, 4),
        "month" => number(5, 7),
        "day" => number(8, 10),
        "hour" => number(11, 13),
        "minute" => number(14, 16),
        _ => match number(0, 4) * 100 + number(5, 7) {
            202_611 => 47,
            202_402 => 9,
            202_606 => 25,
            202_103 => 12,
            202_512 | 202_001 => 1,
            _ => *dice.pick(&[47, 9, 1, 25, 12, 53]),
        },
    };
    let value = match dice.below(4) {
        0 => json!([value, value + 1, value + 2]),
        _ => json!(value),
    };
    made(path, modifier, value)
}

/// Any of `list`, or the text itself, as a regular expression.
fn regex(modifier: &str, raw: &Value, dice: &mut Dice) -> Line {
    let path = *dice.pick(&TEXT_PATHS);
    let whole = text_at(raw, path);
    let literal = |text: &str| -> String {
        let special = "\\.+*?()|[]{}^$#&-~/ '\"%:@\n";
        let each = text.chars().map(|one| match one {
            '\n' => "\\n".to_owned(),
            one if one.is_ascii_alphanumeric() || !one.is_ascii() => one.to_string(),
            one if special.contains(one)
                && one != '\''
                && one != '"'
                && one != '%'
                && one != ':'
                && one != '@'
                && one != ' '
                && one != '/' =>
            {
                format!("\\{one}")
            }
            one => one.to_string(),
        });
        each.collect()
    };
    let piece = literal(&part(&whole, dice));
    let (modifiers, pattern) = match modifier {
        "i" => ("re|i", recased_literal(&piece, dice)),
        "m" => (
            "re|m",
            format!(
                "^{}",
                literal(&head(whole.lines().last().unwrap_or(""), dice))
            ),
        ),
        "s" => ("re|s", format!("{}.*", literal(&head(&whole, dice)))),
        _ => match dice.below(4) {
            0 => ("re", format!("^{}$", literal(&whole))),
            1 => ("re", format!("({piece}|nothing at all)")),
            2 => ("re", format!("[a-z]+.*{piece}")),
            _ => ("re", piece),
        },
    };
    made(path, modifiers, json!(pattern))
}

/// In another case, escapes left alone.
fn recased_literal(pattern: &str, dice: &mut Dice) -> String {
    if pattern.contains("\\n") {
        return pattern.to_owned();
    }
    recased(pattern.to_owned(), dice)
}

fn neq(raw: &Value, dice: &mut Dice) -> Line {
    let path = *dice.pick(&["cmd", "path", "user.name", "n", "tags"]);
    let value = match path {
        "n" => json!(dice.below(2000)),
        _ if dice.once_in(3) => json!(escaped(&text_at(raw, path))),
        _ => json!(escaped(TEXTS[dice.below(TEXTS.len())])),
    };
    made(path, "neq", listed(value, dice))
}

fn windash(raw: &mut Value, dice: &mut Dice) -> Line {
    let option = *dice.pick(&["-enc", "-NoProfile", "/enc", "-e a-b", "--all"]);
    let dash = *dice.pick(&["-", "/", "\u{2013}", "\u{2014}", "\u{2015}", "+"]);
    let held = option.replacen(['-', '/'], dash, 1);
    set(raw, "cmd", json!(format!("tool.exe {held} x")), dice);
    let modifiers = *dice.pick(&["windash|contains", "contains|windash"]);
    made("cmd", modifiers, listed(json!(format!(" {option} ")), dice))
}

fn keyword(raw: &Value, dice: &mut Dice) -> Line {
    let path = *dice.pick(&TEXT_PATHS);
    let whole = text_at(raw, path);
    let longer = (0..8).map(|_| part(&whole, dice)).max_by_key(String::len);
    let word = longer.unwrap_or_default();
    let word = recased(escaped(&word), dice);
    Line {
        path,
        key: String::new(),
        value: json!([word, "a word that nothing holds"]),
    }
}
