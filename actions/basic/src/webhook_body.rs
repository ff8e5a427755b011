//! The bodies that hooks understand, within the limits their services document.

use actions_contract::Call;
use serde_json::{Value, json};

use crate::NotifyWebhook;

/// Slack: at most 150 characters in a header block.
const SLACK_TITLE_CHARS: usize = 150;
/// Slack: at most 12,000 characters in the markdown blocks of a message.
const SLACK_TEXT_CHARS: usize = 12_000;
/// Slack: at most ten fields in a section block, each of at most 2,000 characters.
const SLACK_FIELDS: usize = 10;
const SLACK_FIELD_CHARS: usize = 2000;
/// Slack: at most 50 blocks; the header and the text are two of them.
const SLACK_SECTIONS: usize = 48;
/// Teams: at most 28 KB in a message; this leaves room for title and facts.
const TEAMS_TEXT_CHARS: usize = 10_000;
const TEAMS_FACTS: usize = 20;
const TEAMS_FACT_CHARS: usize = 200;

/// A message of Slack blocks; a markdown block takes the same markdown as playbooks.
pub(crate) fn slack(message: &NotifyWebhook) -> Value {
    let title = cut(&message.title, SLACK_TITLE_CHARS);
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": title, "emoji": false },
    })];
    if !message.text.is_empty() {
        let text = cut(&message.text, SLACK_TEXT_CHARS);
        blocks.push(json!({ "type": "markdown", "text": text }));
    }
    let facts: Vec<_> = message.facts.iter().collect();
    for facts in facts.chunks(SLACK_FIELDS).take(SLACK_SECTIONS) {
        let fields: Vec<Value> = facts
            .iter()
            .map(|(name, value)| {
                let text = cut(&format!("{name}: {value}"), SLACK_FIELD_CHARS);
                json!({ "type": "plain_text", "text": text, "emoji": false })
            })
            .collect();
        blocks.push(json!({ "type": "section", "fields": fields }));
    }
    // Shown in notifications, where blocks are not; it is read as mrkdwn.
    json!({ "text": slack_escaped(&title), "blocks": blocks })
}

/// A message with an Adaptive Card, as Teams workflows take it.
pub(crate) fn teams(message: &NotifyWebhook) -> Value {
    let mut body = vec![json!({
        "type": "RichTextBlock",
        "inlines": [{
            "type": "TextRun",
            "text": cut(&message.title, TEAMS_FACT_CHARS),
            "size": "Large",
            "weight": "Bolder",
        }],
    })];
    if !message.text.is_empty() {
        let text = cut(&message.text, TEAMS_TEXT_CHARS);
        body.push(json!({ "type": "TextBlock", "text": text, "wrap": true }));
    }
    if !message.facts.is_empty() {
        let facts: Vec<Value> = message
            .facts
            .iter()
            .take(TEAMS_FACTS)
            .map(|(name, value)| {
                json!({
                    "title": cut(name, TEAMS_FACT_CHARS),
                    "value": card_escaped(&cut(value, TEAMS_FACT_CHARS)),
                })
            })
            .collect();
        body.push(json!({ "type": "FactSet", "facts": facts }));
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": { "width": "Full" },
                "body": body,
            },
        }],
    })
}

/// The message as it is, with where it comes from.
pub(crate) fn plain(message: &NotifyWebhook, call: &Call) -> Value {
    json!({
        "title": message.title,
        "text": message.text,
        "facts": message.facts,
        "playbook": call.playbook,
        "run": call.run,
        "step": call.step,
    })
}

fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let mut text: String = text.chars().take(chars_max - 1).collect();
    text.push('…');
    text
}

/// The three characters that Slack's own markup gives a meaning.
fn slack_escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Cards read the values of facts as markdown; a value is a value.
fn card_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '*' | '_' | '[' | ']' | '(' | ')' | '`' | '#' | '<' | '>'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
