//! Requests that begin a machine action.

use serde_json::Value;

use super::Cx;
use super::body::{Body, Field};
use super::machines::named;
use crate::odata::{MDE, entity};
use crate::reply::{Refusal, Reply};
use crate::world::{Kind, MachineAction};

/// What is special about one submission.
pub(super) struct Submission {
    pub(super) kind: Kind,
    pub(super) scope: Option<String>,
    pub(super) file_sha1: Option<String>,
    pub(super) windows_only: bool,
    pub(super) commands: Vec<Value>,
}

impl Submission {
    pub(super) const fn plain(kind: Kind) -> Self {
        Self {
            kind,
            scope: None,
            file_sha1: None,
            windows_only: false,
            commands: Vec::new(),
        }
    }
}

/// Begins an action, unless one of its kind is still open on the machine.
pub(super) fn submit(
    cx: &mut Cx<'_>,
    body: &Body,
    submission: Submission,
) -> Result<Reply, Refusal> {
    let at = named(cx)?;
    let kind = submission.kind;
    if submission.windows_only && !cx.world.machines[at].is_windows() {
        let platform = cx.world.machines[at].text("osPlatform");
        let message = format!("{} is not supported on {platform}", kind.as_str());
        return Err(Refusal::new(400, "OsPlatformNotSupported", message));
    }
    let pace = cx.world.pace;
    if cx
        .world
        .newest(at, kind)
        .is_some_and(|action| action.is_open(cx.now_ms, pace))
    {
        let message = "Action is already in progress";
        return Err(Refusal::new(400, "ActiveRequestAlreadyExists", message));
    }
    let comment = body.text("Comment")?.to_owned();
    let mut action = MachineAction::new(kind, &cx.caller.appid, comment, cx.now_ms);
    action.scope = submission.scope;
    action.file_sha1 = submission.file_sha1;
    action.commands = submission.commands;
    let index = cx.world.begin(at, action);
    let document = cx.world.actions[index].document(cx.now_ms, pace);
    Ok(Reply::new(201, entity(MDE, "MachineActions", document)))
}

fn comment() -> Field {
    Field::required("Comment")
}

/// A submission whose body is a comment alone.
fn commented(cx: &mut Cx<'_>, kind: Kind) -> Result<Reply, Refusal> {
    let body = Body::read(cx.body, &[comment()])?;
    submit(cx, &body, Submission::plain(kind))
}

/// An isolated device may be isolated again; only an open isolation is in the way.
pub(super) fn isolate(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    const TYPES: &[&str] = &["Full", "Selective", "UnManagedDevice"];
    let body = Body::read(
        cx.body,
        &[comment(), Field::required("IsolationType").one_of(TYPES)],
    )?;
    let scope = body.text("IsolationType")?.to_owned();
    let submission = Submission {
        windows_only: scope == "Selective",
        scope: Some(scope),
        ..Submission::plain(Kind::Isolate)
    };
    submit(cx, &body, submission)
}

pub(super) fn unisolate(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    commented(cx, Kind::Unisolate)
}

pub(super) fn restrict(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let body = Body::read(cx.body, &[comment()])?;
    let submission = Submission {
        windows_only: true,
        ..Submission::plain(Kind::RestrictCodeExecution)
    };
    submit(cx, &body, submission)
}

pub(super) fn unrestrict(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    commented(cx, Kind::UnrestrictCodeExecution)
}

pub(super) fn collect_package(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    commented(cx, Kind::CollectInvestigationPackage)
}

pub(super) fn offboard(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let body = Body::read(cx.body, &[comment()])?;
    let submission = Submission {
        windows_only: true,
        ..Submission::plain(Kind::Offboard)
    };
    submit(cx, &body, submission)
}

pub(super) fn scan(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let kind = Field::required("ScanType").one_of(&["Quick", "Full"]);
    let body = Body::read(cx.body, &[comment(), kind])?;
    let scope = Some(body.text("ScanType")?.to_owned());
    submit(
        cx,
        &body,
        Submission {
            scope,
            ..Submission::plain(Kind::RunAntiVirusScan)
        },
    )
}

pub(super) fn quarantine(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let body = Body::read(cx.body, &[comment(), Field::required("Sha1")])?;
    let sha1 = body.text("Sha1")?.to_owned();
    if sha1.len() != 40 || !sha1.chars().all(|c| c.is_ascii_hexdigit()) {
        let message = format!("{sha1} is no SHA-1");
        return Err(Refusal::new(400, "InvalidHashValue", message));
    }
    let submission = Submission {
        file_sha1: Some(sha1),
        windows_only: true,
        ..Submission::plain(Kind::StopAndQuarantineFile)
    };
    submit(cx, &body, submission)
}
