//! An action on a device. Its status follows from the time.

use serde_json::{Value, json};

use crate::options::{Ending, Options};
use crate::wire;

/// The documented types of machine actions that the emulator performs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    CollectInvestigationPackage,
    Isolate,
    LiveResponse,
    Offboard,
    RestrictCodeExecution,
    RunAntiVirusScan,
    StopAndQuarantineFile,
    Unisolate,
    UnrestrictCodeExecution,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::CollectInvestigationPackage => "CollectInvestigationPackage",
            Self::Isolate => "Isolate",
            Self::LiveResponse => "LiveResponse",
            Self::Offboard => "Offboard",
            Self::RestrictCodeExecution => "RestrictCodeExecution",
            Self::RunAntiVirusScan => "RunAntiVirusScan",
            Self::StopAndQuarantineFile => "StopAndQuarantineFile",
            Self::Unisolate => "Unisolate",
            Self::UnrestrictCodeExecution => "UnrestrictCodeExecution",
        }
    }

    /// The permission that submitting it, and cancelling it, asks for.
    pub(crate) const fn permission(self) -> &'static str {
        match self {
            Self::CollectInvestigationPackage => "Machine.CollectForensics",
            Self::Isolate | Self::Unisolate => "Machine.Isolate",
            Self::LiveResponse => "Machine.LiveResponse",
            Self::Offboard => "Machine.Offboard",
            Self::RestrictCodeExecution | Self::UnrestrictCodeExecution => {
                "Machine.RestrictExecution"
            }
            Self::RunAntiVirusScan => "Machine.Scan",
            Self::StopAndQuarantineFile => "Machine.StopAndQuarantine",
        }
    }
}

/// How long things take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) pending_ms: i64,
    pub(crate) running_ms: i64,
    pub(crate) hidden_ms: i64,
}

impl Pace {
    pub(crate) fn of(options: &Options) -> Self {
        let ms = |span: engine_model::Millis| i64::try_from(span.as_ms()).unwrap_or(i64::MAX);
        Self {
            pending_ms: ms(options.action_pending),
            running_ms: ms(options.action_running),
            hidden_ms: ms(options.visibility_delay),
        }
    }
}

/// Who took an action back, and why.
pub(crate) struct Cancelled {
    pub(crate) at_ms: i64,
    pub(crate) by: String,
    pub(crate) comment: String,
}

/// An action on a device.
pub(crate) struct MachineAction {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) machine_id: String,
    pub(crate) machine_name: String,
    pub(crate) scope: Option<String>,
    pub(crate) requestor: String,
    pub(crate) comment: String,
    pub(crate) created_ms: i64,
    pub(crate) ending: Ending,
    pub(crate) cancelled: Option<Cancelled>,
    pub(crate) file_sha1: Option<String>,
    /// The commands of a live response session, in the vendor's shape.
    pub(crate) commands: Vec<Value>,
}

impl MachineAction {
    /// An action that begins now; the world gives it its id and its machine.
    pub(crate) fn new(kind: Kind, requestor: &str, comment: String, now_ms: i64) -> Self {
        Self {
            id: String::new(),
            kind,
            machine_id: String::new(),
            machine_name: String::new(),
            scope: None,
            requestor: requestor.to_owned(),
            comment,
            created_ms: now_ms,
            ending: Ending::Succeeds,
            cancelled: None,
            file_sha1: None,
            commands: Vec::new(),
        }
    }

    /// The status at `now_ms`, and since when it has been that.
    fn status_since(&self, now_ms: i64, pace: Pace) -> (&'static str, i64) {
        let running_from = self.created_ms.saturating_add(pace.pending_ms);
        let ended_at = running_from.saturating_add(pace.running_ms);
        match &self.cancelled {
            Some(cancelled) => ("Cancelled", cancelled.at_ms),
            None if self.ending == Ending::Waits => ("Pending", self.created_ms),
            None if now_ms < running_from => ("Pending", self.created_ms),
            None if now_ms < ended_at => ("InProgress", running_from),
            None => match self.ending {
                Ending::Succeeds | Ending::Waits => ("Succeeded", ended_at),
                Ending::Fails => ("Failed", ended_at),
                Ending::TimesOut => ("TimeOut", ended_at),
            },
        }
    }

    pub(crate) fn status(&self, now_ms: i64, pace: Pace) -> &'static str {
        self.status_since(now_ms, pace).0
    }

    pub(crate) fn is_open(&self, now_ms: i64, pace: Pace) -> bool {
        matches!(self.status(now_ms, pace), "Pending" | "InProgress")
    }

    pub(crate) fn succeeded(&self, now_ms: i64, pace: Pace) -> bool {
        self.status(now_ms, pace) == "Succeeded"
    }

    /// Whether reads find it yet.
    pub(crate) fn is_visible(&self, now_ms: i64, pace: Pace) -> bool {
        now_ms >= self.created_ms.saturating_add(pace.hidden_ms)
    }

    /// The commands with how far each is.
    fn commands(&self, status: &str, since_ms: i64) -> Vec<Value> {
        let (word, ended) = match status {
            "Succeeded" => ("Completed", json!(wire::vendor_time(since_ms))),
            "Failed" => ("Failed", json!(wire::vendor_time(since_ms))),
            _ => ("Created", Value::Null),
        };
        let commands = self.commands.iter().enumerate();
        commands
            .map(|(index, command)| {
                json!({
                    "index": index,
                    "startTime": wire::vendor_time(self.created_ms),
                    "endTime": ended,
                    "commandStatus": word,
                    "errors": if word == "Failed" { vec!["it failed"] } else { vec![] },
                    "command": command,
                })
            })
            .collect()
    }

    /// The resource as the API answers it.
    pub(crate) fn document(&self, now_ms: i64, pace: Pace) -> Value {
        let (status, since_ms) = self.status_since(now_ms, pace);
        let cancelled = self.cancelled.as_ref();
        let file = self.file_sha1.as_ref();
        json!({
            "id": self.id,
            "type": self.kind.as_str(),
            "title": null,
            "scope": self.scope,
            "requestor": self.requestor,
            "requestorComment": self.comment,
            "requestSource": "PublicApi",
            "externalId": null,
            "status": status,
            "machineId": self.machine_id,
            "computerDnsName": self.machine_name,
            "creationDateTimeUtc": wire::vendor_time(self.created_ms),
            "lastUpdateDateTimeUtc": wire::vendor_time(since_ms),
            "cancellationRequestor": cancelled.map(|cancelled| &cancelled.by),
            "cancellationComment": cancelled.map(|cancelled| &cancelled.comment),
            "cancellationDateTimeUtc": cancelled.map(|by| wire::vendor_time(by.at_ms)),
            "commands": self.commands(status, since_ms),
            "relatedFileInfo": file.map(|sha1| json!({
                "fileIdentifier": sha1,
                "fileIdentifierType": "Sha1",
            })),
        })
    }
}
