//! The timeline of runs: as it happens, for people on a terminal, for people elsewhere, for
//! programs.

use std::sync::Mutex;

use anstyle::{AnsiColor, Style};
use engine_broker::{TokenEvent, TokenEventKind};
use engine_driver::RunNews;
use engine_model::Timestamp;
use engine_run::{NewsKind, RunStatus, StepStatus};
use serde_json::{Value, json};

use crate::args::Format;
use crate::plain::Plain;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const QUIET: Style = AnsiColor::BrightBlack.on_default();
const WAIT: Style = AnsiColor::Yellow.on_default();
const BOLD: Style = Style::new().bold();

/// Prints what happens.
pub(crate) struct Timeline {
    format: Format,
    began: Mutex<Option<Timestamp>>,
}

impl Timeline {
    pub(crate) const fn new(format: Format) -> Self {
        Self {
            format,
            began: Mutex::new(None),
        }
    }

    /// A line that belongs to no run.
    pub(crate) fn say(&self, at: Timestamp, event: &str, fields: Value, text: &str) {
        match self.format {
            Format::Human => self.line(at, ("·", QUIET), "", text),
            Format::Json => {
                let mut object = json!({ "at": at, "event": event });
                if let (Value::Object(object), Value::Object(fields)) = (&mut object, fields) {
                    object.extend(fields);
                }
                anstream::println!("{object}");
            }
        }
    }

    /// What a run came to say.
    pub(crate) fn news(&self, news: &RunNews) {
        if self.format == Format::Json {
            let mut value = serde_json::to_value(news).unwrap_or_default();
            if let Value::Object(object) = &mut value {
                object.insert("event".to_owned(), json!("run"));
            }
            anstream::println!("{value}");
            return;
        }
        let at = news.news.at;
        let step = &news.news.step;
        let who = if step.is_empty() {
            news.playbook.to_string()
        } else {
            format!("{} · {step}", news.playbook)
        };
        let (mark, style, text) = words(&news.news.kind);
        self.line(at, (mark, style), &who, &text);
    }

    /// What happened to a token; never the token.
    pub(crate) fn token(&self, at: Timestamp, event: &TokenEvent) {
        let told = matches!(
            event.kind,
            TokenEventKind::Issued | TokenEventKind::Failed | TokenEventKind::Used
        );
        if !told {
            return;
        }
        let subject = &event.subject;
        let name = event.token.as_deref().unwrap_or("-");
        match self.format {
            Format::Json => anstream::println!(
                "{}",
                json!({
                    "at": at, "event": event.kind.as_str(), "token": event.token,
                    "connection": subject.connection, "api": subject.api,
                    "run": subject.run, "step": subject.step,
                    "source": event.source.map(engine_broker::TokenSource::as_str),
                })
            ),
            Format::Human if event.kind == TokenEventKind::Used => {}
            Format::Human => {
                let api = subject.api.as_str();
                let text = match event.kind {
                    TokenEventKind::Failed => format!("no token for {api}"),
                    _ => format!(
                        "token {name} for {api} by connection {}",
                        subject.connection
                    ),
                };
                self.line(at, ("⚿", QUIET), "", &text);
            }
        }
    }

    fn line(&self, at: Timestamp, (mark, style): (&str, Style), who: &str, text: &str) {
        let began = {
            let mut began = self
                .began
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            *began.get_or_insert(at)
        };
        let since = at.since(began).as_ms();
        let clock = format!("{:>3}.{:03}s", since / 1000, since % 1000);
        anstream::println!(
            "{QUIET}{clock}{QUIET:#} {style}{mark}{style:#} {BOLD}{:<34}{BOLD:#} {}",
            Plain(who),
            Plain(text),
        );
    }
}

fn words(kind: &NewsKind) -> (&'static str, Style, String) {
    match kind {
        NewsKind::RunStarted { trigger } => {
            ("▶", BOLD, format!("run begins, by trigger {trigger}"))
        }
        NewsKind::StepStarted { action, name } => {
            let action = action
                .as_ref()
                .map(|action| format!("{action} "))
                .unwrap_or_default();
            let name = name
                .as_ref()
                .map(|name| format!("({name})"))
                .unwrap_or_default();
            ("→", Style::new(), format!("{action}{name}"))
        }
        NewsKind::StepWaits { note, until } => ("…", WAIT, format!("{note}; next look at {until}")),
        NewsKind::StepAnswered {
            by,
            decision,
            comment,
        } => {
            let comment = comment.as_ref().map(|comment| format!(": {comment}"));
            let comment = comment.unwrap_or_default();
            (
                "✍",
                BOLD,
                format!("{by} answers {}{comment}", decision.as_str()),
            )
        }
        NewsKind::StepReconciles { reason } => (
            "?",
            WAIT,
            format!("outcome unknown ({reason}); asking the service"),
        ),
        NewsKind::StepRetries { reason, at } => ("↻", WAIT, format!("{reason}; again at {at}")),
        NewsKind::StepEnded {
            status,
            output,
            error,
        } => ended(*status, output, error),
        NewsKind::RunEnded { status, reason } => {
            let reason = reason
                .as_ref()
                .map(|reason| format!(": {reason}"))
                .unwrap_or_default();
            let (mark, style) = match status {
                RunStatus::Succeeded => ("✔", GOOD),
                RunStatus::Running => ("▶", BOLD),
                RunStatus::Failed
                | RunStatus::TimedOut
                | RunStatus::Cancelled
                | RunStatus::Denied
                | RunStatus::Refused => ("✘", BAD),
            };
            (mark, style, format!("run {}{reason}", status.as_str()))
        }
    }
}

fn ended(
    status: StepStatus,
    output: &Option<Value>,
    error: &Option<Value>,
) -> (&'static str, Style, String) {
    let message = error
        .as_ref()
        .and_then(|error| error.get("message"))
        .and_then(Value::as_str);
    match status {
        StepStatus::Succeeded => ("✓", GOOD, short(output.as_ref())),
        StepStatus::Simulated => ("○", WAIT, format!("simulated {}", short(output.as_ref()))),
        StepStatus::Skipped => ("–", QUIET, "skipped".to_owned()),
        other => (
            "✗",
            BAD,
            format!("{}: {}", other.as_str(), message.unwrap_or("no reason")),
        ),
    }
}

/// The fields of an output that say most, in one line.
fn short(output: Option<&Value>) -> String {
    const TELLING: [&str; 8] = [
        "status",
        "type",
        "computer_dns_name",
        "id",
        "machine_id",
        "decoded",
        "text",
        "title",
    ];
    let Some(output) = output else {
        return String::new();
    };
    let told: Vec<String> = TELLING
        .iter()
        .filter_map(|key| {
            let value = output.get(key)?;
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let text: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
            (!value.is_null()).then(|| format!("{key}={text}"))
        })
        .take(4)
        .collect();
    match output.get("rows").and_then(Value::as_array) {
        Some(rows) => format!("{} rows", rows.len()),
        None => told.join(" "),
    }
}
