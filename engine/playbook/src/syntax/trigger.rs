//! Triggers as written.

use engine_model::{Millis, PlaybookName, Timestamp, TriggerId};
use schemars::JsonSchema;
use serde::Deserialize;

use super::place::{Anything, Condition, OneOrMany, Ordered, Spanned};
use super::storm::{Accumulate, Batch, ClockWord, Dedup, Throttle};

/// What starts a run: an id, and exactly one of `alert`, `schedule`, `manual`, `playbook`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-later" = ["webhook"]))]
pub struct Trigger {
    /// Unique among the triggers of the file.
    #[schemars(required)]
    pub id: Option<Spanned<TriggerId>>,
    /// An alert that matches.
    pub alert: Option<Spanned<AlertTrigger>>,
    /// A point in time.
    pub schedule: Option<Spanned<Schedule>>,
    /// A person.
    pub manual: Option<Spanned<Manual>>,
    /// The end of another playbook's run.
    pub playbook: Option<Spanned<PlaybookEnd>>,
    /// Maps what started the run to inputs.
    pub with: Option<Spanned<Ordered<Anything>>>,
    /// Alerts for which an alert trigger must fire or stay silent; checked by `lint`.
    pub examples: Option<Spanned<Examples>>,
}

/// An alert trigger.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertTrigger {
    /// The sources it listens to, one or a list; `defender` means all of Microsoft's.
    #[schemars(required)]
    pub source: Option<OneOrMany<Source>>,
    /// New alerts, changed ones, or both; `[created]` when absent.
    #[schemars(length(min = 1))]
    pub on: Option<Vec<Event>>,
    /// Fields of the alert and what they must be: one value, or a list of which one must match.
    /// `detection` holds Sigma selections and a condition, `sigma` names a rule file.
    #[schemars(extend("properties" = match_forms()))]
    pub r#match: Option<Spanned<Ordered<Anything>>>,
    /// An expression over `alert` that must be true as well.
    pub r#where: Option<Condition>,
    /// By which clock the windows below are measured; `alert` when absent.
    pub clock: Option<Spanned<ClockWord>>,
    /// Of alerts with one key only the first counts.
    pub dedup: Option<Spanned<Dedup>>,
    /// A group of alerts has to reach a number.
    pub accumulate: Option<Spanned<Accumulate>>,
    /// Silence for the same group after a start.
    pub suppress: Option<Spanned<Millis>>,
    /// One run for many alerts.
    pub batch: Option<Spanned<Batch>>,
    /// No more than so many starts in a time.
    pub throttle: Option<Spanned<Throttle>>,
}

/// The keys of `match` that are no fields.
fn match_forms() -> serde_json::Value {
    let text = serde_json::json!({ "type": "string" });
    serde_json::json!({
        "detection": {
            "description": "Named Sigma selections, and a `condition` over their names.",
            "type": "object",
            "properties": {
                "condition": {
                    "description": "Such as `selection and not 1 of filter_*`.",
                    "anyOf": [text, { "type": "array", "items": text, "minItems": 1 }],
                },
            },
            "additionalProperties": {},
            "required": ["condition"],
        },
        "sigma": {
            "description": "A Sigma rule file, its path relative to the playbook.",
            "anyOf": [text, {
                "type": "object",
                "properties": {
                    "file": {
                        "description": "The rule file, its path relative to the playbook.",
                        "type": "string",
                    },
                    "fields": {
                        "description": "Fields of the rule, and where the alert has them.",
                        "type": "object",
                        "additionalProperties": text,
                    },
                },
                "required": ["file"],
                "additionalProperties": false,
            }],
        },
    })
}

/// Where alerts come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// All sources of Microsoft: `mde`, `xdr`, `graph_alerts`, `graph_incidents`, `stream`.
    Defender,
    /// Alerts of Microsoft Defender for Endpoint.
    Mde,
    /// Incidents of Microsoft Defender XDR.
    Xdr,
    /// `alerts_v2` alerts of Microsoft Graph security.
    GraphAlerts,
    /// Incidents of Microsoft Graph security.
    GraphIncidents,
    /// Records of the streaming API.
    Stream,
    /// Alerts already in the normalised shape.
    Api,
}

/// A change of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// The alert is new.
    Created,
    /// A known alert changed.
    Updated,
}

/// Alerts that say how a trigger is meant, in the normalised shape; fields may be left out.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    /// The trigger must fire for each of these.
    #[schemars(with = "Option<Vec<std::collections::BTreeMap<String, serde_json::Value>>>")]
    pub fires: Option<Vec<Anything>>,
    /// The trigger must stay silent for each of these.
    #[schemars(with = "Option<Vec<std::collections::BTreeMap<String, serde_json::Value>>>")]
    pub ignores: Option<Vec<Anything>>,
}

/// A schedule.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Five fields as in crontab, or a shorthand such as `@daily`.
    pub cron: Option<String>,
    /// A length of time, instead of `cron`; counted from `start`, else from midnight UTC of
    /// 1 January 1970.
    pub every: Option<Spanned<Millis>>,
    /// An IANA time zone; `UTC` when absent.
    pub timezone: Option<Spanned<String>>,
    /// What happens to instants that passed while the engine was down; `latest` when absent.
    pub missed: Option<MissedWord>,
    /// With `missed: all`, how many are made up for at the most; `10` when absent.
    #[schemars(range(min = 1, max = 1000))]
    pub max_catchup: Option<Spanned<u32>>,
    /// What happens while the run of an earlier instant is going on; `skip` when absent.
    pub overlap: Option<OverlapWord>,
    /// Each run begins up to so much later, always by the same time for the same instant.
    pub jitter: Option<Spanned<Millis>>,
    /// No instant before this.
    pub start: Option<Timestamp>,
    /// No instant after this.
    pub end: Option<Timestamp>,
}

/// What happens to planned instants that passed while the engine was down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MissedWord {
    /// They are left out.
    Skip,
    /// The latest one is made up for.
    Latest,
    /// All are made up for.
    All,
}

/// What happens to an instant while the run of an earlier one is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OverlapWord {
    /// It is left out, and counted.
    Skip,
    /// Its run begins once that one is over.
    Queue,
    /// Its run begins beside that one.
    Allow,
}

/// The end of another playbook's run.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaybookEnd {
    /// The other playbook.
    #[schemars(required)]
    pub name: Option<PlaybookName>,
    /// How the run ended; `[failed]` when absent.
    #[schemars(length(min = 1))]
    pub status: Option<Vec<EndWord>>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndWord {
    /// It reached its end.
    Succeeded,
    /// A step failed and nothing handled it.
    Failed,
    /// It passed its deadline.
    TimedOut,
    /// Somebody, or a `stop`, cancelled it.
    Cancelled,
    /// A person said no.
    Denied,
    /// A guard rail said no.
    Refused,
}

/// A start by hand.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manual {
    /// Roles of which the person needs one; everybody when absent.
    pub roles: Option<Vec<String>>,
    /// A text to confirm.
    pub confirm: Option<String>,
}
