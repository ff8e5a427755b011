//! The page behind a link: what is asked, and two buttons.
//!
//! Most of what it shows comes from alerts, and whoever can have an alert raised chooses that text.

use std::fmt::Write as _;

use engine_driver::Asked;
use serde_json::Value;

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:44em;margin:2em auto;padding:0 1em}\
    pre,blockquote{background:#f3f3f3;padding:1em;overflow:auto;margin:0;white-space:pre-wrap;\
    overflow-wrap:anywhere}\
    button{font-size:1em;padding:.5em 1.5em;margin:1em 1em 0 0}\
    label{display:block;margin:.5em 0}dt{font-weight:bold}";

/// The page of a question; `why_not` where its reader may not answer.
pub(crate) fn question(asked: &Asked, reader: &str, why_not: Option<&str>) -> String {
    let question = &asked.question;
    let mut body = format!(
        "<p>{}, you are asked whether this may be done. It was written by the playbook; names and \
         titles in it come from alerts.</p><blockquote>{}</blockquote>",
        escaped(reader),
        escaped(&question.ask.message)
    );
    if !question.shown.is_null() {
        let shown = serde_json::to_string_pretty(&question.shown).unwrap_or_default();
        let lines: Vec<String> = shown.lines().map(escaped).collect();
        let _ = write!(body, "<p>In full:</p><pre>{}</pre>", lines.join("\n"));
    }
    let agreed = asked.agreed().join(", ");
    let facts = [
        ("Playbook", asked.playbook.to_string()),
        ("Run", asked.run.to_string()),
        ("Step", question.step.clone()),
        ("Started by", asked.cause.clone()),
        ("Time until", question.until.to_string()),
        ("Have to agree", question.ask.quorum.to_string()),
        ("Agreed", agreed),
    ];
    body.push_str("<dl>");
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = write!(body, "<dt>{name}</dt><dd>{}</dd>", escaped(value));
    }
    body.push_str("</dl>");
    match why_not {
        Some(why) => {
            let _ = write!(body, "<p><strong>{}</strong></p>", escaped(why));
        }
        None => body.push_str(&form(question.ask.form.as_ref())),
    }
    whole("A decision is needed", &body)
}

/// A page that says one thing.
pub(crate) fn message(title: &str, text: &str) -> String {
    whole(title, &format!("<p>{}</p>", escaped(text)))
}

/// Posts to where the page came from.
fn form(schema: Option<&Value>) -> String {
    let mut out = "<form method=\"post\">".to_owned();
    let fields = schema
        .and_then(|schema| schema.get("properties"))
        .and_then(Value::as_object);
    let required = schema.and_then(|schema| schema.get("required"));
    for (name, field) in fields.into_iter().flatten() {
        let text = |key: &str| field.get(key).and_then(Value::as_str).unwrap_or_default();
        let needed = required
            .and_then(Value::as_array)
            .is_some_and(|names| names.iter().any(|needed| needed == name));
        let mark = if needed { " (needed for a yes)" } else { "" };
        let _ = write!(
            out,
            "<label>{}{mark} {}<br>",
            escaped(name),
            escaped(text("description"))
        );
        match field.get("enum").and_then(Value::as_array) {
            Some(choices) => {
                let _ = write!(out, "<select name=\"{}\"><option></option>", escaped(name));
                for choice in choices {
                    let choice = choice
                        .as_str()
                        .map_or_else(|| choice.to_string(), str::to_owned);
                    let _ = write!(out, "<option>{}</option>", escaped(&choice));
                }
                out.push_str("</select></label>");
            }
            None => {
                let _ = write!(out, "<input name=\"{}\"></label>", escaped(name));
            }
        }
    }
    out.push_str(
        "<label>Comment<br><textarea name=\"comment\" rows=\"3\" cols=\"40\" maxlength=\"2000\">\
         </textarea></label>\
         <button name=\"decision\" value=\"approve\">Yes, do it</button>\
         <button name=\"decision\" value=\"deny\">No</button></form>",
    );
    out
}

fn whole(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><h1>{title}</h1>{body}</body></html>"
    )
}

/// Text as text: no markup, and nothing that turns the direction of what follows or hides.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}' => out.extend(c.escape_default()),
            c if c.is_control() && c != '\n' => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_an_alert_is_neither_markup_nor_an_attribute() {
        let hostile = "</blockquote><script>x</script>\" onload='y' \u{202e}\u{200b}\u{7}";
        let shown = escaped(hostile);
        assert!(!shown.contains(['<', '>', '"', '\'', '\u{202e}', '\u{200b}', '\u{7}']));
        let page = message("t", hostile);
        assert_eq!(page.matches("<script").count(), 0, "{page}");
    }

    #[test]
    fn the_names_of_a_form_stay_inside_their_attributes() {
        let schema = serde_json::json!({ "properties": { "a\"><b": { "type": "string" } } });
        let page = form(Some(&schema));
        assert!(page.contains("name=\"a&quot;&gt;&lt;b\""), "{page}");
    }
}
